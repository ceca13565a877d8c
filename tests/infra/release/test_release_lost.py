"""Runs that a killed worker had fetched, whose processes died before they began them."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.release.local import processes
from infra.release.local.fleet import LocalFleet
from infra.release.local.site import Site
from infra.release.model import Colour
from infra.release.runs import PrefectRuns
from infra.release.seen import Look


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site with a worker of green, and the process of one of its runs."""
    made = Site(tmp_path.resolve(), "postgresql+asyncpg://127.0.0.1:1/prefect", 1, 2, 3)
    marks = {processes.SITE: str(made.folder), "PATH": os.environ["PATH"]}
    log = tmp_path / "log"
    started = [
        processes.start(["sleep", "600"], marks | {processes.ROLE: "worker-green"}, log, tmp_path),
        processes.start(["sleep", "600"], marks | {processes.RUN: "has-process"}, log, tmp_path),
    ]
    yield made
    for pid in started:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def run(name: str, state: str, at: float, queue: str = "work-green") -> dict[str, Any]:
    said = datetime.fromtimestamp(at, UTC).isoformat()
    return {"id": name, "name": name, "work_queue_name": queue, "run_count": 0,
            "parent_task_run_id": None, "next_scheduled_start_time": None,
            "expected_start_time": said, "state": {"type": state, "timestamp": said}}  # fmt: skip


def test_a_drain_has_lost_runs_begun_after_all(site: Site) -> None:
    before, after = time.time() - 60, time.time() + 60  # than the worker that is there
    runs = [
        run("lost", "PENDING", before),
        run("has-process", "PENDING", before),
        run("just-fetched", "PENDING", after),
        run("works", "RUNNING", before),
        run("blue", "PENDING", before, "work-blue"),
    ]
    sent: list[tuple[str, dict[str, Any]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/filter"):
            return httpx.Response(200, json=runs)
        sent.append((request.url.path, json.loads(request.content)))
        runs[:] = [one for one in runs if one["id"] not in request.url.path]
        return httpx.Response(201, json={})

    fleet = LocalFleet(site)
    hands = PrefectRuns(lambda: ["http://127.0.0.1:1/api"], "local", lambda _: [], lost=fleet.lost)
    hands.servers._client = httpx.Client(transport=httpx.MockTransport(answer))
    assert hands.drained(Colour.GREEN)[0] is Look.ABSENT  # there is something to do
    hands.hand_over(Colour.GREEN, due_too=False)
    assert [path for path, _ in sent] == ["/api/flow_runs/lost/set_state"]
    assert sent[0][1]["state"]["type"] == "SCHEDULED"
    assert hands.drained(Colour.GREEN)[0] is Look.WAITING


def test_without_a_worker_all_that_have_no_process_are_lost(site: Site) -> None:
    is_lost = LocalFleet(site).lost(Colour.BLUE)
    assert is_lost(run("fetched", "PENDING", time.time() + 60, "work-blue"))
    assert not is_lost(run("has-process", "PENDING", time.time(), "work-blue"))
