"""Steps as runs of their own: on a real server, with real workers of two queues."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdk import Store
from sdk.api import Api
from sdk.dataset import DatasetKey
from sdk.pools import server as pools
from sdk.testing.processes import wait_until
from sdk.testing.server import PrefectServer, prefect_server

__all__ = ["prefect_server"]

ROOT = Path(__file__).parent.parent.parent.parent
PATIENCE = 600.0
"""Seconds for a run to get somewhere: a few on an idle machine; no test is about time."""

pytestmark = pytest.mark.timeout(1800)


class Site:
    """The deployments of a parent and of `run-step`, and a worker for each queue."""

    def __init__(self, server: PrefectServer, api: Api, folder: Path) -> None:
        self.server, self.api, self.store = server, api, folder / "store"
        pools.apply(api, "development", {}, dry_run=False, say=lambda line: None)
        self.deploy("run-step", "flows/operations/elsewhere.py:run_step", "work", "relaunch:2")
        self.parent = self.deploy(
            "acme-elsewhere", "tests/sdk/delegation/steps.py:acme_elsewhere", "coordinate"
        )
        self.asynchronous = self.deploy(
            "acme-async", "tests/sdk/delegation/steps.py:acme_async", "coordinate"
        )
        given = {"DATAWEAVE_STORAGE": str(self.store), "DATAWEAVE_LOGS": str(folder / "logs")}
        for queue in ("coordinate", "work"):
            server.worker("local", "--work-queue", queue, **given)

    def deploy(self, flow: str, entrypoint: str, queue: str, *tags: str) -> str:
        flow_id = self.api.post("/flows/", {"name": flow})["id"]
        made = self.api.post("/deployments/", {
            "name": flow, "flow_id": flow_id, "tags": list(tags),
            "work_pool_name": "local", "work_queue_name": queue,
            "entrypoint": entrypoint, "path": str(ROOT),
            "pull_steps": [{"prefect.deployments.steps.set_working_directory":
                            {"directory": str(ROOT)}}],
        })  # fmt: skip
        return str(made["id"])

    def start(self, folder: Path, how: str, day: str) -> str:
        body = {"parameters": {"folder": str(folder), "how": how, "day": day},
                "state": {"type": "SCHEDULED"}}  # fmt: skip
        return str(self.api.post(f"/deployments/{self.parent}/create_flow_run", body)["id"])

    def children(self, parent: str) -> list[dict[str, object]]:
        return [run for run in self.api.post("/flow_runs/filter", {"flow_runs": {
            "parent_task_run_id": {"is_null_": False}}}) if self.of(run, parent)]  # fmt: skip

    def of(self, run: dict[str, object], parent: str) -> bool:
        task = self.api.get(f"/task_runs/{run['parent_task_run_id']}")
        return bool(task["flow_run_id"] == parent)

    def wait(self, run: str, *states: str) -> dict[str, str]:
        def arrived() -> bool:
            return self.state(run)["name"] in states

        wait_until(arrived, PATIENCE, f"run {run} is never {states}")
        return self.state(run)

    def state(self, run: str) -> dict[str, str]:
        found: dict[str, str] = self.api.get(f"/flow_runs/{run}")["state"]
        return found


@pytest.fixture(scope="module")
def site(prefect_server: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Api(prefect_server.api_url, patience=60) as api:
        yield Site(prefect_server, api, tmp_path_factory.mktemp("site"))


def test_children_return_fail_die_and_are_cancelled(site: Site, tmp_path: Path) -> None:
    days = {"": "2026-08-11", "fails": "2026-08-12", "dies": "2026-08-13", "waits": "2026-08-14"}
    folders = {how: tmp_path / (how or "works") for how in days}
    for folder in folders.values():
        folder.mkdir()
    runs = {how: site.start(folders[how], how, day) for how, day in days.items()}

    beside = tmp_path / "async"
    beside.mkdir()
    body = {"parameters": {"folder": str(beside), "day": "2026-08-15"},
            "state": {"type": "SCHEDULED"}}  # fmt: skip
    asynchronous = site.api.post(f"/deployments/{site.asynchronous}/create_flow_run", body)["id"]

    assert site.wait(runs[""], "Completed")
    [child] = site.children(runs[""])
    assert child["work_queue_name"] == "work"
    assert {p.name for p in folders[""].glob("step-*")} != {p.name for p in folders[""].glob("p*")}
    made = Store(str(site.store)).dataset(
        DatasetKey(customer="acme", name="doubled", day="2026-08-11")
    )
    assert made is not None
    assert made.frame()["number"].to_list() == [0, 2, 4]

    failed = site.wait(runs["fails"], "Failed")
    assert "Permanent: no such numbers" in failed["message"]

    # Its process dies, and is started again, as the reconciler would: the parent waits for it.
    def crashed() -> bool:
        return [c["state_name"] for c in site.children(runs["dies"])] == ["Crashed"]

    wait_until(crashed, PATIENCE, "the child does not crash")
    time.sleep(3)
    assert site.state(runs["dies"])["name"] == "Running"
    again = str(site.children(runs["dies"])[0]["id"])
    site.api.set_state(again, {"type": "SCHEDULED", "name": "AwaitingRetry"})
    site.wait(runs["dies"], "Completed")
    assert len(list(folders["dies"].glob("step-*"))) == 2

    def waiting() -> bool:
        return bool(list(folders["waits"].glob("step-*")))

    wait_until(waiting, PATIENCE, "the child does not begin")
    [child] = site.children(runs["waits"])
    site.api.set_state(runs["waits"], {"type": "CANCELLING", "name": "Cancelling"})
    site.wait(runs["waits"], "Cancelled")
    site.wait(str(child["id"]), "Cancelled")

    site.wait(asynchronous, "Completed")
    for name, numbers in (("tripled", [0, 3, 6]), ("doubled", [0, 2, 4])):
        made = Store(str(site.store)).dataset(
            DatasetKey(customer="acme", name=name, day="2026-08-15")
        )
        assert made is not None
        assert made.frame()["number"].to_list() == numbers
    processes = {path.name.rpartition("-")[2] for path in beside.glob("*-*")}
    assert len(processes) == 3
    assert len((beside / "ticks").read_text()) > 1  # the parent's loop went on meanwhile
