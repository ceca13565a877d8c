"""Scripts as steps: the contract holds, limits bite, nothing in data is a command."""

from __future__ import annotations

import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from blocks.connectors.running import stop_all
from sdk import (
    ConfigurationError,
    Permanent,
    RetryPolicy,
    Transient,
    checks,
    default,
    flow,
    task,
)
from sdk.crashes import process_start
from sdk.scripting import script
from sdk.scripting.process import run_process

FAST = RetryPolicy("fast", attempts=3, base=0.0)
ONCE = RetryPolicy("once")


@task(dataset="raw", retry=ONCE)
def raw() -> pl.DataFrame:
    return pl.DataFrame({"sku": ["007", "8"], "price": [1.5, 2.5]})


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_shell_script_reads_inputs_and_leaves_outputs(store_url: str, tmp_path: Path) -> None:
    clean = script(
        _write(
            tmp_path,
            "clean.sh",
            'set -e\ngrep -v "^8," "$INPUTS/raw.csv" > "$OUTPUTS/clean.csv"\n'
            'echo "kept for $CUSTOMER in $CURRENCY"\n',
        ),
        dataset="clean",
        outputs="clean.csv",
        inputs_as="csv",
        retry=ONCE,
        checks=[checks.rows(1, 1)],
    )

    @flow(customer="acme")
    def day() -> dict[str, object]:
        made = clean(raw=raw(), currency="ILS")
        return made.frame().to_dict(as_series=False)

    assert day() == {"sku": ["007"], "price": ["1.5"]}


def test_python_script_leaves_tables_and_files(store_url: str, tmp_path: Path) -> None:
    split = script(
        _write(
            tmp_path,
            "split.py",
            "import os, pathlib\nimport polars as pl\n"
            "raw = pl.read_parquet(os.environ['INPUTS'] + '/raw.parquet')\n"
            "out = pathlib.Path(os.environ['OUTPUTS'])\n"
            "raw.head(1).write_parquet(out / 'first.parquet')\n"
            "(out / 'note.txt').write_text('done')\n",
        ),
        dataset="parts",
        outputs={"first": "first.parquet", "note": "note.txt"},
        retry=ONCE,
    )

    @flow(customer="acme")
    def day() -> None:
        made = split(raw=raw())
        assert made.frame("first")["sku"].to_list() == ["007"]
        assert made.read("note.txt") == b"done"

    day()


def test_sql_script_sees_views_and_variables(store_url: str, tmp_path: Path) -> None:
    dear = script(
        _write(
            tmp_path,
            "dear.sql",
            "create temp table found as select * from raw where price > getvariable('least');\n"
            "select sku, price, getvariable('label') as label from found",
        ),
        dataset="dear",
        retry=ONCE,
    )

    @flow(customer="acme")
    def day() -> list[tuple[object, ...]]:
        return dear(raw=raw(), least=2, label="'; drop table raw; --").frame().rows()

    assert day() == [("8", 2.5, "'; drop table raw; --")]


def test_sql_script_opens_no_file_of_its_own(store_url: str, tmp_path: Path) -> None:
    secret = _write(tmp_path, "secret.csv", "a\n1\n")
    leak = script(_write(tmp_path, "leak.sql", f"select * from '{secret}'"), retry=ONCE)
    with pytest.raises(Permanent, match=r"leak\.sql"):
        leak.fn()


def test_a_changed_script_is_another_step(store_url: str, tmp_path: Path) -> None:
    path = _write(tmp_path, "count.sql", "select 1 as one")
    count = script(path, dataset="count", retry=ONCE)

    @flow(customer="acme")
    def day() -> int:
        return count().version  # type: ignore[no-any-return]

    assert [day(), day()] == [1, 1]
    path.write_text("select 2 as one")
    assert day() == 2


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("echo broken >&2; exit 3", Permanent, r"exit code 3: broken"),
        ("exit 75", Transient, r"exit code 75"),
        ("kill -9 $$", Transient, r"signal 9"),
        ("true", Permanent, r"left no result\.csv in \$OUTPUTS \(there is nothing\)"),
        ('printf "a,b\\n1\\n1,2,3\\n" > "$OUTPUTS/result.csv"', Permanent, r"cannot be read"),
    ],
)
def test_endings_are_said(body: str, kind: type[Exception], said: str, tmp_path: Path) -> None:
    step = script(_write(tmp_path, "x.sh", body), outputs="result.csv", retry=ONCE)
    with pytest.raises(kind, match=said):
        step.fn()


