"""Every deployment of prefect.yaml can be made: its flow is there and takes its parameters."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.flows import load_flow_from_entrypoint
from prefect.server.schemas.schedules import CronSchedule

from flows.operations.catalogue import customers
from sdk.running.rules import KINDS, TIERS, check_tags

ROOT = Path(__file__).parent.parent
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())[
    "deployments"
]


@pytest.fixture(params=DEPLOYMENTS, ids=lambda item: item["name"])
def deployment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(ROOT)
    made: dict[str, Any] = request.param
    return made


def _flow(deployment: dict[str, Any]) -> Flow[..., Any]:
    return load_flow_from_entrypoint(deployment["entrypoint"])


def test_entrypoint_is_a_flow_that_takes_the_parameters(deployment: dict[str, Any]) -> None:
    flow = _flow(deployment)
    if deployment.get("schedules"):
        assert flow.validate_parameters(deployment.get("parameters", {})) is not None
    known = set(flow.parameters.properties)
    assert set(deployment.get("parameters", {})) <= known
    if deployment.get("schedules"):  # what is started by others is told the rest by them
        required = set(flow.parameters.required or [])
        assert required <= set(deployment.get("parameters", {}))


def test_schedules_are_due_at_some_time(deployment: dict[str, Any]) -> None:
    for entry in deployment.get("schedules", []):
        # Flat, as `prefect deploy` reads it; a nested schedule is an unknown type to it.
        dates = asyncio.run(
            CronSchedule(cron=entry["cron"], timezone=entry["timezone"]).get_dates(2)
        )
        assert len(dates) == 2


def test_work_goes_to_a_pool_chosen_per_environment(deployment: dict[str, Any]) -> None:
    pool = deployment["work_pool"]
    assert pool["name"] in {
        "{{ prefect.variables.work_pool }}",
        "{{ prefect.variables.heavy_pool }}",
    }
    assert pool["work_queue_name"] in {"coordinate", "work", "realtime", "backfill"}


def test_tags_are_of_the_vocabulary(deployment: dict[str, Any]) -> None:
    tags = deployment["tags"]
    check_tags(deployment["name"], tags)
    assert len(KINDS & set(tags)) == 1
    assert len(TIERS & set(tags)) == 1


def test_starts_are_spread() -> None:
    """No two deployments start in the same minute, and none on the hour or at its quarters."""
    times = [
        (fields[1], int(fields[0]))
        for deployment in DEPLOYMENTS
        for entry in deployment.get("schedules", [])
        if (fields := entry["cron"].split())[0].isdigit()
    ]
    assert len(set(times)) == len(times)
    assert {minute for _, minute in times} & {0, 15, 30, 45} == set()


def test_names_are_unique() -> None:
    names = [deployment["name"] for deployment in DEPLOYMENTS]
    assert len(set(names)) == len(names)


def test_every_customer_has_a_deployment() -> None:
    entrypoints = {deployment["entrypoint"].partition(":")[0] for deployment in DEPLOYMENTS}
    assert {f"flows/customers/{name}.py" for name in customers()} <= entrypoints
