"""The event by which a run's trouble is known to have been announced.

Each automation in `declared/` waits for it a while after something happened to a run, and speaks
where it does not come: whoever announces a failure, a crash or a run that is late says so here,
and nobody says it twice. Measured on Prefect 2.20.26: an event that comes before what it answers
does not count, so emit it after the state has changed (in an ``on_failure`` hook, or later).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

SAID = "dataweave.notice.said"


def said(flow_run_id: UUID | str, deployment_id: UUID | str, flow_id: UUID | str) -> dict[str, Any]:
    """Return the arguments of `prefect.events.emit_event` that say: this run was announced.

    Args:
        flow_run_id: the run that failed, crashed, is late or does not end.
        deployment_id: its deployment; a run without one is no concern of the automations.
        flow_id: its flow: those that speak once for a flow tell runs apart by it.
    """
    return {
        "event": SAID,
        "resource": {"prefect.resource.id": f"prefect.flow-run.{flow_run_id}"},
        "related": [
            {
                "prefect.resource.id": f"prefect.deployment.{deployment_id}",
                "prefect.resource.role": "deployment",
            },
            {
                "prefect.resource.id": f"prefect.flow.{flow_id}",
                "prefect.resource.role": "flow",
            },
        ],
    }
