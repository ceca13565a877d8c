"""Which days a backfill runs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.operations.backfill.plan import DayState, Goal, Which, days_between, plan
from flows.operations.backfill.request import MOST_DAYS, Request
from sdk import ConfigurationError

DAY = date(2026, 8, 15)

GOALS: tuple[Goal, ...] = get_args(Goal)


@pytest.mark.parametrize(
    ("goal", "failure", "missing", "failed"),
    [
        ("none", None, "run", "skip"),
        ("none", "no files", "run", "run"),
        ("fresh", None, "skip", "skip"),
        ("fresh", "no files", "skip", "run"),
        ("degraded", None, "skip", "run"),
        ("damaged", None, "run", "run"),
    ],
)
def test_which(goal: Goal, failure: str | None, missing: str, failed: str) -> None:
    state = DayState(DAY, goal, failure)
    for which, expected in (("missing", missing), ("failed", failed), ("all", "run")):
        [decision] = plan([state], which, goal="report")  # type: ignore[arg-type]
        assert decision.action == expected
        assert (failure or "") in decision.why


STATES = st.lists(
    st.builds(
        DayState,
        day=st.dates(DAY, DAY + timedelta(days=30)),
        goal=st.sampled_from(GOALS),
        failure=st.none() | st.just("no files"),
        busy=st.none() | st.just("process 7 here"),
        ours=st.none() | st.just("run-1"),
    ),
    unique_by=lambda state: state.day,
    max_size=12,
)


@given(STATES, st.sampled_from(get_args(Which)))
def test_every_day_has_one_decision_and_no_day_is_run_twice(
    states: list[DayState], which: Which
) -> None:
    decisions = plan(states, which, goal="report")
    assert [decision.day for decision in decisions] == sorted(state.day for state in states)
    by_day = {state.day: state for state in states}
    for decision in decisions:
        state = by_day[decision.day]
        assert decision.action != "run" or (state.busy is None and state.ours is None)
        assert decision.action != "wait" or state.ours is not None
        assert which != "all" or decision.action != "skip" or state.busy is not None
        assert decision.why


@given(STATES, st.sampled_from(get_args(Which)))
def test_a_plan_is_spent_once_its_days_are_fresh(states: list[DayState], which: Which) -> None:
    chosen = {decision.day for decision in plan(states, which, goal="report")}
    after = [DayState(day, "fresh") for day in chosen]
    again = plan(after, which, goal="report")
    assert which == "all" or all(decision.action == "skip" for decision in again)


@given(st.dates(DAY, DAY + timedelta(days=400)), st.integers(-5, 400))
def test_days_between(first: date, length: int) -> None:
    days = days_between(first, first + timedelta(days=length))
    assert len(days) == max(0, length + 1)
    assert days == sorted(set(days))


@pytest.mark.parametrize(
    "change",
    [
        {"which": "some"},
        {"last": DAY - timedelta(days=1)},
        {"last": DAY + timedelta(days=MOST_DAYS)},
        {"concurrency": 0},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    sound = {"customer": "acme", "first": DAY, "last": DAY}
    Request(**sound)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError) as caught:
        Request(**sound | change)  # type: ignore[arg-type]
    assert caught.value.action
