"""Notices: what is said to people about a run, and when nothing is.

Three parts, apart: `decide` (pure: is this worth saying?), `build` (the words), and a sender.
Here the words are plain text and the sender is the log and the terminal.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sdk.errors import PlatformError
from sdk.redaction import redacted
from sdk.run import Run
from sdk.statistics import StepRecord
from sdk.summary import degradations

Severity = Literal["warning", "error"]

NOTICES = "dataweave.notices"
"""The logger that notices go to."""

log = logging.getLogger(NOTICES)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth a person's attention."""

    severity: Severity
    customer: str
    flow: str
    day: str
    environment: str
    headline: str
    lines: tuple[str, ...]
    run_id: str
    owner: str | None = None


def decide(records: Sequence[StepRecord], failure: Exception | None) -> Severity | None:
    """Say how loud a run's end is to be: a failure, a served fallback, or nothing at all."""
    if failure is not None:
        return "error"
    return "warning" if degradations(records) else None


def build(
    run: Run,
    records: Sequence[StepRecord],
    failure: Exception | None,
    severity: Severity,
    *,
    owner: str | None = None,
) -> Notice:
    """Return the words: what broke, for whom, and what the run did about it."""
    lines: list[str] = []
    if failure is not None:
        problem = failure.problem if isinstance(failure, PlatformError) else repr(failure)
        action = failure.action if isinstance(failure, PlatformError) else ""
        headline = redacted(problem)
        if action:
            lines.append(redacted(action))
    else:
        headline = "completed on a fallback"
    lines.extend(str(reason) for reason in degradations(records))
    return Notice(
        severity=severity,
        customer=run.customer,
        flow=run.flow,
        day=str(run.day),
        environment=run.environment,
        headline=headline,
        lines=tuple(lines),
        run_id=run.run_id,
        owner=owner,
    )


def plain(notice: Notice) -> str:
    """Return a notice as plain text."""
    first = (
        f"[{notice.severity}] {notice.flow} · {notice.customer} · {notice.day}"
        f" · {notice.environment}: {notice.headline}"
    )
    owner = [f"owner: {notice.owner}"] if notice.owner else []
    return "\n".join([first, *(f"  {line}" for line in [*notice.lines, *owner])])


def announce(
    run: Run,
    records: Sequence[StepRecord],
    failure: Exception | None,
    *,
    owner: str | None = None,
) -> None:
    """Say how a run ended, if that is worth saying."""
    severity = decide(records, failure)
    if severity is None:
        return
    text = plain(build(run, records, failure, severity, owner=owner))
    log.log(logging.ERROR if severity == "error" else logging.WARNING, "%s", text)
