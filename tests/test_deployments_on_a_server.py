"""Pools, every deployment and the gate, on a real server with real workers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdk.api import Api
from sdk.pools import server as pools
from sdk.running.heart import FOLDER as HEARTS
from sdk.storage import storage
from sdk.testing.processes import Process, wait_until
from sdk.testing.server import PrefectServer, prefect_server

__all__ = ["prefect_server"]

ROOT = Path(__file__).parent.parent
PATIENCE = 600.0
"""Seconds for a run to get somewhere: a few on an idle machine; no test is about time."""

pytestmark = pytest.mark.timeout(1800)
DEPLOYED = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]


@pytest.fixture(scope="module")
def api(prefect_server: PrefectServer) -> Iterator[Api]:
    with Api(prefect_server.api_url, patience=60) as api:
        yield api


def apply(api: Api, **options: Any) -> list[str]:
    told: list[str] = []
    pools.apply(api, "development", {}, dry_run=False, say=told.append, **options)
    return [line.splitlines()[0] for line in told[1:] if not line.startswith("=")]


@pytest.fixture(scope="module")
def deployed(prefect_server: PrefectServer, api: Api) -> subprocess.CompletedProcess[str]:
    """Every deployment of prefect.yaml, as it is deployed; what the command said."""
    apply(api)
    return prefect_server.prefect("deploy", "--all", DATAWEAVE_CODE=str(ROOT))


def test_pools_are_made_once_and_only_what_differs_is_changed(
    prefect_server: PrefectServer, api: Api, deployed: object
) -> None:
    assert apply(api) == []
    api.patch("/work_pools/local", {"concurrency_limit": 1})
    api.patch("/work_pools/local/queues/work", {"concurrency_limit": 99, "is_paused": True})
    asked = ("-m", "sdk.pools", "apply", "--environment", "development")
    shown = prefect_server.run(*asked, "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "~ pool local\n    concurrency_limit: 1 → 24" in shown.stdout
    assert "~ queue local/work\n    concurrency_limit: 99 → 4" in shown.stdout
    # A dry run changed nothing; the real one changes what it said, and leaves the pause.
    assert apply(api) == ["~ pool local", "~ queue local/work"]
    queue = api.get("/work_pools/local/queues/work")
    assert (queue["concurrency_limit"], queue["is_paused"]) == (4, True)
    api.patch("/work_pools/local/queues/work", {"concurrency_limit": 4, "is_paused": False})
    names = {q["name"]: q["priority"] for q in api.pages("/work_pools/local/queues/filter", {})}
    order = sorted(names, key=lambda name: names[name])
    assert order[:4] == ["realtime", "coordinate", "work", "backfill"]
    assert apply(api) == []


def test_every_deployment_is_deployed_as_it_is_written(
    api: Api, deployed: subprocess.CompletedProcess[str]
) -> None:
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    there = {found["name"]: found for found in api.pages("/deployments/filter", {})}
    variables = {"{{ prefect.variables.work_pool }}": "local",
                 "{{ prefect.variables.heavy_pool }}": "local"}  # fmt: skip
    for wanted in DEPLOYED:
        found = there[wanted["name"]]
        pool = wanted["work_pool"]
        assert found["work_pool_name"] == variables[pool["name"]]
        assert found["work_queue_name"] == pool["work_queue_name"]
        assert sorted(found["tags"]) == sorted(wanted["tags"])
        assert found["entrypoint"] == wanted["entrypoint"]
        told = [(s["cron"], s["timezone"], s["active"]) for s in wanted.get("schedules", [])]
        made = [(s["schedule"]["cron"], s["schedule"]["timezone"], s["active"])
                for s in found["schedules"]]  # fmt: skip
        assert sorted(made) == sorted(told)
        assert found["enforce_parameter_schema"] is True


FLOW = """
import time
from pathlib import Path
from prefect import flow

@flow
def nap(folder: str, name: str) -> None:
    '''Say that it began, and sleep until it may end.'''
    Path(folder, name).touch()
    print("napping", flush=True)
    while not Path(folder, "end").exists():
        time.sleep(0.1)
"""


class Naps:
    """Deployments of a flow that sleeps, one for each rule, and a worker that runs them."""

    def __init__(self, server: PrefectServer, api: Api, folder: Path) -> None:
        self.server, self.api, self.folder = server, api, folder
        (folder / "nap.py").write_text(FLOW)
        self.flow = api.post("/flows/", {"name": "nap"})["id"]

    def deploy(self, name: str, *tags: str) -> str:
        made = self.api.post("/deployments/", {
            "name": name, "flow_id": self.flow, "tags": list(tags),
            "work_pool_name": "local", "work_queue_name": "coordinate",
            "entrypoint": "nap.py:nap", "path": str(self.folder),
            "pull_steps": [{"prefect.deployments.steps.set_working_directory":
                            {"directory": str(self.folder)}}],
        })  # fmt: skip
        return str(made["id"])

    def start(self, deployment: str, name: str) -> str:
        body = {"name": name, "parameters": {"folder": str(self.folder), "name": name},
                "state": {"type": "SCHEDULED"}}  # fmt: skip
        made = self.api.post(f"/deployments/{deployment}/create_flow_run", body)
        return str(made["id"])

    def state(self, run: str) -> str:
        return str(self.api.get(f"/flow_runs/{run}")["state"]["name"])

    def wait(self, run: str, *states: str) -> None:
        wait_until(lambda: self.state(run) in states, PATIENCE, f"{run} is never {states}")


def living(store: Path) -> set[str]:
    return {name.partition(".")[0] for name in storage(str(store)).names(HEARTS)}


def test_a_run_has_a_heart_and_gives_way_as_its_deployment_says(
    prefect_server: PrefectServer, api: Api, deployed: object, tmp_path: Path
) -> None:
    store, logs = tmp_path / "store", tmp_path / "logs"
    naps = Naps(prefect_server, api, tmp_path)
    ruled = {rule: naps.deploy(rule, f"overlap:{rule}") for rule in ("skip", "queue", "cancel-old")}
    worker: Process = prefect_server.worker(
        "local", DATAWEAVE_STORAGE=str(store), DATAWEAVE_LOGS=str(logs), DATAWEAVE_HEARTBEAT="0.5"
    )
    first = {rule: naps.start(ruled[rule], f"{rule}-first") for rule in ruled}
    for run in first.values():
        naps.wait(run, "Running")
    # The worker may also be at a deployment's run that was due by its schedule.
    assert living(store) >= set(first.values())
    second = {rule: naps.start(ruled[rule], f"{rule}-second") for rule in ruled}
    naps.wait(second["skip"], "Skipped")
    naps.wait(second["queue"], "AwaitingTurn")
    naps.wait(second["cancel-old"], "Running")
    assert naps.state(first["cancel-old"]) == "Cancelled"
    assert "skip-first" in api.get(f"/flow_runs/{second['skip']}")["state"]["message"]
    assert not (tmp_path / "skip-second").exists()
    assert not (tmp_path / "queue-second").exists()
    (tmp_path / "end").touch()
    for run in (first["skip"], first["queue"], second["queue"], second["cancel-old"]):
        naps.wait(run, "Completed")
    assert (tmp_path / "queue-second").exists()
    # A run that was cancelled was killed: its heart is the reconciler's to take away.
    killed = {first["cancel-old"]}
    ours = {*first.values(), *second.values()}
    wait_until(lambda: living(store) & ours <= killed, 30, "hearts stay")
    [log] = (logs / "application").glob(f"{first['skip']}.*.log")
    assert "napping" in log.read_text()
    worker.stop()
