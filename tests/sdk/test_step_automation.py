"""An automation acts on a step's outcome: through a real server, on PostgreSQL, with events on."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.worker import EventsWorker

from sdk import NONE, Transient, default, flow, task
from sdk.testing.processes import wait_until
from sdk.testing.server import PrefectServer, connected, prefect_server

__all__ = ["prefect_server"]

DAY = date(2026, 8, 15)


@task(retry=NONE, fallback=default(0.0))
def ask_rate(fails: bool) -> float:
    if fails:
        raise Transient("the bank is closed")
    return 3.7


@flow(customer="acme", name="rate-daily")
def rate_daily(day: date, fails: bool) -> float:
    return ask_rate(fails)


async def _declare() -> UUID:
    """Have a deployment run when `ask_rate` is degraded; return the deployment."""
    async with get_client() as client:
        flow_id = await client.create_flow_from_name("rate-repair")
        deployment = await client.create_deployment(flow_id, "on-degraded")
        await client.create_automation(
            AutomationCore(
                name="repair rates",
                trigger=EventTrigger(
                    expect={"dataweave.step.degraded"},
                    match={"dataweave.step": "ask_rate", "dataweave.customer": "acme"},
                    posture=Posture.Reactive,
                    threshold=1,
                    within=timedelta(0),
                ),
                actions=[RunDeployment(source="selected", deployment_id=deployment)],
            )
        )
        return deployment


async def _runs(deployment: UUID) -> int:
    async with get_client() as client:
        runs = await client.read_flow_runs()
    return sum(run.deployment_id == deployment for run in runs)


def test_an_automation_acts_on_a_degraded_step(
    prefect_server: PrefectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAWEAVE_STORAGE", str(tmp_path / "store"))
    with connected(prefect_server):
        deployment = asyncio.run(_declare())
        assert rate_daily(DAY, fails=False) == 3.7
        EventsWorker.instance().drain()
        assert rate_daily(DAY, fails=True, return_state=True).name == "Degraded"
        EventsWorker.instance().drain()
        wait_until(lambda: asyncio.run(_runs(deployment)) > 0, 60, "no run was started")
        assert asyncio.run(_runs(deployment)) == 1, "the fresh step started nothing"
