"""What is known of one fault, and how a notice changes it. Pure.

A notice that was counted is not counted again, in whatever order notices arrive and however often
each comes: the counters are those of the distinct ones. What is still to be said is part of the
state (`Saying`), so that whoever carries it out may die at any moment and another goes on.

A fault is open as long as it is broken for some customer. When it comes back within a week of its
end it is the same story (same thread, same ticket, reopened); after that, a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, Field

from sdk.notices.fault_parts import About, Head, Page, Saying, Seen, Target, TicketState
from sdk.notices.notice import SEVERITIES, Notice, Severity

REMEMBERED = 2000
"""Events remembered as counted. A duplicate comes from a sender killed between two writes, so
within minutes; this many of one fault are hours even in a flood of one every few seconds."""
SAME_STORY = timedelta(days=7)
"""A fault that comes back later than this after its end gets a new thread and a new ticket: who
worked on the old one has gone on to other things, and a weekly run has had its chance."""
REMINDERS = tuple(timedelta(hours=hours) for hours in (1, 4, 24, 72, 168))
"""Growing waits between remarks on a fault that goes on; the last one repeats."""
AHEAD = timedelta(minutes=5)
"""By how much a run's clock may be ahead of the sender's. What is said to happen later happened
now: else one wrong clock would keep a fault open, or closed, until its own time has come."""
EVER = datetime.min.replace(tzinfo=UTC)
TICKET_AFTER = 3
"""A warning gets a ticket at its third time: once or twice may pass by itself."""


class FaultState(BaseModel):
    """One fault.

    Attributes:
        fingerprint: its identity.
        story: how many times it came back as a new story, from 1.
        count: distinct notices of it, ever.
        story_count: distinct notices of it in this story.
        first_seen: in this story.
        last_seen: ever.
        customers: the latest for each customer.
        applied: events that were counted, oldest first.
        latest: the latest notice of it.
        severity: the loudest of this story.
        open: whether it is broken for anybody.
        mended_at: when it ceased to be.
        said: remarks made or due so far, for their keys.
        reminders: remarks of the kind ``again`` in this story.
        reminded: `story_count` at the latest remark.
        next_reminder: no remark of that kind before.
        given_up: where a request was refused for good: the count at that time.
    """

    fingerprint: str
    story: int = 1
    count: int = 0
    story_count: int = 0
    first_seen: datetime
    last_seen: datetime
    customers: dict[str, Seen] = Field(default_factory=dict)
    applied: list[str] = Field(default_factory=list)
    latest: Notice
    severity: Severity = "warning"
    open: bool = True
    mended_at: datetime | None = None
    head: Head | None = None
    ticket: TicketState | None = None
    sayings: list[Saying] = Field(default_factory=list)
    pages: list[Page] = Field(default_factory=list)
    said: int = 0
    reminders: int = 0
    reminded: int = 0
    next_reminder: datetime
    given_up: dict[str, int] = Field(default_factory=dict)

    @property
    def broken_for(self) -> list[str]:
        """The customers for whom it is broken now."""
        return sorted(name for name, seen in self.customers.items() if seen.broken)

    @property
    def wants_ticket(self) -> bool:
        """Whether it is bad enough for a ticket."""
        loud = SEVERITIES.index(self.severity) >= SEVERITIES.index("error")
        return loud or self.story_count >= TICKET_AFTER


def fold(state: FaultState | None, notice: Notice, now: datetime) -> FaultState | None:
    """Return a fault's state after a notice; nothing where one mends what never was broken."""
    broke = notice.kind != "mended"
    if notice.happened > now + AHEAD:
        notice = notice.model_copy(update={"happened": now})
    if state is None:
        if not broke:
            return None
        state = FaultState(
            fingerprint=notice.fault,
            first_seen=notice.since or notice.happened,
            last_seen=notice.happened,
            latest=notice,
            severity=notice.severity,
            next_reminder=now + REMINDERS[0],
            reminded=1,
        )
    elif notice.event in state.applied:
        return state
    else:
        state = _without_future(state.model_copy(deep=True), now)
    state.applied = [*state.applied, notice.event][-REMEMBERED:]
    seen = state.customers.get(notice.customer)
    if seen is None or (notice.happened, notice.event) > (seen.at, seen.event):
        at, event = notice.happened, notice.event
        state.customers[notice.customer] = Seen(at=at, event=event, broken=broke)
    if broke:
        _count(state, notice, now)
    _turn(state, now)
    return state


