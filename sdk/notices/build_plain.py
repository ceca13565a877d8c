"""A notice in plain lines: for the console, and what the other wordings are made of.

Answers in the order in which L2 asks: what, for whom, since when, what did it do about it, what
now, where to look. Every datum stays on its line, so that data cannot write a line of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sdk.notices.notice import Notice

LOUD = {"info": "info", "warning": "warning", "error": "error", "critical": "critical"}

WHAT = {
    "failed": "failed",
    "partial": "went on without some items",
    "degraded": "was served a fallback",
    "mended": "works again",
    "crashed": "crashed",
    "late": "has not begun",
    "overrunning": "is past its deadline",
    "stuck": "gives no sign of life",
    "undelivered": "does not take notices",
    "alert": "found something",
}
"""What happened, behind the name of the place."""

NOW = {
    "failed": "Read the run's log, mend what it names, run the deployment again.",
    "partial": "See whether what is missing matters today; mend the cause, or it is missing again.",
    "degraded": "Not urgent: what was served is usable. Mend the cause before it is too old.",
    "mended": "Nothing.",
    "crashed": "See in the worker's log how the process ended (memory, host, stop); run it again.",
    "late": "See whether a worker polls the run's queue and has room; start one, or free it.",
    "overrunning": "See in the run's log which step takes long; cancel it if it comes too late.",
    "stuck": "See whether the run's process lives; if not, cancel the run and run it again.",
    "undelivered": "Mend the block that is named, then run the flow notices-deliver.",
    "alert": "Look at it in the day's dashboard; the rule is in the customer's rules file.",
}
"""What to do, where nobody said something better."""

NAMED = 3
"""Customers that a heading names: what fits on a line beside the rest."""
OF_DATA = ("failed", "partial", "degraded")
"""Kinds of which the age of the data is a question."""


def subject(notice: Notice, customers: Sequence[str] = ()) -> str:
    """Return what broke, where and for whom, on a line.

    Args:
        notice: the latest of its fault.
        customers: for whom it is broken; by default the notice's.
    """
    if notice.kind == "undelivered":
        return _line(f"{notice.step.capitalize()} {WHAT[notice.kind]}")
    names = list(customers) or [notice.customer]
    whom = ", ".join(names[:NAMED])
    if len(names) > NAMED:
        whom += f" and {len(names) - NAMED:,} more"
    return _line(f"{notice.place} {WHAT[notice.kind]}: {whom} ({notice.environment})")


def details(
    notice: Notice,
    *,
    customers: Sequence[str] = (),
    count: int = 1,
    since: datetime | None = None,
    latest: datetime | None = None,
) -> list[tuple[str, str]]:
    """Return a notice's lines, each with its label.

    Args:
        notice: the latest of its fault.
        customers: for whom the fault is open; by default the notice's.
        count: how often it has happened.
        since: when it first did.
        latest: when it last did.
    """
    found = [("What", notice.headline)]
    found += [("Such as", text) for text in notice.examples]
    whom = ", ".join(customers) or notice.customer
    found.append(("For", f"{whom}; data of {notice.day}" if notice.day else whom))
    begun = since or notice.since or notice.happened
    times = f"; {count:,} times, last at {moment(latest or notice.happened)}" if count > 1 else ""
    found.append(("Since", f"{moment(begun)}{times}"))
    if notice.kind in OF_DATA:
        good = f"data of {notice.last_good}" if notice.last_good else "not known"
        found.append(("Last good", good))
    if notice.did:
        found.append(("Run did", "; ".join(notice.did)))
    found.append(("What now", notice.action or NOW[notice.kind]))
    found.append(("Owner", notice.owner or "nobody is named"))
    where = notice.place
    if notice.kind != "undelivered":
        where += f", environment {notice.environment}"
    if notice.root_flow and notice.root_flow != notice.flow:
        where += f", in {notice.root_flow}"
    found.append(("Where", where + (f", tier {notice.tier}" if notice.tier else "")))
    return [(label, _line(text)) for label, text in found]


def links(notice: Notice, ticket_url: str = "") -> list[tuple[str, str]]:
    """Return the addresses that a notice leads to, each with its name."""
    given = (("Run", notice.run_url), ("Runbook", notice.runbook_url), ("Ticket", ticket_url))
    return [(name, url) for name, url in given if url]


def plain(notice: Notice) -> str:
    """Return a notice as plain text, for the console."""
    first = f"[{LOUD[notice.severity]}] {subject(notice)}"
    lines = [f"  {label}: {text}" for label, text in [*details(notice), *links(notice)]]
    return "\n".join([first, *lines])


def moment(at: datetime) -> str:
    """Return a moment as people read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _line(text: str) -> str:
    return " ".join(text.split())
