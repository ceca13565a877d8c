"""A fault as a ticket: summary, description, labels, comments, all plain text.

The block shows plain text as it is, with one exception: a line ``Label: https://…`` is a link. So
data never stands behind a label and a colon here, but behind a dash.
"""

from __future__ import annotations

from dataclasses import dataclass

from sdk.notices.build_plain import details, links, subject
from sdk.notices.build_slack import remark_words
from sdk.notices.fault_parts import Saying
from sdk.notices.fault_state import FaultState


@dataclass(frozen=True, slots=True)
class TicketText:
    """What a ticket is opened with; `labels` are what it is found by, and more."""

    summary: str
    description: str
    labels: tuple[str, ...]


def mark(fingerprint: str) -> str:
    """Return the label by which a fault's ticket is found."""
    return f"fault-{fingerprint}"


def ticket(state: FaultState) -> TicketText:
    """Return what a fault's ticket is opened with."""
    latest = state.latest
    found = details(
        latest,
        customers=state.broken_for,
        count=state.story_count,
        since=state.first_seen,
        latest=state.last_seen,
    )
    lines = [f"{label} — {text}" for label, text in found]
    lines += ["", *(f"{name}: {url}" for name, url in links(latest))]
    lines += [
        "",
        "This ticket is kept by the platform: it is commented on while the fault goes on, resolved "
        "when the step works again, and left alone once it is closed as Won't Do.",
        f"Fault {state.fingerprint}",
    ]
    labels = (mark(state.fingerprint), f"flow-{latest.flow}", f"environment-{latest.environment}")
    return TicketText(subject(latest, state.broken_for), "\n".join(lines), labels)


def comment(state: FaultState, saying: Saying) -> str:
    """Return a remark as a comment, with the way to the latest run."""
    to = [f"{name}: {url}" for name, url in links(state.latest)] if saying.about != "mended" else []
    return "\n".join([remark_words(state, saying), *to])
