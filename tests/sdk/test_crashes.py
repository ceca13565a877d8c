"""Steps that die without a word: markers, and real processes under real SIGKILLs."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from prefect.client.orchestration import get_client
from prefect.deployments.runner import RunnerDeployment
from prefect.states import Scheduled

from sdk import NONE, RetryPolicy, default, last_good
from sdk.crashes import FOLDER, Crashed, Marker, process_start, watched
from sdk.execution import Execution
from sdk.prefect2 import call
from sdk.run import Run
from sdk.statistics import ledger, read_records
from sdk.step import Step, drive
from sdk.storage import storage

LOG = logging.getLogger(__name__)
ROOT = Path(__file__).parents[2]
DAY = date(2026, 8, 15)
HERE = Marker(host="a", process=os.getpid(), started=process_start(os.getpid()) or 0, attempt="1")


def run_in(store: str, **fields: Any) -> Run:
    return Run(
        customer="acme", day=DAY, store=store, run_id="r", root_id="r", path=("r",), **fields
    )


def gone() -> int:
    """Return the id of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


@pytest.mark.parametrize(
    ("changes", "crashed"),
    [
        ({}, False),
        ({"attempt": "2"}, False),
        ({"process": 0}, True),
        ({"started": 1}, True),
        ({"host": "b"}, False),
        ({"host": "b", "attempt": "2"}, True),
    ],
    ids=["itself", "thread of before", "gone", "id used again", "elsewhere", "elsewhere before"],
)
def test_what_counts_as_a_crash(changes: dict[str, Any], crashed: bool) -> None:
    if changes.get("process") == 0:
        changes = {"process": gone()}
    marker = replace(HERE, **changes)
    assert marker.crashed(HERE) is crashed
    assert Marker.named(marker.name()) == marker


def test_names_that_are_no_markers() -> None:
    for name in ("", "x", "a-b-c-d-e", "2026-1.json"):
        assert Marker.named(name) is None


def test_a_zombie_is_no_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert process_start(process.pid)
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert process_start(process.pid) is None


def test_a_marker_is_there_while_a_step_runs_however_it_ends(store_url: str) -> None:
    run = run_in(store_url)

    def left() -> list[str]:
        root = storage(store_url)
        folder = f"{ledger(run)}/begun"
        return [name for key in root.names(folder) for name in root.names(f"{folder}/{key}")]

    for error in (None, ValueError, KeyboardInterrupt):
        try:
            with watched(run, "s", {"x": 1}, LOG) as crashes:
                assert crashes == 0
                with watched(run, "s", {"x": 1}, LOG) as again:
                    assert again == 0, "another of this process is no crash"
                assert len(left()) == 1
                if error is not None:
                    raise error
        except (ValueError, KeyboardInterrupt):
            pass
        assert left() == []
    assert read_records(run) == []


def test_only_markers_of_the_same_step_call_and_run_count(store_url: str) -> None:
    code = (
        "import os, signal, sys, logging, datetime\n"
        "from sdk.crashes import watched\n"
        "from sdk.run import Run\n"
        "run = Run.model_validate_json(sys.argv[1])\n"
        "with watched(run, 's', {'x': 1}, logging.getLogger()):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = run_in(store_url)
    for _ in range(2):
        died = subprocess.run(
            [sys.executable, "-c", code, run.model_dump_json()], cwd=ROOT, check=False
        )
        assert died.returncode == -signal.SIGKILL
    other = run.model_copy(update={"root_id": "other"})
    for here, step, parameters, expected in (
        (run, "s", {"x": 1}, 2),
        (run, "s", {"x": 2}, 0),
        (run, "t", {"x": 1}, 0),
        (other, "s", {"x": 1}, 0),
    ):
        with watched(here, step, parameters, LOG) as crashes:
            assert crashes == expected


def test_a_ledger_that_cannot_be_written_costs_no_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "acme").write_text("a file where a folder is needed")
    with watched(run_in(str(tmp_path)), "s", {}, LOG) as crashes:
        assert crashes == 0
    assert "would go unnoticed" in caplog.text


def leave_crashes(run: Run, step: str, parameters: dict[str, Any], count: int) -> None:
    """Leave what so many killed processes would."""
    with watched(run, step, parameters, LOG):
        root, begun = storage(run.store), f"{ledger(run)}/{FOLDER}"
        own = f"-{os.getpid()}-"
        [folder] = [key for key in root.names(begun) if own in str(root.names(f"{begun}/{key}"))]
        for _ in range(count):
            name = replace(Marker.here(run), process=gone()).name()
            root.put(f"{begun}/{folder}/{name}", b"")