def test_a_script_that_asks_is_run_again_and_then_falls_back(
    store_url: str, tmp_path: Path
) -> None:
    path = _write(tmp_path, "again.sh", 'echo x >> "$COUNT"; exit 75')
    again = script(path, retry=FAST, fallback=default("nothing"))

    @flow(customer="acme")
    def day() -> str:
        return again(count=str(tmp_path / "count"))  # type: ignore[no-any-return]

    assert day(return_state=True).result() == "nothing"
    assert (tmp_path / "count").read_text() == "x\n" * 3


def test_time_limit_ends_the_whole_group(tmp_path: Path) -> None:
    marker = tmp_path / "alive"
    body = f"(sleep 3; touch {marker}) & sleep 60"
    step = script(_write(tmp_path, "slow.sh", body), timeout="1s", retry=ONCE)
    began = time.monotonic()
    with pytest.raises(Transient, match="within 1 s"):
        step.fn()
    assert time.monotonic() - began < 10
    time.sleep(3)
    assert not marker.exists()


def test_memory_limit_holds(tmp_path: Path) -> None:
    body = "data = bytearray(2_000_000_000)\nprint(len(data))\n"
    step = script(_write(tmp_path, "big.py", body), memory="500MB", retry=ONCE)
    with pytest.raises(Permanent, match="MemoryError"):
        step.fn()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40))
def test_parameters_are_never_commands(tmp_path: Path, text: str) -> None:
    step = script(
        _write(tmp_path, "echo.sh", 'printf %s "$WORD" > "$OUTPUTS/word.txt"'),
        outputs={"word": "word.txt"},
        retry=ONCE,
    )
    hostile = f"{text}$(touch {tmp_path}/owned)`touch {tmp_path}/owned`;touch {tmp_path}/owned"
    assert step.fn(word=hostile) == {"word.txt": hostile.encode()}
    assert not (tmp_path / "owned").exists()


def test_the_platforms_environment_stays_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "of the platform")
    step = script(_write(tmp_path, "env.sh", "env"), env={"OWN": "mine"}, retry=ONCE)
    said = step.fn(number=3)
    assert "of the platform" not in said
    assert {"OWN=mine", "NUMBER=3"} <= set(said.splitlines())


def test_secrets_reach_the_script_and_nothing_else(
    tmp_path: Path, store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "seeded-8f1c-secret"
    path = _write(tmp_path, "tell.sh", 'echo "$KEY"; echo "$KEY" >&2; test -n "$KEY"; exit 9')
    step = script(path, env={"KEY": SecretStr(secret)}, dataset="told", retry=ONCE)

    @flow(customer="acme")
    def day() -> None:
        step()

    with caplog.at_level(logging.DEBUG), pytest.raises(Permanent) as raised:
        day()
    assert "********" in str(raised.value)
    assert secret not in str(raised.value) + caplog.text
    for path in Path(store_url).rglob("*"):
        assert path.is_dir() or secret not in path.read_text(errors="replace")


def test_output_of_any_size_does_not_block_and_is_cut(tmp_path: Path) -> None:
    ended = run_process(
        ["bash", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; seq 100000; seq 100000 >&2"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        stdin=b"y" * 1_000_000,
    )
    assert ended.code == 0
    assert ended.out.splitlines()[-1] == ended.err.splitlines()[-1] == "100000"
    assert len(ended.out) < 100_000


def test_a_run_that_ends_takes_its_program_with_it(tmp_path: Path) -> None:
    """A request to stop does not reach the thread that waits: the program is ended from outside."""
    begun = tmp_path / "begun"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            run_process,
            ["bash", "-c", f"echo $$ > {begun}.new; mv {begun}.new {begun}; sleep 600"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
            time_limit=120,
        )
        while not begun.exists() and not waiting.done():
            time.sleep(0.02)
        assert stop_all() == ["program bash"]
        with pytest.raises(Permanent, match="program bash was stopped"):
            waiting.result()
    assert process_start(int(begun.read_text())) is None


@pytest.mark.parametrize(
    ("name", "options"),
    [("missing.sh", {}), ("plain.txt", {}), ("good.sh", {"memory": "lots"})],
)
def test_misuse_is_said_when_the_step_is_made(
    tmp_path: Path, name: str, options: dict[str, str]
) -> None:
    _write(tmp_path, "plain.txt", "")
    _write(tmp_path, "good.sh", "true")
    with pytest.raises(ConfigurationError):
        script(tmp_path / name, **options)  # type: ignore[arg-type]
