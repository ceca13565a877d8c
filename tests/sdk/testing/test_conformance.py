"""Every customer's flow conforms; and a flow that does not is told so, rule by rule."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path
from types import ModuleType

import pytest

from flows.operations.catalogue import customers, daily_flow
from sdk.testing.conformance import MOST_LINES, assert_flow_conforms, problems_of

HEAD = """
from __future__ import annotations
import threading
from datetime import date
from pydantic import SecretStr
from sdk import Dataset, flow
"""
OPTIONS = {"customer": "acme", "owner": "grocery", "tier": "gold", "deadline": "90m"}
DAY = "day: date | None = None"


def flow_text(parameters: str = f'{DAY}, source: str = "s3://acme"', without: str = "") -> str:
    """Return a sound flow, but for what is said of it."""
    options = ", ".join(f"{name}={value!r}" for name, value in OPTIONS.items() if name != without)
    return f"\n@flow({options})\ndef acme_daily({parameters}) -> None: ...\n"


SOUND = flow_text()

_names = itertools.count()


def written(folder: Path, text: str) -> ModuleType:
    """Return the module of a customer's file, imported here and importable elsewhere."""
    name = f"conformance_subject_{next(_names)}"
    file = folder / f"{name}.py"
    file.write_text(HEAD + text)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def no_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the rule on imports, which takes an interpreter of its own."""
    monkeypatch.setattr("sdk.testing.conformance.work_at_import", lambda *_: [])


@pytest.mark.parametrize("customer", customers())
def test_every_customers_flow_conforms(customer: str) -> None:
    assert_flow_conforms(daily_flow(customer))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *((flow_text(without=name), f"it has no {name}") for name in OPTIONS),
        (f"@flow\ndef acme_daily({DAY}): ...", "no flow of the SDK"),
        (flow_text('source: str = "s3://acme"'), "has no day"),
        (flow_text("day: date"), "day must be"),
        (flow_text('day: str = "today"'), "day must be"),
        (flow_text(f"source: str, {DAY}"), "source has no default"),
        (flow_text(f'{DAY}, source="s3://acme"'), "source has no type"),
        (flow_text(f"{DAY}, **more: str"), "name each one"),
        (flow_text(f"{DAY}, lock: object = threading"), "lock does not serialise"),
        (flow_text(f"{DAY}, since: object = date(2026, 1, 1)"), "since is not the same"),
        (flow_text(f"{DAY}, token: SecretStr = SecretStr('x')"), "holds a secret"),
        (SOUND + "\n" * MOST_LINES, "lines and may have"),
    ],
)
def test_a_broken_rule_is_named(tmp_path: Path, no_import: None, text: str, said: str) -> None:
    module = written(tmp_path, text)
    problems = list(problems_of(module.acme_daily, tags=[]))
    assert len(problems) == 1, problems
    assert said in problems[0]
    assert ": " in problems[0], "says what to do"


@pytest.mark.parametrize(
    "parameter",
    [
        "sites: list[str] = []",
        "window: tuple[int, float] = (1, 2.5)",
        "since: date = date(2026, 1, 1)",
        'modes: dict[str, int | None] = {"a": None}',
    ],
)
def test_parameters_that_survive_json_are_fine(
    tmp_path: Path, no_import: None, parameter: str
) -> None:
    module = written(tmp_path, flow_text(f"{DAY}, {parameter}"))
    assert list(problems_of(module.acme_daily, tags=[])) == []


def test_tags_are_of_the_vocabulary_and_of_the_tier(tmp_path: Path, no_import: None) -> None:
    module = written(tmp_path, SOUND)
    assert list(problems_of(module.acme_daily, tags=["daily", "gold"])) == []
    [unknown] = problems_of(module.acme_daily, tags=["dayly", "gold"])
    assert "'dayly'" in unknown
    [other] = problems_of(module.acme_daily, tags=["daily", "silver"])
    assert "'silver'" in other


def test_tags_are_found_in_the_prefect_yaml_above(tmp_path: Path, no_import: None) -> None:
    (tmp_path / "customers").mkdir()
    module = written(tmp_path / "customers", SOUND)
    entrypoint = f"customers/{Path(str(module.__file__)).name}:acme_daily"
    (tmp_path / "prefect.yaml").write_text(
        f"deployments:\n- entrypoint: {entrypoint}\n  tags: [hourlee]\n"
        "- entrypoint: customers/other.py:acme_daily\n  tags: [unheard]\n"
    )
    [problem] = problems_of(module.acme_daily)
    assert "'hourlee'" in problem


WORK = """
import os, socket, sqlite3, subprocess, threading
from pathlib import Path
import numpy.testing, sklearn.linear_model
if "WORK" not in os.environ:
    os.environ["WORK"] = "not here, but in the fresh interpreter"
else:
    for work in (
        lambda: socket.socket().connect(("127.0.0.1", 9)),
        lambda: Path("left.txt").write_text("x"),
        lambda: subprocess.run(["true"]),
        lambda: threading.Thread(target=print).start(),
        lambda: sqlite3.connect("left.db"),
        lambda: Path("left").mkdir(),
        lambda: Path(__file__).read_text(),
    ):
        try:
            work()
        except (RuntimeError, OSError):
            pass
"""


def test_work_at_import_is_seen_and_reading_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WORK", raising=False)
    module = written(tmp_path, WORK + SOUND)
    monkeypatch.setenv("WORK", "in the fresh interpreter")
    with pytest.raises(AssertionError) as caught:
        assert_flow_conforms(module.acme_daily, tags=[])
    said = str(caught.value)
    for event in (
        "connects to ('127.0.0.1', 9)",
        "writes left.txt",
        "starts a program (true)",
        "starts a thread",
        "opens the database left.db",
        "makes the folder left",
    ):
        assert said.count(event) == 1, said
    assert said.count("importing") == 6


def test_asking_prefects_api_at_import_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = """
import os
if "ASK" in os.environ:
    from prefect.variables import Variable
    SOURCE = Variable.get("source")
"""
    module = written(tmp_path, asks + SOUND)
    monkeypatch.setenv("ASK", "yes")
    assert any("importing" in problem for problem in problems_of(module.acme_daily, tags=[]))


def test_a_file_that_breaks_at_import_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = written(tmp_path, 'import os\nassert "BREAK" not in os.environ, "torn"' + SOUND)
    monkeypatch.setenv("BREAK", "yes")
    with pytest.raises(AssertionError, match=r"cannot be imported.*torn"):
        assert_flow_conforms(module.acme_daily, tags=[])
