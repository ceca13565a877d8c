from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from sdk.crontab.__main__ import app
from tests.conftest import ROOT


def run(*arguments: str, typed: bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=typed)


def names(result: Result) -> list[str]:
    return [deployment["name"] for deployment in yaml.safe_load(result.stdout)["deployments"]]


def test_all_translated(tmp_path: Path) -> None:
    file = tmp_path / "crontab"
    file.write_text("0 1 * * * a\n@daily b\n")
    result = run(str(file), "--timezone", "Europe/Berlin")
    assert result.exit_code == 0
    assert names(result) == ["a", "b"]
    assert result.stderr == "2 translated, 0 not\n"


def test_some_not_translated() -> None:
    result = run("-", "--timezone", "UTC", typed=b"0 1 * * * a\n@reboot b\n61 * * * * c\n")
    assert result.exit_code == 1
    assert names(result) == ["a"]
    assert "standard input, line 2, time: @reboot" in result.stderr
    assert "standard input, line 3, minute: 61 is not between 0 and 59" in result.stderr
    assert result.stderr.endswith("1 translated, 2 not\n")


def test_the_zone_that_was_assumed_is_said() -> None:
    assert "--timezone" in run("-", typed=b"@daily a\n").stderr
    assert "--timezone" not in run("-", typed=b"CRON_TZ=UTC\n@daily a\n").stderr
    assert "--timezone" not in run("-", "--timezone", "UTC", typed=b"@daily a\n").stderr
    assert "--timezone" not in run("-", typed=b"# nothing\n").stderr


def test_options_reach_the_deployments() -> None:
    result = run("-", "--system", "--prefix", "web1", typed=b"@daily root /opt/x\n")
    [deployment] = yaml.safe_load(result.stdout)["deployments"]
    assert deployment["name"] == "web1-x"
    assert deployment["parameters"]["user"] == "root"


@pytest.mark.parametrize(
    ("typed", "arguments", "said"),
    [
        (b"0 1 * * * \xff\xfe\n", (), "not a crontab: line 1 is not UTF-8"),
        (b"\0\0\0", (), "not a crontab: line 1 holds a NUL byte"),
        (b"Lorem ipsum dolor sit amet consectetur adipisci\n", (), "not a crontab: no line"),
        (b"@daily a\n", ("--timezone", "Nowhere/City"), "--timezone: 'Nowhere/City' is no"),
    ],
)
def test_nothing_is_printed_for_what_is_no_crontab(
    typed: bytes, arguments: tuple[str, ...], said: str
) -> None:
    result = run("-", *arguments, typed=typed)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for file in (tmp_path / "missing", tmp_path, Path("a\0b")):
        result = run(str(file))
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.startswith("error: cannot read ")
        assert len(result.stderr.splitlines()) == 2


def test_as_a_command(tmp_path: Path) -> None:
    file = tmp_path / "crontab"
    file.write_bytes("\ufeff# שלום\r\n0 1 * * * echo שלום\r\n@reboot x".encode())
    done = subprocess.run(
        [sys.executable, "-m", "sdk.crontab", str(file), "--timezone", "Asia/Jerusalem"],
        capture_output=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PREFECT_HOME": str(tmp_path / "home")},
        check=False,
    )
    assert done.returncode == 1, done.stderr
    [deployment] = yaml.safe_load(done.stdout.decode())["deployments"]
    assert deployment["parameters"]["command"] == "echo שלום"
    assert deployment["description"].startswith("שלום\n")
    assert done.stderr.decode().endswith("1 translated, 1 not\n")


def test_the_pages_example_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "how-to" / "crontab.md").read_text()

    def block(kind: str) -> str:
        return page.split(f"```{kind}\n")[1].split("```")[0]

    monkeypatch.chdir(tmp_path)
    Path("prices.crontab").write_text(block("crontab"))
    result = run("prices.crontab")
    assert result.stdout == block("yaml")
    assert result.stderr == block("text")
