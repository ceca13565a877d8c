"""What is known of all notices at a moment, as data: for the digest, a page, and the console.

Read from the storage root alone, so that it can be had where Slack and Jira cannot. Whoever shows
it as HTML escapes it: words of errors are data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from blocks.wording import one_line
from sdk.errors import PlatformError
from sdk.notices.book import LOST, Book
from sdk.notices.build_plain import NOW, moment
from sdk.notices.fault_state import FaultState
from sdk.notices.notice import Severity
from sdk.notices.outbox import OUTBOX, DeadLetter, Outbox
from sdk.notices.silences import Silence, read_silences, silence_of
from sdk.storage import Storage

MOST = 25
"""Lines of a part: more is read in the data, and Slack cuts a message after 50 blocks."""
LONG = 300
"""Characters of a line."""


class Broken(BaseModel):
    """A fault that is open.

    Attributes:
        fault: its fingerprint.
        place: the step with its flow.
        kind: of its latest notice.
        severity: the loudest of its story.
        customers: for whom it is broken.
        since: when it began, UTC.
        latest: when it last happened, UTC.
        count: how often since.
        headline: what broke, in one line.
        action: what to do.
        owner: the team that answers for it.
        run_url: of the latest run.
        ticket: its key; empty where it has none.
        ticket_url: where people find it.
        silenced: until when and why, in words; empty where it is not.
    """

    model_config = ConfigDict(frozen=True)

    fault: str
    place: str
    kind: str
    severity: Severity
    customers: tuple[str, ...]
    since: datetime
    latest: datetime
    count: int
    headline: str
    action: str
    owner: str | None
    run_url: str
    ticket: str
    ticket_url: str
    silenced: str


class Overview(BaseModel):
    """What is known of all notices.

    Attributes:
        as_of: when, UTC.
        broken: what is broken now, oldest first.
        dead: what was refused for good: the dead-letter list.
        waiting: entries of the outbox that no sender has taken up yet.
        to_tell: faults of which something is left to tell.
        lost: faults whose state could not be read, by fingerprint.
        problem: why silences could not be read; empty where they could.
    """

    model_config = ConfigDict(frozen=True)

    as_of: datetime
    broken: tuple[Broken, ...]
    dead: tuple[DeadLetter, ...]
    waiting: int
    to_tell: int
    lost: tuple[str, ...]
    problem: str = ""


def overview(root: Storage, now: datetime) -> Overview:
    """Return what is known of all notices.

    Args:
        root: the storage root.
        now: UTC.

    Raises:
        StorageError: the root cannot be read.
    """
    book, problem = Book(root), ""
    try:
        silences = read_silences(root)
    except PlatformError as error:
        silences, problem = [], str(error)
    return Overview(
        as_of=now,
        broken=tuple(broken_now(book.states(), silences, now)),
        dead=tuple(Outbox(root).dead()),
        waiting=len(root.names(OUTBOX)),
        to_tell=len(book.due()),
        lost=tuple(name.removesuffix(".json") for name in root.names(LOST)),
        problem=problem,
    )


def broken_now(
    states: Iterable[FaultState], silences: Sequence[Silence], now: datetime
) -> list[Broken]:
    """Return what is broken, oldest first: what has been longest is what all have got used to.

    A customer's alert is no fault: nothing broke.
    """
    found = []
    for state in states:
        if state.open and state.latest.kind != "alert":
            silence = silence_of(silences, state, now)
            found.append(_broken(state, silence.words if silence else ""))
    return sorted(found, key=lambda fault: (fault.since, fault.fault))


def _broken(state: FaultState, silenced: str) -> Broken:
    latest, ticket = state.latest, state.ticket
    return Broken(
        fault=state.fingerprint,
        place=latest.place,
        kind=latest.kind,
        severity=state.severity,
        customers=tuple(state.broken_for),
        since=state.first_seen,
        latest=state.last_seen,
        count=state.story_count,
        headline=latest.headline,
        action=latest.action or NOW[latest.kind],
        owner=latest.owner,
        run_url=latest.run_url,
        ticket=ticket.key if ticket else "",
        ticket_url=ticket.url if ticket else "",
        silenced=silenced,
    )


def worded(found: Overview) -> str:
    """Return it in plain lines, for the console."""
    lines = [f"As of {moment(found.as_of)}", *standing(found.broken, found.dead)]
    if found.waiting or found.to_tell:
        lines += ["", f"Not told yet: {found.waiting:,} in the outbox, {found.to_tell:,} counted"]
    if found.lost:
        lines += ["", f"States that could not be read: {', '.join(found.lost)}"]
    if found.problem:
        lines += ["", f"No silence is in force: {found.problem}"]
    return "\n".join(lines)


def standing(broken: Sequence[Broken], dead: Sequence[DeadLetter]) -> list[str]:
    """Return the lines of what is broken and of what could not be told."""
    lines = part("Still broken, oldest first", [_in_words(fault) for fault in broken])
    if not broken:
        lines = ["", "Nothing is broken now."]
    refused = [f"{one_line(d.subject, LONG)} — {one_line(d.reason, LONG)}" for d in dead]
    return [*lines, *part("Could not be told", refused)]


def part(title: str, lines: Sequence[str]) -> list[str]:
    """Return a part of a digest: a heading with its count, and a line for each."""
    if not lines:
        return []
    more = [f"– and {len(lines) - MOST:,} more"] if len(lines) > MOST else []
    return ["", f"{title}: {len(lines):,}", *(f"– {line}" for line in lines[:MOST]), *more]


def _in_words(fault: Broken) -> str:
    often = "once" if fault.count == 1 else f"{fault.count:,} times"
    how = ", ".join(filter(None, (often, fault.ticket, fault.silenced)))
    return one_line(
        f"since {moment(fault.since)}, {how}: {fault.place} for {', '.join(fault.customers)}"
        f" — {fault.headline}",
        LONG,
    )
