from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect.utilities.templating import apply_values

from sdk.crontab import Refusal, Translation, parse, translate
from sdk.crontab.__main__ import as_yaml, report
from sdk.crontab.naming import LONGEST, Names, name_of
from tests.conftest import SHARED


def anywhere(zone: str) -> None:
    if "?" in zone:
        raise Refusal("time zone", f"{zone!r} is unknown", "Correct it.")


def translated(text: str, *, system: bool = False, **options: Any) -> Translation:
    given_options = {"source": "tab", "timezone": "UTC", "check_zone": anywhere, **options}
    return translate(parse(text, system=system), **given_options)


def test_what_a_deployment_holds() -> None:
    [deployment] = translated(
        "SHELL=/bin/bash\nCRON_TZ=Asia/Jerusalem\n# counts the stock\n"
        "5 4 * * sun root count %a%b\n",
        system=True,
    ).deployments
    assert deployment == {
        "name": "count",
        "description": "counts the stock\nLine 4 of tab.",
        "entrypoint": "flows/operations/crontab.py:run_script",
        "tags": ["crontab"],
        "parameters": {
            "command": "count ",
            "environment": {"SHELL": "/bin/bash"},
            "stdin": "a\nb\n",
            "user": "root",
        },
        "schedules": [{"cron": "5 4 * * 0", "timezone": "Asia/Jerusalem", "day_or": True}],
        "work_pool": {"name": "{{ prefect.variables.work_pool }}", "work_queue_name": "work"},
    }


def test_what_a_plain_line_leaves_out() -> None:
    [deployment] = translated("@daily x\n").deployments
    assert deployment["parameters"] == {"command": "x", "environment": {}}


def test_the_zone_above_the_line_else_the_option() -> None:
    text = (
        "@daily a\nCRON_TZ=Europe/Berlin\n@daily b\nTZ=Asia/Tokyo\n@daily c\n"
        "CRON_TZ=:Asia/Tokyo\n@daily d\nCRON_TZ=''\n@daily e\n"
    )
    zones = [
        deployment["schedules"][0]["timezone"]
        for deployment in translated(text, timezone="America/Lima").deployments
    ]
    assert zones == ["America/Lima", "Europe/Berlin", "Europe/Berlin", "Asia/Tokyo", "America/Lima"]


def test_an_unknown_zone_refuses_the_lines_below_it() -> None:
    done = translated("@daily a\nCRON_TZ=What?\n@daily b\n@daily c\nCRON_TZ=UTC\n@daily d\n")
    assert [deployment["name"] for deployment in done.deployments] == ["a", "d"]
    assert [(problem.line, problem.field) for problem in done.problems] == [
        (3, "time zone"),
        (4, "time zone"),
    ]


def test_problems_of_reading_and_of_translating_in_the_order_of_lines() -> None:
    done = translated("61 * * * * a\n@reboot b\n0 22-2 * * * c\n@daily d\n")
    assert [problem.line for problem in done.problems] == [1, 2, 3]
    assert [deployment["name"] for deployment in done.deployments] == ["d"]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("@daily a\nMAILTO=x@y.example\n@daily b\n", 2, "mail is not sent"),
        ("RANDOM_DELAY=30\n@daily b\n", 1, "random delay"),
        ("TZ=Asia/Tokyo\n@daily b\n", 1, "cron does not read times by it"),
        ("DB_PASSWORD=x\n@daily b\n", 1, "DB_PASSWORD will stand in prefect.yaml"),
        ("@daily b --password=hunter22\n", 1, "credential"),
        ("0 1 * * * root /opt/x\n", 1, "--system"),
    ],
)
def test_notes(text: str, line: int, said: str) -> None:
    done = translated(text)
    assert done.problems == ()
    [note] = done.notes
    assert note.line == line
    assert said in note.text


def test_a_plain_crontab_gives_no_notes() -> None:
    assert translated("SHELL=/bin/sh\nMONKEY=1\n0 1 * * * x\n").notes == ()


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("cd /srv && ./bin/Nightly-Prices.sh --all >> /var/log/p.log 2>&1", "nightly-prices-sh"),
        ("/usr/bin/python3 -m shop.load --day today", "python3-shop-load"),
        ("MODE=fast nice -n 5 rebuild | mail x", "nice-rebuild"),
        ("test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/x )", "run-parts"),
        ("curl -u me:secret https://me:secret@example.com/?token=secret", "curl"),
        ("mysqldump --password secret -psecret shop", "mysqldump-shop"),
        ("cd /", "cd"),
        ("שלום", "command"),
        ("'' $X", "command"),
    ],
)
def test_names_from_commands(command: str, name: str) -> None:
    assert name_of(command) == name


@given(st.lists(st.text("ab2- /", max_size=6), max_size=30), st.sampled_from(["", "web 1"]))
def test_names_are_unlike_and_well_formed(commands: list[str], prefix: str) -> None:
    names = Names(prefix)
    given_names = [names.take(command) for command in commands]
    assert len(set(given_names)) == len(given_names)
    for name in given_names:
        assert name.startswith("web-1-" if prefix else "")
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert len(name) <= 2 * LONGEST + 6
        assert not name.startswith("-")


