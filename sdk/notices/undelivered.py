"""The notice that notices cannot be delivered: one fault for each target and reason."""

from __future__ import annotations

from datetime import datetime, timedelta

from sdk.notices.fault import fingerprint
from sdk.notices.notice import Notice, event_id
from sdk.notices.outbox import DeadLetter
from sdk.redaction import redacted

FLOW = "notices"
ENVIRONMENT = "all"
"""A storage root has one environment, and a dead letter may be older than its name."""
ONCE_IN = 3600
"""Seconds: refusals of one kind within an hour count as one, however many notices they hit."""


def undelivered(dead: DeadLetter) -> Notice:
    """Return the notice that something was refused for good."""
    fault = fingerprint(ENVIRONMENT, FLOW, dead.target, dead.code)
    hour = int(dead.at.timestamp()) // ONCE_IN
    return Notice(
        event=event_id(fault, hour),
        fault=fault,
        kind="undelivered",
        severity="error",
        environment=ENVIRONMENT,
        flow=FLOW,
        step=dead.target,
        error_class=dead.code,
        customer="all customers",
        owner="platform",
        headline=redacted(dead.reason),
        action=redacted(f"{dead.action} Then run the flow notices-deliver with again=true."),
        did=("what could not be told is kept in the dead-letter list",),
        happened=dead.at,
    )


def works_again(latest: Notice, now: datetime) -> Notice:
    """Return the notice that a target takes notices again."""
    return latest.model_copy(
        update={
            "event": event_id("works again", latest.fault, now.isoformat()),
            "kind": "mended",
            "severity": "info",
            "headline": f"{latest.step} takes notices again",
            # By a clock that stood still it would not be later.
            "happened": max(now, latest.happened + timedelta(microseconds=1)),
        }
    )
