"""An escalation as a notice: late, overrunning, stuck and crashed in words of their own. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from sdk.notices.build_plain import moment
from sdk.notices.deadlines import EVER, Escalation, Limits, Trouble
from sdk.notices.fault import fingerprint
from sdk.notices.notice import Kind, Notice, Severity, event_id
from sdk.redaction import redacted

ERROR_CLASSES: dict[Trouble, str] = {
    "late": "Late",
    "overrunning": "Overrunning",
    "stuck": "Stuck",
    "crashed": "Crashed",
}
LOUDNESS: dict[int, Severity] = {1: "warning", 2: "error", 3: "critical", 4: "critical"}
AFTER_CANCEL = (
    "See that it ends, and in its log what took long; run the deployment again if that is wanted."
)
MESSAGE = 300
"""Characters of a state's message: what it says first."""


def notice(step: Escalation, limit: Limits, environment: str, now: datetime, **more: str) -> Notice:
    """Return the notice of a level.

    Args:
        step: the level.
        limit: what the flow is held to.
        environment: where.
        now: UTC.
        more: ``run_url`` and ``runbook_url``.
    """
    run, kind = step.run, step.trouble
    fault = fingerprint(environment, run.flow, "", ERROR_CLASSES[kind])
    told: Kind = kind
    did: tuple[str, ...] = ("the run is being cancelled",) if step.cancel else ()
    return Notice(
        event=event_id(step.key),
        fault=fault,
        kind=told,
        severity=LOUDNESS[step.level],
        environment=environment,
        flow=run.flow,
        error_class=ERROR_CLASSES[kind],
        customer=run.customer,
        headline=_headline(step, now),
        action=AFTER_CANCEL if step.cancel else "",
        did=did,
        root_flow=run.flow,
        run_id=run.run_id,
        owner=limit.owner,
        tier=limit.tier,
        happened=now,
        since=_since(step),
        level=step.level,
        run_url=more.get("run_url", ""),
        runbook_url=more.get("runbook_url", ""),
    )


def _since(step: Escalation) -> datetime:
    """Return since when it has been so, as people reckon: not since it was too much."""
    run = step.run
    if run.state in ("crashed", "cancelling"):
        return run.changed
    if step.trouble == "stuck":
        return max(run.alive or EVER, run.begun or EVER)
    return run.due if run.begun is None else run.begun + step.allowed


def _headline(step: Escalation, now: datetime) -> str:
    run = step.run
    name = " ".join(run.name.split())
    if step.trouble == "crashed":
        words = redacted(" ".join(run.message.split()))[:MESSAGE]
        return f"the process of {name} ended without a word of its own" + (
            f"; Prefect says: {words}" if words else ""
        )
    if run.state == "cancelling":
        asked = _long(now - run.changed)
        return f"{name} was to be cancelled at {moment(run.changed)} and has not ended in {asked}"
    if step.trouble == "late":
        taken = (
            "a worker took it, its process has not begun"
            if run.state == "pending"
            else "no worker has taken it"
        )
        waited = _long(now - run.due)
        return f"{name} was due at {moment(run.due)} and has waited {waited}: {taken}"
    assert run.begun is not None
    if step.trouble == "stuck":
        quiet = _long(now - max(run.alive or run.begun, run.begun))
        return f"{name}, begun at {moment(run.begun)}, has given no sign of life for {quiet}"
    return (
        f"{name}, begun at {moment(run.begun)}, was to end within {_long(step.allowed)}"
        f" and has run for {_long(now - run.begun)}"
    )


def _long(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02} min" if hours else f"{minutes} min"
