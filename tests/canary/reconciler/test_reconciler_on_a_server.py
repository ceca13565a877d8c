"""The reconciler against a real server: what is dead, hung, stale or given up is settled.

Runs are taken into their states by hand, and their signs are written as runs and machines write
them; no process is needed for a run to be dead.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from canary.reconciler.census import kill_fenced
from canary.reconciler.loop import Reconciler
from canary.reconciler.plan import Limits
from canary.reconciler.seen import Decision
from canary.reconciler.server import Runs
from canary.reconciler.signs import CENSUS, Signs
from canary.reconciler.tell import Teller
from sdk.api import Api
from sdk.notices.outbox import Outbox
from sdk.running.heart import FENCED, FOLDER, HeartName, this_host
from sdk.storage import Storage, storage
from sdk.testing.server import serving

pytestmark = pytest.mark.timeout(900)
# Ages of states are real time and the test's: limits are far from both.
LIMITS = Limits(silent=30, starting=300, confirm=10, cancelling=300, pending=9000)


class Site:
    """A server without workers, a store, and a reconciler whose clock the test turns."""

    def __init__(self, api: Api, root: Storage) -> None:
        self.api, self.root, self.passed, self.beats = api, root, 0.0, 0
        self.flow = api.post("/flows/", {"name": "flow"})["id"]
        self.ahead = timedelta()
        self.alive: set[str] = set()
        self.there: set[str] = set()
        signs = Signs(root, LIMITS.silent, longest=1000)
        runs = Runs(api, signs, None, timedelta(hours=1), lambda: datetime.now(UTC) + self.ahead)
        self.reconciler = Reconciler(runs, LIMITS, lambda: self.passed)

    def run(self, *states: str, tags: tuple[str, ...] = (), **more: Any) -> str:
        name = f"d-{len(tags)}-{'-'.join(tags) or 'plain'}".replace(":", "-")
        deployment = self.api.post("/deployments/", {
            "name": name, "flow_id": self.flow, "tags": list(tags)})["id"]  # fmt: skip
        body = {"state": {"type": "SCHEDULED"}, **more}
        run = str(self.api.post(f"/deployments/{deployment}/create_flow_run", body)["id"])
        for kind in states:
            self.api.set_state(run, {"type": kind, "name": kind.title()})
        return run

    def child(self, parent: str, *states: str, deployed: bool = True) -> str:
        key = str(self.beats)
        body = {"flow_run_id": parent, "task_key": "t", "dynamic_key": key}
        task = self.api.post("/task_runs/", body)["id"]
        self.beats += 1
        if deployed:
            return self.run(*states, parent_task_run_id=task)
        inside = {"flow_id": self.flow, "parent_task_run_id": task, "state": {"type": "RUNNING"}}
        return str(self.api.post("/flow_runs/", inside)["id"])

    def task(self, run: str, tag: str) -> str:
        made = self.api.post("/task_runs/", {
            "flow_run_id": run, "task_key": "slot", "dynamic_key": "0", "tags": [tag]})  # fmt: skip
        self.api.post(f"/task_runs/{made['id']}/set_state", {"state": {"type": "RUNNING"}})
        return str(made["id"])

    def look(self, seconds: float) -> list[Decision]:
        """Let time pass while what is alive beats; look, and return what was done."""
        self.passed += seconds
        self.ahead += timedelta(seconds=seconds)
        self.beats += 1
        for run in self.alive:
            self.root.put(f"{FOLDER}/{HeartName(run, 'host', 7, 1, 't')}", str(self.beats).encode())
        census = {run: [7] for run in self.there}
        self.root.put(f"{CENSUS}/host", json.dumps(census).encode())
        return self.reconciler.look()

    def state(self, run: str) -> str:
        return str(self.api.get(f"/flow_runs/{run}")["state_name"])

    def end(self) -> None:
        """End what a test has left."""
        body = {"flow_runs": {"state": {"type": {"any_": [
            "SCHEDULED", "PENDING", "RUNNING", "CANCELLING"]}}}}  # fmt: skip
        for run in self.api.post("/flow_runs/filter", body):
            self.api.set_state(run["id"], {"type": "CANCELLED", "name": "Cancelled"})
        self.alive, self.there, self.ahead = set(), set(), timedelta()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("reconciled")
    settings = {"PREFECT_API_SERVICES_SCHEDULER_ENABLED": "false",
                "PREFECT_API_SERVICES_LATE_RUNS_ENABLED": "false"}  # fmt: skip
    with (
        serving(folder, postgres=False, settings=settings) as server,
        Api(server.api_url, patience=60) as api,
    ):
        yield Site(api, storage(str(folder / "store")))


@pytest.fixture
def site(shared: Site) -> Iterator[Site]:
    yield shared
    shared.end()


def did(made: list[Decision]) -> list[tuple[str, str]]:
    return [(decision.run.id, decision.action) for decision in made]


def test_a_dead_run_is_settled_its_slot_freed_and_it_is_started_again(site: Site) -> None:
    site.api.post("/concurrency_limits/", {"tag": "one", "concurrency_limit": 1})
    run = site.run("PENDING", "RUNNING", tags=("relaunch:2",))
    task = site.task(run, "one")
    [lives, paused] = [site.run("PENDING", "RUNNING") for _ in range(2)]
    site.alive, site.there = {run, lives, paused}, {lives, paused, run}
    assert site.look(5) == []
    # A process that is killed, and one that is only paused: it has no beat, and is there.
    site.alive, site.there = {lives}, {lives, paused}
    assert site.look(20) == []
    assert site.look(20) == []  # silent and gone: a suspicion, to be confirmed
    assert did(site.look(10)) == [(run, "crash")]
    assert site.state(run) == "Crashed"
    assert site.api.get(f"/task_runs/{task}")["state_name"] == "Crashed"
    assert site.api.get("/concurrency_limits/tag/one")["active_slots"] == []
    made = site.look(5)
    assert did(made) == [(run, "relaunch")]
    assert site.state(run) == "AwaitingRetry"
    assert {site.state(lives), site.state(paused)} == {"Running"}
    # Should its process wake up, it finds that another one has its place.
    assert site.root.exists(f"{FOLDER}/{HeartName(run, 'host', 7, 1, 't')}{FENCED}")

    Teller(site.api, site.root, "test").tell(made[0])
    [entry] = [entry for _, entry in Outbox(site.root).entries()]
    assert entry.notice is not None
    assert entry.notice.flow == "flow"
    assert "start 2 of 2" in entry.notice.did[0]
    # The second start dies, too: its budget is spent.
    for kind in ("PENDING", "RUNNING", "CRASHED"):
        site.api.set_state(run, {"type": kind, "name": kind.title()})
    assert site.look(5) == []


def test_a_run_that_hangs_is_stopped_though_its_heart_beats(site: Site) -> None:
    run = site.run("PENDING", "RUNNING", tags=("timeout:10m",))
    site.alive = site.there = {run}
    assert site.look(200) == []
    assert did(site.look(500)) == [(run, "crash")]
    assert "of 0:10:00 that it may" in site.api.get(f"/flow_runs/{run}")["state"]["message"]


def test_runs_that_pile_up_are_cancelled_once_they_are_of_no_use(site: Site) -> None:
    stale = [site.run(tags=("lateness:10m",)) for _ in range(3)]
    useful = site.run()
    assert site.look(200) == []
    made = site.look(500)
    assert sorted(did(made)) == sorted((run, "cancel") for run in stale)
    assert {site.state(run) for run in stale} == {"Cancelled"}
    assert site.state(useful) == "Scheduled"


def test_pending_and_cancelling_end_some_time(site: Site) -> None:
    pending = site.run("PENDING")
    cancelling = site.run("PENDING", "RUNNING", "CANCELLING")
    site.alive = site.there = {cancelling}
    assert site.look(20) == []
    assert did(site.look(400)) == [(cancelling, "cancelled")]
    assert did(site.look(30)) == [(pending, "crash")]
    assert (site.state(pending), site.state(cancelling)) == ("Crashed", "Cancelled")


def test_children_of_a_parent_that_was_cancelled_end_with_it(site: Site) -> None:
    parent = site.run("PENDING", "RUNNING")
    running = site.child(parent, "PENDING", "RUNNING")
    waiting = site.child(parent)
    inside = site.child(parent, deployed=False)
    site.alive = site.there = {parent, running}
    assert site.look(5) == []
    site.api.set_state(parent, {"type": "CANCELLED", "name": "Cancelled"})
    site.look(5)
    states = {site.state(running), site.state(waiting), site.state(inside)}
    assert (site.state(running), site.state(waiting), site.state(inside)) == (
        "Cancelling", "Cancelled", "Cancelled"), states  # fmt: skip


def test_a_standby_looks_and_settles_nothing(site: Site) -> None:
    run = site.run("PENDING", "RUNNING")
    site.alive = site.there = {run}
    site.look(5)
    site.alive = site.there = set()
    for _ in range(3):
        site.passed += 30
        site.root.put(f"{CENSUS}/host", json.dumps({"other": [site.passed]}).encode())
        assert site.reconciler.look(settle=False) == []
    assert site.state(run) == "Running"
    # It takes over, and knows already.
    assert did(site.look(5)) == [(run, "crash")]


def test_what_was_declared_dead_is_killed_by_the_census_of_its_machine(tmp_path: Path) -> None:
    root = storage(str(tmp_path))
    script = "import time; from sdk.running.heart import HeartName; " \
             "print(HeartName.here('r'), flush=True); time.sleep(600)"  # fmt: skip
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name = HeartName.parse(process.stdout.readline().strip())
        assert name is not None
        os.kill(process.pid, signal.SIGSTOP)  # so that it cannot find the fence itself
        root.put(f"{FOLDER}/{name}", b"")
        assert kill_fenced(root, this_host()) == []
        root.put(f"{FOLDER}/{name}{FENCED}", b"")
        assert kill_fenced(root, "another") == []
        # An old process id that became a stranger's.
        stranger = HeartName("r", this_host(), os.getpid(), 1, "t")
        root.put(f"{FOLDER}/{stranger}{FENCED}", b"")
        assert kill_fenced(root, this_host()) == [process.pid]
        assert process.wait(60) == -signal.SIGKILL
