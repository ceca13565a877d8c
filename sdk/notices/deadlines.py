"""Deadlines: which run is late, overrunning, stuck or crashed, and who is told next. Pure.

Four things that differ, in words and in what to do:

* *late*: it was due and has not begun within `start_within`: no worker, no room.
* *overrunning*: it has begun and is past its `deadline`, and gives signs of life.
* *stuck*: it has begun and has given no sign of life for a while, or it is being cancelled and
  does not end: its process may be gone.
* *crashed*: its process is gone, Prefect knows, and nobody else does: none of its Python ran.

The first three go up by levels: 1 warns in Slack, 2 opens a ticket, 3 pages who is on call, 4
cancels the run where that is asked for and it has begun. A level comes once per run. Lower ones
that were missed are skipped: whoever is paged need not be warned. A crash is as loud as a failure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Trouble = Literal["late", "overrunning", "stuck", "crashed"]
State = Literal["scheduled", "pending", "running", "cancelling", "crashed"]

STAGES = (0.0, 0.5, 1.0, 2.0)
"""When each level comes, in allowances beyond the limit: a run that has 90 minutes is warned of
after 90, ticketed after 135, paged after 180 and, if that is asked for, cancelled after 270."""
LEAST = timedelta(minutes=5)
"""Between two levels at least: sweeps come every minute, and people need some to react."""
SILENT = timedelta(minutes=30)
"""Without a sign of life for this long a run counts as stuck: twice the longest that a step of
the standard pipeline takes between two records."""
CANCELLED_WITHIN = timedelta(minutes=10)
"""From the request to cancel a run to its end: a worker looks every few seconds, and gives a
process half a minute."""
EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WatchedRun:
    """A run that has not ended, or crashed, as Prefect and the ledger tell of it.

    Attributes:
        run_id: its id.
        name: its name.
        flow: its flow's name.
        customer: for whom it is; the flow's name where nobody knows.
        state: how far it is.
        due: when it was to begin.
        begun: when it began, the last time.
        alive: its latest sign of life, None where it gives none.
        changed: when it came to its state.
        message: what its state says.
        deployment_id: of what it is a run; empty where of none.
        flow_id: of its flow.
    """

    run_id: str
    name: str
    flow: str
    customer: str
    state: State
    due: datetime
    begun: datetime | None = None
    alive: datetime | None = None
    changed: datetime = EVER
    message: str = ""
    deployment_id: str = ""
    flow_id: str = ""


@dataclass(frozen=True)
class Limits:
    """What a flow is held to; None: not to that.

    Attributes:
        deadline: from its start to its end.
        start_within: from when it is due to its start.
        silent: between two signs of life.
        cancel: whether the last level cancels.
        owner: the team that answers for it.
        tier: how much it matters.
        customer: for whom it runs, where that is always the same one.
    """

    deadline: timedelta | None = None
    start_within: timedelta | None = timedelta(minutes=10)
    silent: timedelta | None = SILENT
    cancel: bool = False
    owner: str | None = None
    tier: str | None = None
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """One level of trouble of one run."""

    run: WatchedRun
    trouble: Trouble
    level: int
    since: datetime
    allowed: timedelta
    cancel: bool = False

    @property
    def key(self) -> str:
        """Names the level of the run; each comes once."""
        return f"{self.run.run_id}-{self.trouble}-{self.level}"


def plan(
    runs: Sequence[WatchedRun],
    limits: Mapping[str, Limits],
    now: datetime,
    said: Collection[str],
) -> list[Escalation]:
    """Return the levels that are due, one at most for each run and trouble, the worst run first.

    Args:
        runs: those that have not ended.
        limits: by flow; a flow without is not watched.
        now: UTC.
        said: keys of the levels that came already.
    """
    found = []
    for run in runs:
        limit = limits.get(run.flow)
        trouble = None if limit is None else _trouble(run, limit, now)
        if limit is None or trouble is None:
            continue
        what, since, allowed = trouble
        level = _level(run, what, now - since, allowed, limit)
        if not any(f"{run.run_id}-{what}-{higher}" in said for higher in range(level, 5)):
            found.append(Escalation(run, what, level, since, allowed, cancel=level == 4))
    return sorted(found, key=lambda e: (-e.level, e.since, e.run.run_id))


def _trouble(
    run: WatchedRun, limit: Limits, now: datetime
) -> tuple[Trouble, datetime, timedelta] | None:
    """Return what is wrong, since when it is held against the run, and what was allowed."""
    if run.state == "crashed":
        return "crashed", run.changed, timedelta()
    if run.state == "cancelling":
        if now > run.changed + CANCELLED_WITHIN:
            return "stuck", run.changed + CANCELLED_WITHIN, CANCELLED_WITHIN
        return None
    if run.begun is None:
        if limit.start_within is not None and now > run.due + limit.start_within:
            return "late", run.due + limit.start_within, limit.start_within
        return None
    # A run whose process is gone is past its deadline, too, and that is not what is wrong with it.
    if limit.silent is not None and run.alive is not None:
        last = max(run.alive, run.begun)
        if now > last + limit.silent:
            return "stuck", last + limit.silent, limit.silent
    if limit.deadline is not None and now > run.begun + limit.deadline:
        return "overrunning", run.begun + limit.deadline, limit.deadline
    return None


def _level(
    run: WatchedRun, what: Trouble, over: timedelta, allowed: timedelta, limit: Limits
) -> int:
    if what == "crashed":
        return 3 if limit.tier == "gold" else 2
    level = 1
    for number, share in enumerate(STAGES[1:], 2):
        if over >= max(allowed * share, LEAST * (number - 1)):
            level = number
    return level if limit.cancel and run.state == "running" else min(level, 3)
