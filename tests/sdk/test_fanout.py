"""Fan-out: an outcome for each item, nothing twice on a retry, nothing lost with a process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from sdk import (
    ConfigurationError,
    FanoutFailed,
    Permanent,
    RetryPolicy,
    Transient,
    alternative,
    checks,
    default,
    fanout,
    flow,
    record,
    task,
)
from sdk.crashes import process_start
from sdk.fanning.runners import cut
from sdk.masking import keep_secret
from sdk.progress import FanoutProgress, listening
from sdk.redaction import MASK
from sdk.statistics import StepRecord, read_records
from sdk.summary import summarise
from sdk.testing.processes import wait_until

FAST = RetryPolicy("fast", attempts=3, base=0.0)
ROOT = Path(__file__).parents[2]
HERE = {**os.environ, "PYTHONPATH": str(ROOT)}


@task(retry=FAST)
def double(number: int, bad: int = -1) -> int:
    if number == bad:
        raise Permanent(f"number {number} cannot be doubled", "Leave it out.")
    return 2 * number


@task(retry=FAST)
async def double_slowly(number: int) -> int:
    await asyncio.sleep(0.001)
    return 2 * number


@pytest.mark.parametrize("how", ["threads", "processes", "tasks"])
def test_every_item_has_its_own_outcome(how: str, store_url: str) -> None:
    @flow(customer="acme")
    def spread() -> None:
        result = fanout(double, range(40), how=how, concurrency=2, at_least=0.9, bad=7)
        assert dict(result) == {str(n): 2 * n for n in range(40) if n != 7}
        assert list(result) == [str(n) for n in range(40) if n != 7]
        assert result.failed == {"7": "number 7 cannot be doubled"}
        assert result.coverage == 39 / 40
        assert result.counts == {"fresh": 39, "failed": 1}

    spread()


def test_coroutines_run_in_one_loop_so_many_at_a_time(store_url: str) -> None:
    running, most = 0, 0

    @task(retry=FAST)
    async def watch(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        return number

    @flow(customer="acme")
    def spread() -> None:
        assert len(fanout(watch, range(60), concurrency=7)) == 60

    spread()
    assert 1 < most <= 7


def test_too_few_successes_are_an_error_that_names_some(store_url: str) -> None:
    @task(retry=FAST)
    def never(number: int) -> int:
        raise Permanent(f"no {number}", "Stop.")

    @flow(customer="acme")
    def spread() -> None:
        fanout(never, range(5), at_least=0.5)

    with pytest.raises(FanoutFailed, match=r"5 of 5 items failed \(0: no 0; .*; and 2 more\)"):
        spread()


def test_items_are_retried_and_fall_back_one_by_one(store_url: str) -> None:
    tried: dict[int, int] = {}

    @task(retry=FAST, fallback=default(0))
    def shaky(number: int) -> int:
        tried[number] = tried.get(number, 0) + 1
        if number == 3 or (number == 5 and tried[number] < 3):
            raise Transient("try again")
        return number

    @flow(customer="acme")
    def spread() -> dict[str, int]:
        result = fanout(shaky, range(8), concurrency=2)
        assert result.counts == {"fresh": 7, "degraded": 1}
        return dict(result)

    state = spread(return_state=True)
    assert state.name == "Degraded"
    assert state.result() == {str(n): (0 if n == 3 else n) for n in range(8)}
    assert tried == {n: (3 if n in (3, 5) else 1) for n in range(8)}


def test_each_item_publishes_its_own_dataset_and_is_checked(store_url: str) -> None:
    @task(dataset="pages.{site}", checks=[checks.rows(1)], retry=FAST)
    def capture(site: str) -> pl.DataFrame:
        return pl.DataFrame({"site": [site]} if site != "empty" else {"site": []})

    @flow(customer="acme")
    def spread() -> None:
        result = fanout(capture, ["a", "b", "empty"], at_least=0.5)
        assert {key: item.name for key, item in result.items()} == {"a": "pages.a", "b": "pages.b"}
        assert "rows" in result.failed["empty"]
        again = fanout(capture, ["a", "b"])
        assert again.counts == {"reused": 2}

    spread()


def test_a_retry_of_the_run_runs_only_what_failed(store_url: str) -> None:
    called: list[int] = []
    broken = {4, 9}

    @task(retry=RetryPolicy("once"))
    def work(number: int) -> dict[str, int]:
        called.append(number)
        if number in broken:
            broken.discard(number)
            raise Transient("not yet")
        return {"number": number}

    @flow(customer="acme", retry=RetryPolicy("twice", attempts=2, base=0.0))
    def spread() -> None:
        try:
            result = fanout(work, range(12))
        except FanoutFailed as error:
            raise Transient("some sites did not answer") from error
        assert dict(result) == {str(n): {"number": n} for n in range(12)}
        assert result.counts == {"reused": 10, "fresh": 2}

    spread()
    assert sorted(called) == sorted([*range(12), 4, 9])


def test_kept_values_are_never_another_items(store_url: str) -> None:
    @task(retry=FAST)
    def show(item: object, add: int = 0) -> str:
        return f"{item!r}+{add}"

    @flow(customer="acme")
    def spread() -> None:
        assert dict(fanout(show, [1, 2], add=1)) == {"1": "1+1", "2": "2+1"}
        assert dict(fanout(show, [1, 2], add=2)) == {"1": "1+2", "2": "2+2"}
        assert dict(fanout(show, ["1", "2"], add=1)) == {"1": "'1'+1", "2": "'2'+1"}
        assert fanout(show, [1, 2], add=1).counts == {"reused": 2}

    spread()


@task(retry=RetryPolicy("once"), fallback=default("lost"))
def die_at(number: int, victim: int, folder: str) -> str:
    if number == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    (Path(folder) / str(number)).touch()
    return "done"


def test_an_item_that_kills_its_process_costs_itself_alone(store_url: str, tmp_path: Path) -> None:
    @flow(customer="acme")
    def spread() -> dict[str, str]:
        return dict(
            fanout(
                die_at,
                range(6),
                how="processes",
                concurrency=1,
                chunk=3,
                victim=4,
                folder=str(tmp_path),
            )
        )

    made = spread(return_state=True).result()
    assert made == {str(n): ("lost" if n == 4 else "done") for n in range(6)}


ORPHANS = """
import os, sys, time
from pathlib import Path
from sdk import fanout

