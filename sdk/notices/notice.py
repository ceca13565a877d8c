"""A notice: one thing worth a person's attention, as data.

It is decided (`decide`), kept (`outbox`, `book`), and worded for each place that shows it
(`build_plain`, `build_slack`, `build_jira`). It holds no markup and no secrets: whoever makes one
redacts, whoever words one escapes.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sdk.digest import text_hash

Severity = Literal["info", "warning", "error", "critical"]
"""``info`` is said in a thread, ``warning`` in the channel, ``error`` also in Jira, ``critical``
also to whoever is on call."""

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error", "critical")
"""From quiet to loud."""

Kind = Literal[
    "failed",
    "partial",
    "degraded",
    "mended",
    "crashed",
    "late",
    "overrunning",
    "stuck",
    "undelivered",
    "alert",
]
"""What happened. ``partial``: some executions of a step failed and the run went on without them.
``degraded``: a fallback was served. ``crashed``: the run's process is gone, and nothing of its own
handling took place. ``late``: a run that was due has not begun. ``overrunning``: it is past its
deadline. ``stuck``: it gives no sign of life. ``undelivered``: a notice was refused for good.
``alert``: nothing broke, a customer's rule found something in its market."""


class Notice(BaseModel):
    """One thing worth saying.

    Attributes:
        event: identity of this saying; the same twice counts once.
        fault: fingerprint of the fault that it is about.
        kind: what happened.
        severity: how loud it is.
        environment: where.
        flow: the flow in which it broke: a subflow where the step is one's.
        step: the step that broke; empty where it is the flow itself.
        error_class: name of the error's class.
        customer: for whom it broke.
        day: of the data.
        headline: what broke, in one line.
        action: what whoever reads it should do.
        did: what the run did about it.
        examples: words of some of the errors, where there were many.
        count: executions of the step that failed.
        total: executions of the step in all; None where that is not known.
        root_flow: the outermost flow of the run.
        run_id: of the outermost run.
        run_url: where the run is shown.
        runbook_url: where it is written what to do.
        owner: the team that answers for it.
        tier: how much the flow matters.
        happened: when it came about that this is said, UTC.
        since: since when it has been so; None where that is when it happened.
        last_good: the day of the latest good data.
        level: of an escalation; 0 where it is none.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    event: str
    fault: str
    kind: Kind
    severity: Severity
    environment: str
    flow: str
    step: str = ""
    error_class: str = ""
    customer: str
    day: date | None = None
    headline: str
    action: str = ""
    did: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    count: int = 1
    total: int | None = None
    root_flow: str = ""
    run_id: str = ""
    run_url: str = ""
    runbook_url: str = ""
    owner: str | None = None
    tier: str | None = None
    happened: datetime
    since: datetime | None = None
    last_good: date | None = None
    level: int = 0

    @property
    def place(self) -> str:
        """Where it broke: the step with its flow."""
        return f"{self.flow}/{self.step}" if self.step else self.flow


def event_id(*parts: object) -> str:
    """Return the identity of an event that these parts determine."""
    return text_hash("\n".join(str(part) for part in parts))[:24]
