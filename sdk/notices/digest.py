"""The daily digest of a channel: what ran, what was degraded or failed, what is still broken. Pure.

Still broken comes oldest first: what has been broken longest is what everybody has got used to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from blocks.wording import one_line
from sdk.notices.build_plain import moment
from sdk.notices.causes import settled
from sdk.notices.outbox import DeadLetter, Letter
from sdk.notices.overview import LONG, Broken, part, standing
from sdk.statistics import StepRecord


@dataclass(frozen=True, slots=True)
class RanRun:
    """How a run of the day ended, by its ledger.

    Attributes:
        customer: for whom.
        flow: the outermost one.
        run_id: its id.
        outcome: ``fresh``, ``degraded`` or ``failed``.
        ended: when its last step did, UTC.
        day: of the data.
        why: the first reason, where it was not fresh.
    """

    customer: str
    flow: str
    run_id: str
    outcome: str
    ended: datetime
    day: date
    why: str = ""


def ran(customer: str, run_id: str, records: Sequence[StepRecord]) -> RanRun | None:
    """Return how a run ended; nothing where its ledger is empty."""
    current = settled(records)
    if not current:
        return None
    outermost = min(current, key=lambda r: (len(r.path), r.statistics.started))
    roots = [r for r in current if r.is_flow and len(r.path) <= 1]
    failed = [r for r in current if r.outcome == "failed"]
    degraded = [r for r in current if r.degraded]
    outcome, why = "fresh", ""
    if any(r.outcome == "failed" for r in roots):
        first = next((r for r in failed if not r.is_flow), failed[0])
        outcome, why = "failed", f"{first.step}: {first.error}"
    elif degraded:
        outcome, why = "degraded", str(degraded[0].degraded[0])
    ended = max(r.statistics.started + timedelta(seconds=r.statistics.seconds) for r in current)
    return RanRun(customer, outermost.flow, run_id, outcome, ended, outermost.day, why)


def digest(
    route: str,
    now: datetime,
    *,
    runs: Iterable[RanRun],
    broken: Sequence[Broken],
    dead: Sequence[DeadLetter] = (),
) -> Letter:
    """Return the digest of a channel.

    Args:
        route: the channel's block.
        now: UTC; there is one digest of a date.
        runs: of the day before, those of the channel.
        broken: what is broken now, oldest first, of the channel.
        dead: what could not be told at all.
    """
    listed = sorted(runs, key=lambda r: (r.customer, r.flow, r.run_id))
    ended = {name: [r for r in listed if r.outcome == name] for name in _ENDS}
    counts = ", ".join(f"{len(ended[name]):,} {name}" for name in _ENDS)
    lines = [f"Ran in the 24 hours until {moment(now)}: {len(listed):,} ({counts})."]
    for name in ("failed", "degraded"):
        told = [f"{r.flow}, {r.customer}, data of {r.day} — {r.why}" for r in ended[name]]
        lines += part(name.capitalize(), [one_line(line, LONG) for line in told])
    lines += standing(broken, dead)
    return Letter(
        key=f"digest-{route}-{now.date()}",
        route=route,
        subject=f"Daily digest, {now.date()}",
        body="\n".join(lines),
        written=now,
    )


_ENDS = ("fresh", "degraded", "failed")