def begin(number, folder):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)

if __name__ == "__main__":
    fanout(begin, [1, 2], how="processes", concurrency=2, chunk=1, folder=sys.argv[1])
"""


def test_processes_end_with_the_run_that_was_killed(tmp_path: Path) -> None:
    program, folder = tmp_path / "orphans.py", tmp_path / "begun"
    program.write_text(ORPHANS)
    folder.mkdir()
    run = subprocess.Popen([sys.executable, str(program), str(folder)], cwd=ROOT, env=HERE)
    wait_until(lambda: len(_numbers(folder)) == 2, 240, "the items do not begin")
    run.kill()
    run.wait()
    wait_until(
        lambda: all(process_start(pid) is None for pid in _numbers(folder)),
        120,
        "processes outlive their run",
    )


def _numbers(folder: Path) -> list[int]:
    return [int(path.name) for path in folder.iterdir() if path.name.isdigit()]


def make(number: int) -> object:
    return threading.Lock() if number == 2 else number


def test_a_value_that_cannot_travel_costs_its_own_item_alone() -> None:
    result = fanout(make, range(4), how="processes", concurrency=1, at_least=0.5)
    assert dict(result) == {"0": 0, "1": 1, "3": 3}
    assert "cannot pickle" in result.failed["2"]
    lost = result.outcomes["2"].record
    assert lost is not None and (lost.outcome, lost.error_class) == ("failed", "TypeError")


def sign_in(password: str) -> None:
    logging.getLogger("prefect.flow_runs").warning("signing in with %s", password)
    raise Permanent(f"no login with {password}", "Ask for another one.")


def test_a_secret_of_the_run_is_masked_in_processes_too(capfd: pytest.CaptureFixture[str]) -> None:
    secret = "hunter2-correct-horse-battery"
    keep_secret(SecretStr(secret))
    with pytest.raises(FanoutFailed) as failure:
        fanout(sign_in, [secret], how="processes", concurrency=1, key=lambda _: "only")
    assert f"no login with {MASK}" in str(failure.value)
    (outcome,) = failure.value.result.outcomes.values()
    said = "".join(capfd.readouterr())
    assert "signing in with" in said
    assert secret not in f"{failure.value} {outcome.error} {outcome.line!r} {said}"


def test_a_record_that_is_no_json_costs_its_own_item_alone(store_url: str) -> None:
    @task(retry=FAST)
    def say(number: int) -> int:
        record(what=object() if number == 2 else number)
        return number

    @flow(customer="acme")
    def spread() -> None:
        result = fanout(say, range(4), at_least=0.5)
        assert dict(result) == {"0": 0, "1": 1, "3": 3}
        assert "serialize" in result.failed["2"]

    spread()


def test_a_fallback_may_be_a_coroutine_function() -> None:
    @task(retry=RetryPolicy("once"), fallback=alternative(double_slowly))
    def never(number: int) -> int:
        raise Transient("not today")

    assert dict(fanout(never, [1, 2])) == {"1": 2, "2": 4}


def test_a_run_that_is_stopped_begins_no_further_item() -> None:
    begun: list[int] = []

    def stop(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise KeyboardInterrupt
        time.sleep(0.1)  # all that could begin take 25 seconds

    with pytest.raises(KeyboardInterrupt):
        fanout(stop, range(300), concurrency=1, chunk=50)
    assert len(begun) < 200  # the rest of its own chunk never had a chance


def test_records_of_all_items_are_in_the_ledger_and_progress_is_told(store_url: str) -> None:
    runs = []
    told: list[FanoutProgress] = []

    @flow(customer="acme")
    def spread() -> None:
        from sdk import current_run

        runs.append(current_run())
        fanout(double, range(300), concurrency=2)

    with listening(lambda event: told.append(event) if isinstance(event, FanoutProgress) else None):
        spread()
    records = [record for record in read_records(runs[0]) if isinstance(record, StepRecord)]
    assert len([record for record in records if record.step == "double"]) == 300
    (row,) = summarise(records)
    assert (row["step"], row["dataset"], row["outcome"]) == ("double", "300 times", "300 fresh")
    assert row["attempts"] == "300"
    assert told[-1].done == told[-1].total == 300
    assert [event.done for event in told] == sorted(event.done for event in told)


def test_fanout_of_a_thousand_items_is_one_task_run(store_url: str) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    ids = []

    @flow(customer="acme")
    def spread() -> None:
        from prefect.runtime import flow_run

        ids.append(flow_run.id)
        fanout(double, range(1000))

    spread()

    async def count() -> int:
        async with get_client() as client:
            wanted = FlowRunFilter(id=FlowRunFilterId(any_=ids))
            return len(await client.read_task_runs(flow_run_filter=wanted))

    assert asyncio.run(count()) == 1


def test_fanout_works_outside_any_flow() -> None:
    assert dict(fanout(lambda x: x + 1, [1, 2])) == {"1": 2, "2": 3}
    assert dict(fanout(double_slowly, [1, 2])) == {"1": 2, "2": 4}


def test_threads_run_at_the_same_time_but_no_more_than_asked() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def watch(number: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    fanout(watch, range(60), concurrency=5, chunk=1)
    assert 1 < most <= 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"items": [1, 1]}, "two items"),
        ({"items": [1], "how": "magic"}, "not known"),
        ({"items": [1], "at_least": 2}, "no share"),
        ({"items": [1], "nonsense": 1}, "cannot be called"),
    ],
)
def test_misuse_is_said(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        fanout(double, **arguments)  # type: ignore[arg-type]


def test_no_items_are_no_failure() -> None:
    assert dict(fanout(double, [])) == {}


@settings(deadline=None)
@given(
    count=st.integers(0, 3000),
    how=st.sampled_from(["threads", "processes", "async", "tasks"]),
    concurrency=st.integers(1, 64),
    size=st.none() | st.integers(1, 500),
)
def test_chunks_hold_every_item_once_in_order(
    count: int, how: str, concurrency: int, size: int | None
) -> None:
    chunks = cut(list(range(count)), how, concurrency, size)  # type: ignore[arg-type]
    assert [item for chunk in chunks for item in chunk] == list(range(count))
    assert all(chunks)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["good", "bad", "shaky"]), max_size=40), st.integers(1, 8))
def test_outcomes_are_those_of_single_executions(kinds: list[str], concurrency: int) -> None:
    tried: dict[int, int] = {}

    @task(retry=FAST)
    def work(item: tuple[int, str]) -> int:
        number, kind = item
        tried[number] = tried.get(number, 0) + 1
        if kind == "bad" or (kind == "shaky" and tried[number] < 2):
            raise Transient("try again")
        return number

    result = fanout(
        work,
        list(enumerate(kinds)),
        key=lambda item: str(item[0]),
        concurrency=concurrency,
        at_least=0.0,
    )
    expected = {"good": 1, "shaky": 2, "bad": 3}
    assert tried == {n: expected[kind] for n, kind in enumerate(kinds)}
    assert set(result.failed) == {str(n) for n, kind in enumerate(kinds) if kind == "bad"}
    assert dict(result) == {str(n): n for n, kind in enumerate(kinds) if kind != "bad"}
