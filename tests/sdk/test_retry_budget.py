"""The budget of a flow's policy bounds the waits of everything below, on a clock of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk import RetryPolicy, Transient, current_run, default, flow
from sdk.execution import Execution
from sdk.run import Run
from sdk.step import Call, Step, Wait, invoke

DAY = date(2026, 8, 15)
START = datetime(2026, 8, 15, 4, 30, tzinfo=UTC)


class Clock:
    """A clock that only waits move."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


def run_until(store: Path, until: float | None) -> Run:
    end = None if until is None else START + timedelta(seconds=until)
    return Run(customer="acme", day=DAY, store=str(store), run_id="r", root_id="r", retry_until=end)


def walk(step: Step, function: Callable[..., Any], run: Run, clock: Clock) -> Any:
    steps = Execution(
        step,
        function,
        {},
        run,
        clock=lambda: clock.seconds,
        now=clock.now,
        draw=random.Random(1),
        ledger=lambda entry: None,
    ).walk()
    try:
        action = next(steps)
        while True:
            if isinstance(action, Wait):
                clock.seconds += action.seconds
                action = steps.send(None)
                continue
            assert isinstance(action, Call)
            try:
                value = invoke(action.function, action.arguments)
            except Exception as error:
                action = steps.throw(error)
            else:
                action = steps.send(value)
    except StopIteration as stop:
        return stop.value


def busy(asked: float) -> Callable[[], None]:
    def function() -> None:
        raise Transient("busy", retry_after=asked)

    return function


def test_a_step_does_not_wait_beyond_the_flows_budget(tmp_path: Path) -> None:
    patient = RetryPolicy("patient", attempts=99, base=0, cap=0)
    step = Step("s", retry=patient, fallbacks=(default("served"),))
    clock = Clock()
    result = walk(step, busy(10), run_until(tmp_path, 25), clock)
    assert (result.value, result.record.statistics.attempts) == ("served", 3), "at 0, 10 and 20 s"
    # The next step finds what is left: 5 s, and its first wait would be 10.
    assert walk(step, busy(10), run_until(tmp_path, 25), clock).record.statistics.attempts == 1
    assert clock.seconds == 20
    free = walk(step, busy(10), run_until(tmp_path, None), clock)
    assert free.record.statistics.attempts == 99


@given(
    steps=st.lists(
        st.tuples(
            st.integers(1, 6), st.floats(0, 40), st.none() | st.floats(0, 100), st.floats(0, 9)
        ),
        min_size=1,
        max_size=8,
    ),
    until=st.floats(0, 120),
)
def test_no_history_of_steps_leaves_the_budget(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, float, float | None, float]],
    until: float,
) -> None:
    clock = Clock()
    for attempts, cap, budget, asked in steps:
        policy = RetryPolicy("any", attempts=attempts, base=cap, cap=cap, budget=budget)
        begun = clock.seconds
        with pytest.raises(Transient):
            walk(Step("s", retry=policy), busy(asked), run_until(Path("unused"), until), clock)
        # Datetimes count in microseconds.
        assert clock.seconds <= max(until, begun) + 1e-5
        assert budget is None or clock.seconds - begun <= budget + 1e-5


def test_the_narrowest_budget_of_the_flows_above_holds(store_url: str) -> None:
    ends: dict[str, list[datetime | None]] = {"daily": [], "stage": [], "free": []}

    def note(name: str) -> None:
        run = current_run()
        assert run is not None
        ends[name].append(run.retry_until)

    @flow(retry=RetryPolicy("wide", attempts=1, budget=9000))
    def stage() -> None:
        note("stage")

    @flow(customer="acme")
    def free(day: date) -> None:
        note("free")

    @flow(customer="acme", retry=RetryPolicy("narrow", attempts=2, base=0, budget=600))
    def daily(day: date) -> None:
        note("daily")
        stage()
        if len(ends["daily"]) == 1:
            raise Transient("once")

    before = datetime.now(UTC)
    daily(DAY)
    free(DAY)
    [end] = set(ends["daily"])
    assert end is not None
    assert before + timedelta(seconds=600) <= end <= datetime.now(UTC) + timedelta(seconds=600)
    assert len(ends["daily"]) == 2, "the second attempt has what the first left"
    assert set(ends["stage"]) == {end}
    assert ends["free"] == [None]
