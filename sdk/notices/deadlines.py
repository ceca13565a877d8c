"""Deadlines: which run is late, overrunning or stuck, and who is told next. Pure.

Three things that differ, in words and in what to do:

* *late*: it was due and has not begun within `start_within`: no worker, no room.
* *overrunning*: it has begun and is past its `deadline`, and gives signs of life.
* *stuck*: it has begun and has given no sign of life for a while: its process may be gone.

Each goes up by levels: 1 warns in Slack, 2 opens a ticket, 3 pages who is on call, 4 cancels the
run where that is asked for. A level comes once per run. Lower ones that were missed are skipped:
whoever is paged need not be warned.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sdk.notices.build_plain import moment
from sdk.notices.fault import fingerprint
from sdk.notices.notice import Kind, Notice, Severity, event_id

Trouble = Literal["late", "overrunning", "stuck"]
State = Literal["scheduled", "pending", "running"]

STAGES = (0.0, 0.5, 1.0, 2.0)
"""When each level comes, in allowances beyond the limit: a run that has 90 minutes is warned of
after 90, ticketed after 135, paged after 180 and, if that is asked for, cancelled after 270."""
LEAST = timedelta(minutes=5)
"""Between two levels at least: sweeps come every minute, and people need some to react."""
SILENT = timedelta(minutes=30)
"""Without a sign of life for this long a run counts as stuck: twice the longest that a step of
the standard pipeline takes between two records."""
ERROR_CLASSES: dict[Trouble, str] = {
    "late": "Late",
    "overrunning": "Overrunning",
    "stuck": "Stuck",
}
LOUDNESS: dict[int, Severity] = {1: "warning", 2: "error", 3: "critical", 4: "critical"}


@dataclass(frozen=True, slots=True)
class WatchedRun:
    """A run that has not ended, as Prefect and the ledger tell of it.

    Attributes:
        run_id: its id.
        name: its name.
        flow: its flow's name.
        customer: for whom it is; the flow's name where nobody knows.
        state: how far it is.
        due: when it was to begin.
        begun: when it began.
        alive: its latest sign of life, None where it gives none.
    """

    run_id: str
    name: str
    flow: str
    customer: str
    state: State
    due: datetime
    begun: datetime | None = None
    alive: datetime | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a flow is held to; None: not to that.

    Attributes:
        deadline: from its start to its end.
        start_within: from when it is due to its start.
        silent: between two signs of life.
        cancel: whether the last level cancels.
        owner: the team that answers for it.
        tier: how much it matters.
    """

    deadline: timedelta | None = None
    start_within: timedelta | None = timedelta(minutes=10)
    silent: timedelta | None = SILENT
    cancel: bool = False
    owner: str | None = None
    tier: str | None = None


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
    limits: dict[str, Limits],
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
        level = _level(now - since, allowed, cancel=limit.cancel)
        if not any(f"{run.run_id}-{what}-{higher}" in said for higher in range(level, 5)):
            found.append(Escalation(run, what, level, since, allowed, cancel=level == 4))
    return sorted(found, key=lambda e: (-e.level, e.since, e.run.run_id))


def _trouble(
    run: WatchedRun, limit: Limits, now: datetime
) -> tuple[Trouble, datetime, timedelta] | None:
    """Return what is wrong, since when, and what was allowed."""
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


def _level(over: timedelta, allowed: timedelta, *, cancel: bool) -> int:
    level = 1
    for number, share in enumerate(STAGES[1:], 2):
        if over >= max(allowed * share, LEAST * (number - 1)):
            level = number
    return level if cancel else min(level, 3)


def notice(step: Escalation, limit: Limits, environment: str, now: datetime, **more: str) -> Notice:
    """Return the notice of a level.

    Args:
        step: the level.
        limit: what the flow is held to.
        environment: where.
        now: UTC.
        more: ``run_url`` and ``runbook_url``.
    """
    run, kind = step.run, step.trouble
    fault = fingerprint(environment, run.flow, "", ERROR_CLASSES[kind])
    told: Kind = kind
    did = ("the run was cancelled",) if step.cancel else ("the run is left alone",)
    return Notice(
        event=event_id(step.key),
        fault=fault,
        kind=told,
        severity=LOUDNESS[step.level],
        environment=environment,
        flow=run.flow,
        error_class=ERROR_CLASSES[kind],
        customer=run.customer,
        headline=_headline(step, now),
        did=did,
        root_flow=run.flow,
        run_id=run.run_id,
        owner=limit.owner,
        tier=limit.tier,
        happened=now,
        level=step.level,
        run_url=more.get("run_url", ""),
        runbook_url=more.get("runbook_url", ""),
    )


def _headline(step: Escalation, now: datetime) -> str:
    run = step.run
    name = " ".join(run.name.split())
    if step.trouble == "late":
        taken = (
            "a worker took it, its process has not begun"
            if run.state == "pending"
            else ("no worker has taken it")
        )
        waited = _long(now - run.due)
        return f"{name} was due at {moment(run.due)} and has waited {waited}: {taken}"
    assert run.begun is not None
    if step.trouble == "stuck":
        quiet = _long(now - max(run.alive or run.begun, run.begun))
        return f"{name}, begun at {moment(run.begun)}, has given no sign of life for {quiet}"
    return (
        f"{name}, begun at {moment(run.begun)}, was to end within {_long(step.allowed)}"
        f" and has run for {_long(now - run.begun)}"
    )


def _long(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02} min" if hours else f"{minutes} min"
