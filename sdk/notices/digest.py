"""The daily digest of a channel: what ran, what was degraded or failed, what is still broken. Pure.

Still broken comes oldest first: what has been broken longest is what everybody has got used to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sdk.notices.build_plain import moment
from sdk.notices.causes import settled
from sdk.notices.fault_state import FaultState
from sdk.notices.outbox import DeadLetter, Letter
from sdk.statistics import StepRecord

MOST = 25
"""Lines of a part: more is read in the book, and Slack cuts a message after 50 blocks."""


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
    faults: Iterable[FaultState],
    dead: Sequence[DeadLetter] = (),
    silenced: Callable[[FaultState], str] = lambda _: "",
) -> Letter:
    """Return the digest of a channel.

    Args:
        route: the channel's block.
        now: UTC; there is one digest of a date.
        runs: of the day before, those of the channel.
        faults: those of the channel.
        dead: what could not be told at all.
        silenced: until when and why a fault is silenced, in words.
    """
    listed = sorted(runs, key=lambda r: (r.customer, r.flow, r.run_id))
    ended = {name: [r for r in listed if r.outcome == name] for name in _ENDS}
    counts = ", ".join(f"{len(ended[name]):,} {name}" for name in _ENDS)
    lines = [f"Ran in the 24 hours until {moment(now)}: {len(listed):,} ({counts})."]
    for name in ("failed", "degraded"):
        lines += _part(
            name.capitalize(),
            [
                f"{_line(r.flow)}, {_line(r.customer)}, data of {r.day} — {_line(r.why)}"
                for r in ended[name]
            ],
        )
    broken = sorted(
        (state for state in faults if state.open),
        key=lambda state: (state.first_seen, state.fingerprint),
    )
    lines += _part("Still broken, oldest first", [_broken(s, silenced(s)) for s in broken])
    if not broken:
        lines += ["", "Nothing is broken now."]
    lines += _part("Could not be told", [f"{_line(d.subject)} — {_line(d.reason)}" for d in dead])
    return Letter(
        key=f"digest-{route}-{now.date()}",
        route=route,
        subject=f"Daily digest, {now.date()}",
        body="\n".join(lines),
        written=now,
    )


_ENDS = ("fresh", "degraded", "failed")


def _broken(state: FaultState, silenced: str) -> str:
    whom = ", ".join(state.broken_for)
    key = f", {state.ticket.key}" if state.ticket is not None and state.ticket.key else ""
    quiet = f", {silenced}" if silenced else ""
    often = "once" if state.story_count == 1 else f"{state.story_count:,} times"
    return _line(
        f"since {moment(state.first_seen)}, {often}{key}{quiet}:"
        f" {state.latest.place} for {whom} — {state.latest.headline}"
    )


def _part(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    more = [f"– and {len(lines) - MOST:,} more"] if len(lines) > MOST else []
    return ["", f"{title}: {len(lines):,}", *(f"– {line}" for line in lines[:MOST]), *more]


def _line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 300 else f"{flat[:299]}…"
