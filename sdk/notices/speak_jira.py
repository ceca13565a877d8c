"""Carry out in Jira what a fault's state asks for: one ticket, remarks on it, its end.

The ticket is found by its label before one is opened, so that a book that was lost makes no second
one. What a person decided stays: a ticket closed as Won't Do is neither reopened nor made again
within the week, nor as long as the fault is silenced.
"""

from __future__ import annotations

from datetime import datetime

from blocks import Opened, Rejected, Ticket, Tickets
from blocks.ticket import Ticket as Found
from blocks.wording import MAX_SUMMARY, one_line
from sdk.notices.build_jira import comment, mark, ticket
from sdk.notices.fault_parts import Saying, TicketState
from sdk.notices.fault_state import SAME_STORY, FaultState, settle, unsaid
from sdk.notices.once import SKEW, Hands, Later, once

REFUSED = frozenset({"won't do", "won't fix", "wont do", "wont fix", "declined", "rejected"})
"""Resolutions by which people say that a fault is to stay; Jira's own names, and common ones."""


def speak(state: FaultState, tickets: Tickets, hands: Hands, silenced: str) -> None:
    """Bring Jira to where the state is.

    Args:
        state: changed as things are said.
        tickets: of the project.
        hands: what doing needs.
        silenced: in words; a silenced fault gets neither ticket nor remark, and its end is told.

    Raises:
        Later, DeliveryError, Lost: as `once`; what was done so far is saved.
    """
    if silenced and state.open:
        drop(state)
    elif not _has(state) and state.open and state.wants_ticket:
        _begin(state, tickets, hands)
    elif not _has(state) and state.ticket is not None and state.ticket.tried is not None:
        _look(state, state.ticket.tried, tickets, hands)
    if not _has(state):
        drop(state)
        hands.save()
        return
    try:
        for saying in list(unsaid(state, "jira")):
            _remark(state, saying, tickets, hands)
    except Rejected as error:
        if error.code not in ("404", "410"):
            raise
        state.ticket = None  # deleted, or moved out of sight: the next pass finds or opens one
    hands.save()


def _has(state: FaultState) -> bool:
    return state.ticket is not None and bool(state.ticket.key)


def drop(state: FaultState) -> None:
    """Leave unsaid what is left to say on a ticket."""
    for saying in list(unsaid(state, "jira")):
        settle(state, saying, "jira")


def _begin(state: FaultState, tickets: Tickets, hands: Hands) -> None:
    mine = state.ticket = state.ticket or TicketState()
    words, told = ticket(state), [saying.key for saying in unsaid(state, "jira")]
    if mine.tried is None:
        # Told apart from what `once` looks for: a ticket of an earlier story, or a lost book's.
        hands.keep()
        earlier = _earlier(state, tickets, hands.now())
        if earlier is not None:
            _adopt(state, earlier, tickets, hands)
            return
    made = once(
        hands,
        mine.tried,
        settles=hands.pace.jira_settles,
        mark=lambda at: setattr(mine, "tried", at),
        look=lambda: _newest(state, tickets, hands.now()),
        do=lambda: tickets.open(
            words.summary, words.description, severity=state.severity, labels=words.labels
        ),
    )
    summary = one_line(words.summary, MAX_SUMMARY)
    state.ticket = TicketState(id=made.id, key=made.key, url=made.url, summary=summary)
    for saying in list(unsaid(state, "jira")):
        if saying.key in told:
            settle(state, saying, "jira")
    hands.save()


def _look(state: FaultState, tried: datetime, tickets: Tickets, hands: Hands) -> None:
    """Find out whether a ticket was opened for what has ended since."""
    wait = hands.pace.jira_settles - (hands.now() - tried).total_seconds()
    if 0 < wait <= hands.pace.jira_settles + SKEW.total_seconds():
        raise Later(wait)
    hands.keep()
    found = _newest(state, tickets, hands.now())
    state.ticket = TicketState(id=found.id, key=found.key, url=found.url) if found else None
    hands.save()


def _newest(state: FaultState, tickets: Tickets, now: datetime) -> Opened | None:
    found = _earlier(state, tickets, now)
    return Opened(found.id, found.key, found.url) if found else None


def _earlier(state: FaultState, tickets: Tickets, now: datetime) -> Found | None:
    """Return the fault's newest ticket, unless its story is over."""
    for found in tickets.find([mark(state.fingerprint)]):
        if found.category != "done" or now - (found.resolved or found.updated) <= SAME_STORY:
            return found
    return None


def _adopt(state: FaultState, found: Ticket, tickets: Tickets, hands: Hands) -> None:
    state.ticket = TicketState(
        id=found.id,
        key=found.key,
        url=found.url,
        done=found.category == "done",
        refused=found.resolution or "" if _is_refused(found) else "",
    )
    if state.ticket.done and not state.ticket.refused:
        hands.keep()
        tickets.reopen(found.key)
        state.ticket.done = False
    hands.save()


def _remark(state: FaultState, saying: Saying, tickets: Tickets, hands: Hands) -> None:
    mine = state.ticket
    assert mine is not None
    now = tickets.read(mine.key)
    mine.refused = (now.resolution or "") if _is_refused(now) else ""
    if not mine.refused:
        if saying.about != "mended":
            if now.category == "done":
                hands.keep()
                tickets.reopen(mine.key)
            _rename(state, mine, now, tickets, hands)
        _comment(state, saying, tickets, hands)
        if saying.about == "mended" and not state.open:
            hands.keep()
            tickets.resolve(mine.key)
        mine.done = saying.about == "mended"
    settle(state, saying, "jira")
    hands.save()


def _rename(
    state: FaultState, mine: TicketState, now: Ticket, tickets: Tickets, hands: Hands
) -> None:
    """Have the summary name those for whom it is broken by now, unless a person rewrote it."""
    summary = one_line(ticket(state).summary, MAX_SUMMARY)
    if now.summary == mine.summary != summary:
        hands.keep()
        tickets.edit(mine.key, summary=summary)
        mine.summary = summary


def _comment(state: FaultState, saying: Saying, tickets: Tickets, hands: Hands) -> None:
    mine = state.ticket
    assert mine is not None
    if saying.tried.get("said") is not None:
        return

    def tried(at: datetime | None) -> None:
        if at is None:
            saying.tried.pop("jira", None)
        else:
            saying.tried["jira"] = at

    def do() -> bool:
        tickets.comment(mine.key, comment(state, saying), mark=saying.key)
        return True

    once(
        hands,
        saying.tried.get("jira"),
        # Comments are read from the ticket itself, not from the search that lags.
        settles=hands.pace.slack_settles,
        mark=tried,
        look=lambda: tickets.said(mine.key, saying.key) or None,
        do=do,
    )
    # The ticket's step comes after; if that fails, the comment is not made again.
    saying.tried["said"] = hands.now()
    hands.save()


def _is_refused(found: Found) -> bool:
    words = (found.resolution or "").lower().replace("’", "'")
    return found.category == "done" and words in REFUSED
