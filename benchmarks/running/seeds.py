"""A server that is watched, and the faults that are seeded on it: made, and mended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from canary.reconciler.signs import PROBE
from canary.record import FOLDER, CanaryRecord
from sdk.api import Api
from sdk.pools import server as pools
from sdk.storage import Storage, storage
from sdk.testing.postgres import Postgres
from sdk.testing.processes import wait_until
from sdk.testing.server import PrefectServer


class Site:
    """A server with a pool, a worker that beats, and a canary whose latest run went well."""

    def __init__(self, server: PrefectServer, database: Postgres, folder: Path) -> None:
        self.server, self.database, self.folder = server, database, folder
        self.root: Storage = storage(str(folder / "store"))
        self.api = Api(server.api_url, patience=0, timeout=60)
        patient = self.api
        pools.apply(patient, "development", {}, dry_run=False, say=lambda line: None)
        flow = patient.post("/flows/", {"name": "canary"})["id"]
        self.deployment = patient.post("/deployments/", {
            "name": "canary-work", "flow_id": flow, "work_pool_name": "local",
            "work_queue_name": "coordinate", "parameters": {"name": "work"},
        })["id"]  # fmt: skip
        self.beat()
        self.well()

    def beat(self) -> None:
        self.api.post("/work_pools/local/workers/heartbeat",
                      {"name": "w", "heartbeat_interval_seconds": 9999})  # fmt: skip
        self.root.put(PROBE, b"")

    def run(self, *states: str, due: timedelta = timedelta(), queue: str | None = None) -> str:
        """Make a run of the canary, due so long ago, and take it through states."""
        when = (datetime.now(UTC) - due).isoformat()
        body: dict[str, Any] = {"state": {"type": "SCHEDULED", "name": "Scheduled",
                                          "state_details": {"scheduled_time": when}}}  # fmt: skip
        if queue is not None:
            body["work_queue_name"] = queue
        run = self.api.post(f"/deployments/{self.deployment}/create_flow_run", body)["id"]
        for kind in states:
            self.api.set_state(run, {"type": kind, "name": kind.title()})
        return str(run)

    def record(self, run: str, **changed: Any) -> None:
        now = datetime.now(UTC)
        made = CanaryRecord(**{
            "name": "work", "run": run, "due": now, "begun": now, "ended": now, "expected": 5,
            "results": {"mapped": 5}, "notice": True, **changed})  # fmt: skip
        path = f"{FOLDER}/work/{now:%Y%m%dT%H%M%S%f}.json"
        self.root.put(path, made.model_dump_json().encode())

    def well(self, **changed: Any) -> str:
        run = self.run("PENDING", "RUNNING", "COMPLETED")
        self.record(run, **changed)
        return run

    def sql(self, statement: str) -> None:
        self.database.execute(statement)

    def late_run(self, deployment: str, late: timedelta) -> str:
        """Make a run that was due so long ago, and has not begun."""
        when = (datetime.now(UTC) - late).isoformat()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": when}}
        made = self.api.post(f"/deployments/{deployment}/create_flow_run", {"state": state})["id"]
        self.sql(f"update flow_run set expected_start_time = '{when}' where id = '{made}'")
        return str(made)

    def cancel(self, run: str) -> None:
        self.api.set_state(run, {"type": "CANCELLED", "name": "Cancelled"})


Seed = Callable[[Site], AbstractContextManager[None]]
SEEDS: dict[str, Seed] = {}
"""Fault to how it is made and mended."""


def seeds(fault: str) -> Callable[[Callable[[Site], Iterator[None]]], Seed]:
    def kept(function: Callable[[Site], Iterator[None]]) -> Seed:
        SEEDS[fault] = contextmanager(function)
        return SEEDS[fault]

    return kept


@seeds("storage-down")
def storage_down(site: Site) -> Iterator[None]:
    store = site.folder / "store"
    store.rename(site.folder / "away")
    store.write_text("a file where the folder was")
    yield
    store.unlink()
    (site.folder / "away").rename(store)


@seeds("scheduler-stopped")
def scheduler_stopped(site: Site) -> Iterator[None]:
    flow = site.api.post("/flows/", {"name": "nightly"})["id"]
    schedules = [{"schedule": {"cron": "13 2 * * *"}, "active": True}]
    site.api.post("/deployments/", {"name": "nightly", "flow_id": flow, "schedules": schedules})
    site.sql("update deployment set updated = updated - interval '1 hour' where name = 'nightly'")
    yield
    site.sql("delete from deployment where name = 'nightly'")


@seeds("worker-gone")
def worker_gone(site: Site) -> Iterator[None]:
    site.sql("update worker set last_heartbeat_time = now() - interval '2 hours'")
    yield
    site.beat()


def paused(path: str) -> Callable[[Site], Iterator[None]]:
    def switched(site: Site) -> Iterator[None]:
        site.api.patch(path, {"is_paused": True})
        yield
        site.api.patch(path, {"is_paused": False})

    return switched


seeds("pool-paused")(paused("/work_pools/local"))
seeds("queue-paused")(paused("/work_pools/local/queues/work"))


@seeds("queue-stuck")
def queue_stuck(site: Site) -> Iterator[None]:
    flow = site.api.post("/flows/", {"name": "stuck"})["id"]
    body = {"name": "stuck", "flow_id": flow, "work_pool_name": "local",
            "work_queue_name": "work"}  # fmt: skip
    run = site.late_run(site.api.post("/deployments/", body)["id"], timedelta(hours=1))
    yield
    site.cancel(run)


@seeds("canary-missing")
def canary_missing(site: Site) -> Iterator[None]:
    site.sql("update flow_run set expected_start_time = expected_start_time - interval '2 hours'")
    yield
    site.well()


@seeds("canary-queued-long")
def canary_queued_long(site: Site) -> Iterator[None]:
    site.sql("update flow_run set expected_start_time = expected_start_time - interval '2 hours'")
    run = site.late_run(site.deployment, timedelta(minutes=20))
    yield
    site.cancel(run)
    site.well()


@seeds("canary-slow")
def canary_slow(site: Site) -> Iterator[None]:
    begun = datetime.now(UTC) - timedelta(minutes=11)
    site.well(begun=begun, due=begun)
    yield
    site.well()


@seeds("canary-failed")
def canary_failed(site: Site) -> Iterator[None]:
    site.run("PENDING", "RUNNING", "CRASHED")
    yield
    site.well()


@seeds("canary-wrong")
def canary_wrong(site: Site) -> Iterator[None]:
    site.well(results={"elsewhere": 5, "mapped": 6})
    yield
    site.well()


@seeds("notices-broken")
def notices_broken(site: Site) -> Iterator[None]:
    site.well(notice=False)
    yield
    site.well()


@seeds("reconciler-silent")
def reconciler_silent(site: Site) -> Iterator[None]:
    old = (datetime.now(UTC) - timedelta(hours=2)).timestamp()
    os.utime(site.folder / "store" / PROBE, (old, old))
    yield
    site.beat()


@seeds("database-down")
def database_down(site: Site) -> Iterator[None]:
    site.database.kill()
    yield
    site.database.start()
    wait_until(site.server.is_healthy, 300, "the server does not find its database again")


@seeds("server-unreachable")
def server_unreachable(site: Site) -> Iterator[None]:
    site.server.kill()
    yield
    site.server.start()
