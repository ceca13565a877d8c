"""Which days of a range a backfill runs, and why each is run or left alone. Pure.

A day is judged by one dataset (its goal, mostly the report) and by the last run of its flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

Which = Literal["missing", "failed", "all"]
WHICH: tuple[str, ...] = get_args(Which)

Goal = Literal["none", "fresh", "degraded", "damaged"]
"""What there is of the day's dataset: nothing, its newest version, or a manifest that cannot be
read (which is as good as nothing, and made anew)."""

Action = Literal["run", "wait", "skip"]
"""``wait`` is for a day that an earlier call of the same backfill started: it is not run again,
its end is waited for."""


@dataclass(frozen=True, slots=True)
class DayState:
    """What is known of a day.

    Attributes:
        day: of the data.
        goal: what there is of its dataset.
        failure: what the newest run of the day failed of; None where it did not fail.
        busy: who is running the day now, in words; None where nobody is.
        ours: the id of an earlier call's run that has not ended.
    """

    day: date
    goal: Goal
    failure: str | None = None
    busy: str | None = None
    ours: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done about a day, and why."""

    day: date
    action: Action
    why: str


def days_between(first: date, last: date) -> list[date]:
    """Return every day from the first to the last, both included; none if they are reversed."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def plan(states: Sequence[DayState], which: Which, *, goal: str) -> list[Decision]:
    """Decide for each day, in order.

    Args:
        states: of the days.
        which: ``missing`` are days without the dataset; ``failed`` those whose newest run failed
            or whose dataset is degraded (a damaged one is both); ``all`` are all.
        goal: the dataset's name, for the words.
    """
    return [_decide(state, which, goal) for state in sorted(states, key=lambda state: state.day)]


def _decide(state: DayState, which: Which, goal: str) -> Decision:
    reason = _reason(state, which, goal)
    if reason is None:
        return Decision(state.day, "skip", _standing(state, goal))
    if state.ours is not None:
        return Decision(state.day, "wait", f"{reason}; run {state.ours} is under way")
    if state.busy is not None:
        return Decision(state.day, "skip", f"in progress: {state.busy}")
    return Decision(state.day, "run", reason)


def _reason(state: DayState, which: Which, goal: str) -> str | None:
    """Return why the day is to be run; None if it is not asked for."""
    if which == "all":
        return _standing(state, goal)
    if which == "missing":
        return None if state.goal in ("fresh", "degraded") else _standing(state, goal)
    if state.failure is not None or state.goal in ("degraded", "damaged"):
        return _standing(state, goal)
    return None


def _standing(state: DayState, goal: str) -> str:
    said = {
        "none": f"no {goal}",
        "fresh": f"{goal} is there",
        "degraded": f"{goal} is degraded",
        "damaged": f"{goal} is damaged",
    }[state.goal]
    return f"{said}; last run failed: {state.failure}" if state.failure is not None else said
