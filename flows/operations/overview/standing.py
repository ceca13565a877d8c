"""How each customer's steps stand, and since when. Pure: ledgers in, rows out.

A step's state on a day is that of its last execution for that day. Since when it is so: the first
of the days in a row, back from the latest, with that state. A step that was executed many times in
a run (a site, an item of a fan-out) is one row: it stands as its worst execution does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sdk.notices.causes import settled
from sdk.redaction import redacted
from sdk.statistics import StepRecord

State = Literal["fresh", "degraded", "failed"]

RANK: Mapping[State, int] = {"fresh": 0, "degraded": 1, "failed": 2}


@dataclass(frozen=True)
class Standing:
    """How a step of a customer stands.

    Attributes:
        customer: whose.
        flow: of which it is a step.
        step: its name.
        day: the latest day of data for which it ran.
        state: on that day.
        since: first of the days in a row with that state.
        at: when it last ran, UTC.
        executions: of it, on that day's last run.
        why: what is wrong, in words; empty where it is fresh.
    """

    customer: str
    flow: str
    step: str
    day: date
    state: State
    since: date
    at: datetime
    executions: int
    why: str


def state_of(record: StepRecord) -> State:
    """Return the state that an execution leaves its step in."""
    if record.outcome == "failed":
        return "failed"
    return "degraded" if record.degraded or record.outcome == "degraded" else "fresh"


@dataclass(frozen=True)
class _Day:
    day: date
    state: State
    at: datetime
    executions: int
    why: str


def standings(customer: str, runs: Mapping[date, Sequence[Sequence[StepRecord]]]) -> list[Standing]:
    """Return how each step of a customer stands, in the order in which they run.

    Args:
        customer: whose.
        runs: by day of data, the records of each run of that day.
    """
    days: dict[tuple[str, str], list[_Day]] = defaultdict(list)
    for day in sorted(runs):
        for key, found in _day(day, runs[day]).items():
            days[key].append(found)
    made = []
    for (flow, step), seen in days.items():
        latest = seen[-1]
        since = latest.day
        for earlier in reversed(seen[:-1]):
            if earlier.state != latest.state:
                break
            since = earlier.day
        made.append(
            Standing(
                customer,
                flow,
                step,
                latest.day,
                latest.state,
                since,
                latest.at,
                latest.executions,
                latest.why,
            )
        )
    return sorted(made, key=lambda one: (one.customer, one.flow, one.at, one.step))


def _day(day: date, runs: Iterable[Sequence[StepRecord]]) -> dict[tuple[str, str], _Day]:
    latest: dict[tuple[str, str], _Day] = {}
    for records in runs:
        steps: dict[tuple[str, str], list[StepRecord]] = defaultdict(list)
        for record in settled(records):
            # A run of today makes its earlier days, too: each counts for its own.
            if record.day == day and not record.is_flow and record.outcome not in ("yes", "no"):
                steps[record.flow, record.step].append(record)
        for key, executions in steps.items():
            worst = max(executions, key=lambda r: RANK[state_of(r)])
            at = max(r.statistics.started for r in executions)
            if key not in latest or at > latest[key].at:
                latest[key] = _Day(day, state_of(worst), at, len(executions), _why(worst))
    return latest


def _why(record: StepRecord) -> str:
    if record.outcome == "failed":
        return redacted(" ".join((record.error or "it failed").split()))
    return "; ".join(redacted(str(reason)) for reason in record.degraded)


def customer_state(steps: Sequence[Standing]) -> State:
    """Return the state of a customer: that of its worst step of its latest day."""
    if not steps:
        return "failed"
    latest = max(step.day for step in steps)
    return max((s.state for s in steps if s.day == latest), key=lambda state: RANK[state])
