"""`review_silences`: silences that somebody has to look at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from blocks import Rejected
from sdk import Settings, flow
from sdk.notices.channels import sender, tickets
from sdk.notices.outbox import Letter, Outbox
from sdk.notices.settings import NoticeSettings
from sdk.notices.silences import read_silences, review
from sdk.storage import storage


@flow(name="notices-silences")
def review_silences() -> list[str]:
    """Post the silences that have ended or whose ticket is closed; schedule it once a week.

    Returns:
        A line for each.
    """
    settings, chosen = Settings(), NoticeSettings()
    root, connect = storage(settings.storage), tickets(chosen)
    silences = read_silences(root)
    closed: list[str] = []
    if connect is not None:
        jira = connect()
        for key in sorted({silence.ticket for silence in silences}):
            if _is_closed(lambda key=key: jira.read(key).category):  # type: ignore[misc]
                closed.append(key)
    now = datetime.now(UTC)
    found = review(silences, closed, now.date())
    lines = [
        f"– {silence.fault or silence.pattern} ({silence.reason or 'no reason given'}) — {why}"
        for silence, why in found
    ]
    if lines and chosen.slack_block:
        year, week, _ = now.isocalendar()
        letter = Letter(
            key=f"silences-{year}-{week:02}",
            route=chosen.slack_block,
            subject=f"Silences to look at: {len(lines)}",
            body="\n".join(lines),
            written=now,
        )
        Outbox(root).post(letter)
        sender(settings.storage, chosen).deliver()
    return lines


def _is_closed(category: Callable[[], str]) -> bool:
    """Say whether a ticket is done; one that is gone counts as that."""
    try:
        return category() == "done"
    except Rejected as error:
        if error.code == "404":
            return True
        raise