def test_the_second_of_a_name_is_numbered() -> None:
    done = translated("@daily x\n@daily x-2\n@daily x\n@daily x\n")
    assert [one["name"] for one in done.deployments] == ["x", "x-2", "x-3", "x-4"]


def deployed(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `prefect deploy` makes of a deployment: its two passes of templating."""
    once: Any = apply_values(dict(deployment), dict(os.environ), remove_notset=False)
    twice: Any = apply_values(once, {})
    assert isinstance(twice, dict)
    return twice


commands = st.text(
    st.characters(codec="utf-8", exclude_characters="\n\0"), min_size=1, max_size=60
) | st.text("{}{} .$abHOME%\\'\"|:#&*-\t", min_size=1, max_size=60)


@settings(max_examples=300)
@given(commands, commands, commands)
def test_what_is_deployed_is_what_cron_would_run(command: str, value: str, comment: str) -> None:
    value = value.replace('"', "").rstrip("\r")
    done = translated(f'A="{value}"\n# {comment}\n0 5 * * * {command}\n@daily last\n')
    loaded = yaml.safe_load(as_yaml(done))["deployments"]
    assert loaded == [dict(deployment) for deployment in done.deployments]
    for deployment in loaded:
        after = deployed(deployment)
        assert after["parameters"] == deployment["parameters"]
        assert after["description"] == deployment["description"]
    assert loaded[-1]["parameters"]["command"] == "last"


def test_the_same_crontab_gives_the_same_bytes() -> None:
    text = "B=1\nA=2\n0 1 * * * x\n0 0 */2 * 1 y %in\n"
    first, second = as_yaml(translated(text)), as_yaml(translated(text))
    assert first == second
    assert "&id" not in first
    assert first.index("B:") < first.index("A:")  # in the order of the file


def test_nothing_to_translate_is_an_empty_list() -> None:
    assert yaml.safe_load(as_yaml(translated("# nothing\n"))) == {"deployments": []}


def test_a_bad_line_changes_nothing_else() -> None:
    good = ["A=1", "0 1 * * * a", "B=2", "0 2 * * * b", "CRON_TZ=UTC", "0 3 * * * c"]
    bad = ["@reboot x", "61 * * * * x", "A=", "hello", "0 0 30 2 * x", "* * * * *", "* * * * * % "]

    def essence(done: Translation) -> list[Any]:
        return [(d["name"], d["parameters"], d["schedules"]) for d in done.deployments]

    expected = essence(translated("\n".join(good)))
    for line in bad:
        for place in range(len(good) + 1):
            done = translated("\n".join([*good[:place], line, *good[place:]]))
            assert essence(done) == expected
            assert [problem.line for problem in done.problems] == [place + 1]


def test_the_report_cannot_be_rewritten_by_the_file() -> None:
    done = translated("61 * * * * \x1b[2Jx\u202e\n@daily \x1b]0;t\x07 --password=hunter22\n")
    said = report(done, "t\x1bab", assumed_zone=True)
    assert all(char.isprintable() or char == "\n" for char in said)
    assert "hunter22" not in said
    assert "1 translated, 1 not" in said


def test_hostile_sizes() -> None:
    long_list = ",".join(["*"] * 30_000)
    text = "\n".join(
        [
            f"{long_list} * * * * long-list",
            "* * * * * " + "%" * 100_000,
            "* * * * * x%" + "{{" * 50_000,
            "9" * 100_000 + " * * * * digits",
            "* * * * * " + "9" * 100_000 + ">",
            "* * * * * " + "\\" * 100_000,
            "A=" + " " * 100_000,
            "-" * 100_000,
            "0-" * 50_000 + " * * * * dashes",
            "@" * 100_000,
            *(f"{number % 60} * * * * same --n {number}" for number in range(10_000)),
        ]
    )
    done = translated(text)
    assert len({deployment["name"] for deployment in done.deployments}) == len(done.deployments)
    assert done.deployments[0]["schedules"][0]["cron"] == "* * * * *"
    assert len(done.deployments) + len(done.problems) == 10_010
    assert {problem.line for problem in done.problems} == {2, 4, 7, 8, 9, 10}
    assert len(report(done, "tab", assumed_zone=False)) < 10_000


def test_schedules_of_production() -> None:
    """Every schedule of a real scheduler that is a time of cron's is translated."""
    path = SHARED / "crons" / "telemetry_airflow_crons.json"
    if not path.exists():
        pytest.skip(f"no real data at {path}")
    crons = json.loads(path.read_text())
    assert crons
    done = translated("\n".join(f"{cron} run job{n}" for n, cron in enumerate(crons)))
    untimed = [n for n, cron in enumerate(crons, start=1) if cron == "@once"]
    assert [problem.line for problem in done.problems] == untimed
    assert all("no schedule" in problem.reason for problem in done.problems)
    assert len(done.deployments) == len(crons) - len(untimed)


def test_this_machines_zone_has_no_part_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = as_yaml(translated("0 0 */2 * 1 x\n"))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert as_yaml(translated("0 0 */2 * 1 x\n")) == before
