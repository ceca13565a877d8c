"""Draining with real processes, real HTTP and the fake group."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config as BotoConfig

from infra.testing.drainage import FolderQueue, Yard
from infra.testing.group import AutoScalingGroup, Boot, Hooks
from infra.testing.server import GroupServer
from infra.worker.agent import Agent
from infra.worker.lifecycle import Lifecycle
from infra.worker.notices import Metadata
from infra.worker.plan import Limits, Notice
from infra.worker.processes import Workers, runs_of

UNIT = Path(__file__).parents[3] / "infra" / "worker" / "dataweave-worker.service"


@pytest.fixture
def queue(tmp_path: Path) -> FolderQueue:
    return FolderQueue.make(tmp_path / "queue")


@pytest.fixture
def workers(tmp_path: Path, queue: FolderQueue) -> Iterator[Workers]:
    made = workers_of(tmp_path / "pids", queue)
    yield made
    for hand in made.hands():
        made.stop(hand.pid, grace=0.2)


def workers_of(folder: Path, queue: FolderQueue) -> Workers:
    module = "infra.testing.stand_in_worker"
    return Workers(
        lambda slots, _: [sys.executable, "-S", "-m", module, str(queue.folder), str(slots)], folder
    )


def until(true: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


@pytest.fixture
def server() -> Iterator[GroupServer]:
    group = AutoScalingGroup(
        "g", minimum=0, maximum=10, boot=lambda _: Boot(0.0), hooks=Hooks(300.0, 300.0)
    )
    with GroupServer(group, time.time) as made:
        yield made


@pytest.fixture
def yard(server: GroupServer, queue: FolderQueue, tmp_path: Path) -> Iterator[Yard]:
    made = yard_of(server, queue, tmp_path, Limits(slots=2, heartbeat=0.2, limit=300.0))
    yield made
    made.close()


def yard_of(server: GroupServer, queue: FolderQueue, folder: Path, limits: Limits) -> Yard:
    return Yard(server, queue, folder / "machines", lambda: client_of(server), limits)


def client_of(server: GroupServer) -> Any:
    return boto3.client(
        "autoscaling",
        endpoint_url=server.url,
        region_name="eu-central-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=BotoConfig(retries={"total_max_attempts": 1}),
    )


def test_one_sigterm_to_the_pid_lets_the_runs_finish(workers: Workers, queue: FolderQueue) -> None:
    queue.put("a", 1.0)
    pid = workers.start(2)
    until(lambda: queue.counts("begin")["a"])
    assert set(runs_of(pid)) == {"a"}
    workers.drain(pid)
    workers.drain(pid)  # a second signal would make the worker drop its runs
    queue.put("b", 0.1)
    (hand,) = workers.hands()
    assert hand.draining
    until(lambda: not workers.hands())
    assert queue.counts("end") == {"a": 1}
    assert not queue.counts("begin")["b"]


def test_a_new_agent_adopts_the_workers_of_the_one_before(
    workers: Workers, queue: FolderQueue, tmp_path: Path
) -> None:
    pid = workers.start(3)
    successor = workers_of(tmp_path / "pids", queue)
    (hand,) = successor.hands()
    assert (hand.pid, hand.slots, hand.draining) == (pid, 3, False)
    successor.drain(pid)
    assert all(hand.draining for hand in workers.hands())


def test_a_stranger_with_an_old_pid_is_never_signalled(workers: Workers, tmp_path: Path) -> None:
    pid = workers.start(1)
    (path,) = (tmp_path / "pids").glob("worker-*.json")
    mine = path.read_text()
    path.write_text(mine.replace(f'"pid": {pid}', f'"pid": {os.getpid()}'))
    workers.drain(os.getpid())
    assert workers.hands() == []
    path.write_text(mine)


def test_a_worker_starts_with_default_signals_even_where_they_are_ignored(
    workers: Workers,
) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        pid = workers.start(1)
    finally:
        signal.signal(signal.SIGTERM, before)
    status = Path(f"/proc/{pid}/status").read_text()
    ignored = next(line for line in status.splitlines() if line.startswith("SigIgn"))
    assert not int(ignored.split()[1], 16) >> (signal.SIGTERM - 1) & 1


def test_ten_terminations_under_load_lose_and_double_nothing(
    server: GroupServer, queue: FolderQueue, yard: Yard
) -> None:
    server.group.set_desired(4, time.time())
    server.misbehaviour.throttle_every = 5
    runs: list[str] = []
    ended = 0

    def turn() -> bool:
        nonlocal ended
        if ended < 10 and len(list((queue.folder / "due").iterdir())) < 4:
            runs.extend([f"run-{len(runs) + more:03}" for more in range(4)])
            for run in runs[-4:]:
                queue.put(run, 0.3)
        yard.look()
        with server.lock:
            busy = [
                name
                for name, one in server.group.instances.items()
                if one.state == "InService" and any(hand.runs for hand in _hands(yard, name))
            ]
            if busy and ended < 10 and len(_going(server)) < 3:
                server.group.terminate(busy[0], time.time(), decrement=False)
                ended += 1
        return ended == 10 and len(queue.counts("end")) == len(runs) and not _going(server)

    until(turn, 200.0)
    assert queue.counts("begin") == dict.fromkeys(runs, 1)
    assert queue.counts("end") == dict.fromkeys(runs, 1)
    assert len(server.group.terminated) == 10
    assert not any(one.timed_out for one in server.group.terminated)
    assert "RecordLifecycleActionHeartbeat" in server.requests


def _hands(yard: Yard, name: str) -> list[Any]:
    return yard.workers[name].hands() if name in yard.workers else []


def _going(server: GroupServer) -> list[str]:
    return [n for n, i in server.group.instances.items() if i.state == "Terminating:Wait"]


def test_what_outlasts_the_bound_is_handed_back_and_run_elsewhere(
    server: GroupServer, queue: FolderQueue, tmp_path: Path
) -> None:
    yard = yard_of(server, queue, tmp_path, Limits(slots=1, heartbeat=0.2, limit=0.5))
    try:
        server.group.set_desired(1, time.time())
        queue.put("long", 1.5)
        until(lambda: yard.look() or queue.counts("begin")["long"])
        (name,) = server.group.instances
        server.group.terminate(name, time.time(), decrement=False)
        until(lambda: yard.look() or queue.counts("end")["long"])
    finally:
        yard.close()
    assert queue.counts("back") == {"long": 1}
    assert queue.counts("begin") == {"long": 2}
    assert queue.counts("end") == {"long": 1}
    assert [one.id for one in server.group.terminated] == [name]
    assert not server.group.terminated[0].timed_out


def test_a_cordoned_machine_stays_and_comes_back(
    server: GroupServer, queue: FolderQueue, yard: Yard
) -> None:
    server.group.set_desired(1, time.time())
    queue.put("a", 2.0)
    until(lambda: yard.look() or queue.counts("begin")["a"])
    (name,) = server.group.instances
    server.tags[name] = {"worker-cordon": "yes"}
    until(lambda: yard.look() or all(h.draining for h in _hands(yard, name)))
    queue.put("b", 0.1)
    server.tags[name] = {"worker-cordon": "no"}
    until(lambda: yard.look() or len(_hands(yard, name)) == 2)
    assert [hand.slots for hand in _hands(yard, name)] == [2, 1]
    until(lambda: yard.look() or queue.counts("end")["b"])
    until(lambda: yard.look() or queue.counts("end")["a"])
    assert server.group.terminated == []


def test_a_machine_is_in_service_when_its_workers_are_there(
    workers: Workers, queue: FolderQueue
) -> None:
    group = AutoScalingGroup(
        "g", minimum=0, maximum=1, boot=lambda _: Boot(200.0), hooks=Hooks(300.0, 300.0)
    )
    with GroupServer(group, time.time) as served:
        group.set_desired(1, time.time())
        (name,) = group.instances
        client = client_of(served)
        drain, boot = (Lifecycle(client, "g", hook, name) for hook in ("drain", "boot"))
        wish = Notice("cordon")

        def agent() -> Agent:
            return Agent(lambda: wish, workers, drain, queue, Limits(slots=1), arrival=boot)

        first = agent()
        first.look()
        assert served.requests == []  # a machine that takes no runs does not come into service
        wish = Notice("work")
        served.misbehaviour.throttle_every = 1
        first.look()
        assert len(workers.hands()) == 1
        assert group.instances[name].state == "Pending:Wait"
        served.misbehaviour.throttle_every = 0
        first.look()
        assert group.instances[name].state == "InService"
        # Its successor cannot know; that there is no such action any more is as good.
        second = agent()
        for one in (second, first, second):
            one.look()
        assert served.requests == ["CompleteLifecycleAction"] * 2
        assert group.instances[name].state == "InService"


def test_notices_are_read_from_the_metadata(server: GroupServer) -> None:
    server.group.set_desired(1, time.time())
    server.group.advance(time.time())
    (name,) = server.group.instances
    with httpx.Client(base_url=f"{server.url}/{name}") as client:
        metadata = Metadata(client)
        assert metadata.read() == Notice("work")
        server.tags[name] = {"worker-cordon": "yes"}
        assert metadata.read() == Notice("cordon")
        server.spot[name] = 1_800_000_000.0
        assert metadata.read() == Notice("terminate", 1_800_000_000.0, hooked=False)
        del server.spot[name]
        server.group.terminate(name, time.time(), decrement=True)
        assert metadata.read() == Notice("terminate", None, hooked=True)
    with httpx.Client(base_url="http://127.0.0.1:9", timeout=0.5) as nobody:
        assert Metadata(nobody).read() is None


def test_the_unit_signals_the_agent_alone_and_waits() -> None:
    lines = UNIT.read_text().splitlines()
    assert "KillMode=process" in lines
    assert "TimeoutStopSec=infinity" in lines
    assert "Restart=on-failure" in lines
    assert "RuntimeDirectoryPreserve=restart" in lines
