"""The event by which a failed run is known to have been announced.

The automation `declared/failed.yaml` waits a minute for it after a run of a deployment has failed
and speaks where it does not come. Measured on Prefect 2.20.26: an event that comes before the
state has changed does not count, so emit it afterwards (in an ``on_failure`` hook, or later).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

SAID = "dataweave.notice.said"


def said(flow_run_id: UUID | str, deployment_id: UUID | str) -> dict[str, Any]:
    """Return the arguments of `prefect.events.emit_event` that say: this run was announced.

    Args:
        flow_run_id: the run that failed.
        deployment_id: its deployment; a run without one is no concern of the automation.
    """
    return {
        "event": SAID,
        "resource": {"prefect.resource.id": f"prefect.flow-run.{flow_run_id}"},
        "related": [
            {
                "prefect.resource.id": f"prefect.deployment.{deployment_id}",
                "prefect.resource.role": "deployment",
            }
        ],
    }
