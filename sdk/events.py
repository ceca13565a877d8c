"""Events: a step's outcome, told to Prefect's server so that automations can act on it.

One event for each step of a run, none for the items of a fan-out: an event costs the server a
few requests, and what a batch of items did is in the step's payload. Nothing is sent where
Prefect's events are off, which is Prefect 2's default; a server that does not take events loses
them, never the step.

An automation matches on the name (``dataweave.step.degraded``; ``dataweave.step.*`` for all) and
on the resource's labels, such as ``dataweave.customer``. The flow run, its deployment and its
tags are added by Prefect as related resources.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sdk.run import Run
from sdk.statistics import StepRecord

_log = logging.getLogger(__name__)


def step_event(run: Run, record: StepRecord) -> dict[str, Any]:
    """Return the arguments of `prefect.events.emit_event` that tell a step's outcome.

    The resource is the step of a customer's flow in an environment, whatever the run: a step
    that fails every day is one resource with many events.
    """
    numbers = record.statistics
    identity = f"{run.environment}.{record.customer}.{record.flow}.{record.step}"
    return {
        "event": f"dataweave.step.{record.outcome}",
        "resource": {
            "prefect.resource.id": f"dataweave.step.{identity}",
            "prefect.resource.name": record.step,
            "dataweave.environment": run.environment,
            "dataweave.customer": record.customer,
            "dataweave.flow": record.flow,
            "dataweave.step": record.step,
        },
        "payload": {
            "day": record.day.isoformat(),
            "run": record.run_id,
            "dataset": record.dataset,
            "rows_in": numbers.rows_in,
            "rows_out": numbers.rows_out,
            "seconds": numbers.seconds,
            "attempts": numbers.attempts,
            "quarantined": record.quarantined,
            "checks_failed": [check.name for check in record.checks if not check.passed],
            "degraded": [str(reason) for reason in record.degraded],
            "fallback": record.fallback,
            "error": record.error,
            "error_class": record.error_class,
        },
    }


def emit_step(run: Run, record: StepRecord) -> None:
    """Send the event of a step's outcome, if Prefect's events are on; never raises."""
    from prefect.events import emit_event  # it takes time to load, and most runs need it late

    try:
        emit_event(**step_event(run, record))
    except Exception as error:
        _log.warning("%s: no event sent (%s)", record.step, type(error).__name__)


def emit(event: str, subject: str, about: Mapping[str, Any]) -> None:
    """Tell that something happened that is no step's outcome; never raises.

    Args:
        event: its name, such as ``dataweave.review.decided``.
        subject: what it happened to, such as ``dataweave.review.batch.orchard/2026-08-15``.
        about: more of it, as plain JSON.
    """
    from prefect.events import emit_event

    try:
        emit_event(event=event, resource={"prefect.resource.id": subject}, payload=dict(about))
    except Exception as error:
        _log.warning("%s: no event sent (%s)", event, type(error).__name__)
