"""The autoscaler's and the agent's reading and writing against a real Prefect server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.autoscaler.prefect_api import PrefectApi, PrefectError
from infra.worker.rescue import PrefectRescue

MACHINE = "i-0123456789abcdef0"


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home: Path = tmp_path_factory.mktemp("prefect")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")} | {
        "PREFECT_HOME": str(home),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_SERVICES_SCHEDULER_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/api"
    try:
        for _ in range(600):
            assert process.poll() is None
            try:
                if httpx.get(f"{url}/health", timeout=2.0).is_success:
                    break
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
        else:
            pytest.fail("the server did not start")
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def server(server_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server_url, timeout=30.0) as client:
        yield client


class Seed:
    """Makes what a pool holds, by the server's own API."""

    def __init__(self, client: httpx.Client, pool: str) -> None:
        self.client, self.pool = client, pool
        self.post("/work_pools/", {"name": pool, "type": "process"})
        self.flow = self.post("/flows/", {"name": f"prices-{pool}"})["id"]
        self.deployments: dict[str, str] = {}

    def post(self, path: str, body: dict[str, Any]) -> Any:
        for _ in range(50):
            answer = self.client.post(path, json=body)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(0.1)  # SQLite is locked by one of the server's own services
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def deployment(self, queue: str) -> str:
        if queue not in self.deployments:
            body = {"name": queue, "flow_id": self.flow, "work_pool_name": self.pool}
            made = self.post("/deployments/", {**body, "work_queue_name": queue})
            self.deployments[queue] = made["id"]
        return self.deployments[queue]

    def run(self, seconds: float, queue: str = "default") -> str:
        """A run that is due so many seconds from now."""
        at = _stamp(time.time() + seconds)
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": at}}
        path = f"/deployments/{self.deployment(queue)}/create_flow_run"
        return str(self.post(path, {"state": state})["id"])

    def set_state(self, run: str, kind: str) -> None:
        answer = self.post(f"/flow_runs/{run}/set_state", {"state": {"type": kind}, "force": True})
        assert answer["status"] == "ACCEPT"

    def start(self, run: str, host: str) -> None:
        self.set_state(run, "RUNNING")
        changed = self.client.patch(f"/flow_runs/{run}", json={"infrastructure_pid": f"{host}:7"})
        changed.raise_for_status()


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def read(client: httpx.Client, pool: str, queues: tuple[str, ...] = (), **more: float) -> Any:
    now = time.time()
    values = {"now": now, "since": now - 300, "ahead": 900.0} | more
    return PrefectApi(client).read_pool(pool, queues, **values)


def test_a_pool_is_read_as_it_is(server: httpx.Client) -> None:
    seed = Seed(server, "reading")
    seed.run(-30)
    seed.run(-60)
    seed.run(300)
    seed.run(3000)
    seed.start(seed.run(-90), MACHINE)
    seed.set_state(seed.run(-90), "PENDING")
    seed.set_state(seed.run(-90), "COMPLETED")
    path = "/work_pools/reading/workers/heartbeat"
    seed.post(path, {"name": f"{MACHINE}-1", "heartbeat_interval_seconds": 30})
    before = time.time()
    view = read(server, "reading")
    assert [round(before - run.since, -1) for run in view.waiting] == [60, 30]
    assert {run.flow for run in (*view.waiting, *view.announced)} == {"prices-reading"}
    assert [round(run.since - before, -1) for run in view.announced] == [300]
    assert sorted(run.worker for run in view.running) == ["", MACHINE]
    assert abs(view.measured_at - before) < 60
    assert list(view.seen) == [f"{MACHINE}-1"]
    assert abs(view.seen[f"{MACHINE}-1"] - before) < 60
    # Everything that became due was made at its time, not announced before: five runs.
    assert view.arrived == 5


def test_queues_are_read_one_by_one(server: httpx.Client) -> None:
    seed = Seed(server, "queues")
    for queue, runs in (("gold", 3), ("silver", 2), ("bronze", 1)):
        for _ in range(runs):
            seed.run(-10, queue)
    assert len(read(server, "queues").waiting) == 6
    view = read(server, "queues", ("gold", "bronze"))
    assert sorted(run.queue for run in view.waiting) == ["bronze", "gold", "gold", "gold"]


def test_more_runs_than_a_page_are_all_read(
    server: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = Seed(server, "pages")
    for _ in range(11):
        seed.run(-10)
    monkeypatch.setattr("infra.autoscaler.prefect_api.PAGE", 4)
    assert len(read(server, "pages").waiting) == 11


def test_run_times_are_fitted_to_finished_runs(server: httpx.Client) -> None:
    seed = Seed(server, "times")
    for _ in range(3):
        run = seed.run(-10)
        seed.set_state(run, "RUNNING")
        time.sleep(0.05)
        seed.set_state(run, "COMPLETED")
    (found,) = PrefectApi(server).read_run_times("times").items()
    assert found[0] == "prices-times"
    assert 0.01 < found[1].median < 30


def test_a_run_that_is_handed_back_is_due_again(server: httpx.Client) -> None:
    seed = Seed(server, "rescue")
    run = seed.run(-10)
    seed.start(run, MACHINE)
    assert PrefectRescue(server).hand_back(run, "its machine was going")
    state = server.get(f"/flow_runs/{run}").json()["state"]
    assert (state["type"], state["name"]) == ("SCHEDULED", "AwaitingRetry")
    assert state["message"] == "its machine was going"
    view = read(server, "rescue")
    assert len(view.waiting) == 1
    assert view.running == ()
    assert not PrefectRescue(server).hand_back("00000000-0000-0000-0000-000000000000", "x")


def test_a_server_that_fails_is_said(server: httpx.Client, server_url: str) -> None:
    with pytest.raises(PrefectError, match="workers/filter"):
        read(server, "no-such-pool")
    with (
        httpx.Client(base_url="http://127.0.0.1:9/api", timeout=1.0) as nobody,
        pytest.raises(PrefectError, match="flow_runs/filter"),
    ):
        read(nobody, "any")


def test_an_old_answer_is_known_by_its_date() -> None:
    def cached(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[], headers={"date": "Mon, 23 Nov 2026 10:00:00 GMT"})

    transport: Callable[[httpx.Request], httpx.Response] = cached
    with httpx.Client(
        base_url="http://prefect/api", transport=httpx.MockTransport(transport)
    ) as client:
        assert read(client, "any").measured_at == 1795428000.0