@pytest.mark.parametrize(
    ("crashes", "calls", "source", "attempts"),
    [(0, 1, "fresh", 1), (1, 1, "fresh", 2), (2, 0, "default", 2), (5, 0, "default", 5)],
)
def test_crashed_attempts_count_like_failed_ones(
    store_url: str, crashes: int, calls: int, source: str, attempts: int
) -> None:
    run, called = run_in(store_url), []
    two = RetryPolicy("two", attempts=2, base=0)
    step = Step("s", dataset="d", retry=two, fallbacks=(default(pl.DataFrame({"x": [0]})),))

    def make(x: int) -> pl.DataFrame:
        called.append(x)
        return pl.DataFrame({"x": [x]})

    leave_crashes(run, "s", {"x": 1}, crashes)
    result = drive(Execution(step, make, {"x": 1}, run).walk(), call)
    assert (len(called), result.value.source) == (calls, source)
    assert result.record.statistics.attempts == attempts
    # What is there already is served, however often the step died since.
    other = Execution(step, make, {"x": 2}, run)
    drive(other.walk(), call)
    leave_crashes(run, "s", {"x": 2}, 9)
    assert drive(Execution(step, make, {"x": 2}, run).walk(), call).record.outcome == "reused"


def test_without_a_fallback_nothing_is_marked(store_url: str) -> None:
    run = run_in(store_url)

    def make() -> int:
        return len(storage(store_url).names(f"{ledger(run)}/{FOLDER}"))

    plain, watched_one = Step("s"), Step("s", fallbacks=(default(7),))
    assert drive(Execution(plain, make, {}, run).walk(), call).value == 0
    assert drive(Execution(watched_one, make, {}, run).walk(), call).value == 1


def test_a_crash_that_nothing_can_replace_fails_in_words(store_url: str) -> None:
    run = run_in(store_url)
    step = Step("s", dataset="d", retry=NONE, fallbacks=(last_good(),))
    leave_crashes(run, "s", {}, 1)
    with pytest.raises(Crashed, match="s died without a word in 1 of its 1 attempts"):
        drive(Execution(step, lambda: None, {}, run).walk(), call)


FLOW_FILE = """
import os, signal
from datetime import date
import polars as pl
from sdk import NONE, default, flow, task

def die():
    os.kill(os.getpid(), signal.SIGKILL)

@task(dataset="heavy", retry=NONE, fallback=default(pl.DataFrame({"x": [0]})))
def heavy(day: date) -> pl.DataFrame:
    die()

@flow(fallback=default("nothing"))
def stage() -> str:
    die()

@flow(customer="acme")
def daily(day: date = date(2026, 8, 15)) -> None:
    heavy(day)
    stage()
"""


@pytest.mark.timeout(240)
def test_what_kills_its_parent_is_not_begun_for_ever(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step and a subflow of one attempt each: two deaths, then both fallbacks."""
    monkeypatch.chdir(tmp_path)  # a worker copies the folder in which the deployment was made
    file = tmp_path / "killer.py"
    file.write_text(FLOW_FILE)

    async def make() -> UUID:
        made = await RunnerDeployment.from_entrypoint(f"{file}:daily", "killer").apply()
        async with get_client() as client:
            return (await client.create_flow_run_from_deployment(made)).id

    async def again(run: UUID) -> str:
        async with get_client() as client:
            state = (await client.read_flow_run(run)).state
            assert state is not None
            if not state.is_final():
                await client.set_flow_run_state(run, Scheduled(name="AwaitingRetry"), force=True)
            return state.name or ""

    run = asyncio.run(make())
    codes, name = [], ""
    for _ in range(6):
        environment = {**os.environ, "DATAWEAVE_STORAGE": store_url, "PYTHONPATH": str(ROOT)}
        codes.append(
            subprocess.run(
                [sys.executable, "-m", "prefect.engine", str(run)],
                env=environment,
                check=False,
            ).returncode
        )
        name = asyncio.run(again(run))
        if codes[-1] == 0:
            break
    assert codes == [-signal.SIGKILL] * 2 + [0]
    assert name == "Degraded"
    root = run_in(store_url, starts=1).model_copy(update={"root_id": str(run)})
    said = {entry.step: (entry.fallback, entry.error or "") for entry in read_records(root)}
    assert said["heavy"][0] == said["stage"][0] == "default"
    for step in ("heavy", "stage"):
        assert f"{step} died without a word in 1 of its 1 attempts" in said[step][1]