def _without_future(state: FaultState, now: datetime) -> FaultState:
    """Return the state without what a sender with a wrong clock believed: it outlasts nothing."""
    for seen in state.customers.values():
        if seen.at > now + AHEAD:
            seen.at = EVER
    if state.latest.happened > now + AHEAD:
        state.latest = state.latest.model_copy(update={"happened": EVER})
    state.last_seen = min(state.last_seen, now + AHEAD)
    return state


def recovered(notice: Notice, now: datetime) -> FaultState:
    """Return the state of a fault of which only Slack and Jira know any more, before a notice.

    Its thread and its ticket are looked for before others are begun; its counters begin anew.
    """
    tried = now - SAME_STORY
    return FaultState(
        fingerprint=notice.fault,
        first_seen=notice.since or notice.happened,
        last_seen=notice.happened,
        latest=notice.model_copy(update={"kind": "failed"}) if notice.kind == "mended" else notice,
        severity=notice.severity,
        customers={notice.customer: Seen(at=EVER, event="", broken=True)},
        next_reminder=now + REMINDERS[0],
        head=Head(route="", tried=tried),
        ticket=TicketState(tried=tried),
        # Keys of remarks that were made before are not to be made again.
        said=int(now.timestamp()),
    )


def _count(state: FaultState, notice: Notice, now: datetime) -> None:
    state.count += 1
    returned = not state.open and bool(state.broken_for)
    if returned and state.mended_at is not None and now - state.mended_at > SAME_STORY:
        _begin_story(state, notice, now)
        returned = False
    state.open = state.open or returned
    state.story_count += 1
    state.first_seen = min(state.first_seen, notice.since or notice.happened)
    state.last_seen = max(state.last_seen, notice.happened)
    if (notice.happened, notice.event) >= (state.latest.happened, state.latest.event):
        state.latest = notice
    louder = SEVERITIES.index(notice.severity) > SEVERITIES.index(state.severity)
    if louder:
        state.severity = notice.severity
    if state.open and (returned or louder):
        _say(state, "back" if returned else "louder", now)
    if state.open and notice.severity == "critical":
        _page(state, notice)


def _page(state: FaultState, notice: Notice) -> None:
    # Of an escalation each level of each run; else once in a story.
    key = notice.event if notice.level else f"{state.fingerprint}-page-{state.story}"
    if f"page:{key}" not in state.applied:
        state.pages.append(Page(key=key, notice=notice))
        state.applied = [*state.applied, f"page:{key}"][-REMEMBERED:]


def _begin_story(state: FaultState, notice: Notice, now: datetime) -> None:
    state.story += 1
    state.open, state.mended_at = True, None
    state.story_count, state.reminders, state.reminded = 0, 0, 1
    state.first_seen, state.severity = notice.since or notice.happened, notice.severity
    state.head, state.ticket, state.sayings, state.given_up = None, None, [], {}
    state.next_reminder = now + REMINDERS[0]


def _turn(state: FaultState, now: datetime) -> None:
    """Close what is broken for nobody any more."""
    if state.open and not state.broken_for:
        state.open, state.mended_at = False, now
        _say(state, "mended", now)


def remind(state: FaultState, now: datetime) -> FaultState:
    """Return the state with a remark where the fault went on and it is time for one."""
    if not state.open or state.story_count <= state.reminded:
        return state
    # One that is further away than the longest was planned by a clock that was wrong.
    if now < state.next_reminder <= now + REMINDERS[-1] + AHEAD:
        return state
    state = state.model_copy(deep=True)
    state.reminders += 1
    state.next_reminder = now + REMINDERS[min(state.reminders, len(REMINDERS) - 1)]
    _say(state, "again", now)
    return state


def _say(state: FaultState, about: About, now: datetime) -> None:
    state.said += 1
    state.reminded = state.story_count
    saying = Saying(
        key=f"{state.fingerprint}-{state.story}-{state.said}",
        about=about,
        at=now,
        count=state.story_count,
        customers=tuple(state.broken_for),
        left=("slack", "jira"),
    )
    state.sayings = [*state.sayings, saying]


def unsaid(state: FaultState, target: Target) -> Sequence[Saying]:
    """Return the remarks that a target still waits for, oldest first."""
    return [saying for saying in state.sayings if target in saying.left]


def settle(state: FaultState, saying: Saying, target: Target) -> None:
    """Note that a remark was made, or need not be."""
    saying.left = tuple(other for other in saying.left if other != target)
    saying.tried.pop(target, None)
    state.sayings = [other for other in state.sayings if other.left]
