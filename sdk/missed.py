"""Runs that were missed: a schedule goes on while its workers are away.

A flow that runs every other minute has seven hundred late runs after a day without a worker, and
each would be carried out before what people wait for. Of a flow that does everything that there
is to do, whenever it runs, one is enough: its first run drops the others.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sdk import prefect2

log = logging.getLogger(__name__)

PAGE = 200
"""Runs asked for at a time: Prefect's own limit."""


def drop_missed() -> int:
    """Cancel the runs of the running flow's deployment that were due and have not begun.

    Returns:
        How many; none outside of a deployment.
    """
    deployment = prefect2.deployment_id()
    if deployment is None:
        return 0
    dropped = asyncio.run(_drop(UUID(deployment), datetime.now(UTC)))
    if dropped:
        log.warning("%d missed runs of this flow were dropped: this one does their work", dropped)
    return dropped


async def _drop(deployment: UUID, now: datetime) -> int:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType
    from prefect.states import Cancelled

    which = filters.FlowRunFilter(
        state=filters.FlowRunFilterState(
            name=None, type=filters.FlowRunFilterStateType(any_=[StateType.SCHEDULED])
        ),
        expected_start_time=filters.FlowRunFilterExpectedStartTime(before_=now),
    )
    of = filters.DeploymentFilter(id=filters.DeploymentFilterId(any_=[deployment]))
    dropped = 0
    async with get_client() as client:
        while True:
            page = await client.read_flow_runs(
                flow_run_filter=which, deployment_filter=of, limit=PAGE
            )
            for run in page:
                state: Any = Cancelled(name="Skipped", message="a later run has done its work")
                await client.set_flow_run_state(run.id, state, force=True)
            dropped += len(page)
            if len(page) < PAGE:
                return dropped
