"""Consumers as processes: killed, asked to end, and relieved by another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.streams import drive
from benchmarks.streams.market import Events, publish_day
from flows.streams.queues import Queue, open_queue
from sdk import Store
from sdk.testing.processes import Process, wait_until
from tests.flows.streams.servers import RedisServer

KILLS = int(os.environ.get("DATAWEAVE_STREAM_KILLS", "2"))

pytestmark = pytest.mark.timeout(900 + 60 * KILLS)


@dataclass
class Place:
    """A stream in a folder."""

    folder: Path
    address: str

    def __post_init__(self) -> None:
        self.store = self.folder / "store"
        self.store.mkdir()
        publish_day(Store(str(self.store)), 50)
        self.environ = drive.environment(self.store)
        self.queue: Queue = open_queue(self.address)
        self.events = Events(seed=3, products=50)
        self.started: list[Process] = []

    def start(self) -> Process:
        log = self.folder / f"consumer-{len(self.started)}.log"
        command = [sys.executable, "-m", "benchmarks.streams.consumer", self.address]
        self.started.append(Process(command, log, self.environ, cwd=drive.ROOT))
        return self.started[-1]

    def is_empty(self) -> bool:
        depth = self.queue.depth()
        return (depth.waiting, depth.working) == (0, 0)

    def right(self) -> None:
        """Everything that was sent had its effect once."""
        told = drive.account(self.store, self.queue, self.events)
        assert (told.lost, told.untold, told.doubled) == (0, 0, 0)
        assert told.depth.dead == self.events.poison


@pytest.fixture(params=["spool", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    address = f"spool:{tmp_path / 'spool'}"
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        address = server.address()
    made = Place(tmp_path, address)
    yield made
    for process in made.started:
        process.stop(grace=0)


def test_killed_consumers_lose_nothing_and_double_nothing(place: Place) -> None:
    for kill in range(KILLS):
        place.queue.send(place.events.messages(150))
        process = place.start()
        # In the midst of its work; a little later each time.
        left = 120 - 30 * (kill % 4)
        wait_until(lambda n=left: place.queue.depth().waiting <= n, 300, "no work", process)
        process.kill()
    last = place.start()
    wait_until(place.is_empty, 300, "messages are left", last)
    last.send(signal.SIGTERM)
    assert last.wait(120) == 0, last.story
    place.right()


@pytest.mark.parametrize("place", ["spool"], indirect=True)
def test_a_release_hands_the_stream_over(place: Place) -> None:
    place.queue.send(place.events.messages(100))
    old = place.start()
    wait_until(place.is_empty, 300, "no work", old)
    new = place.start()
    # The old one sees the new one waiting, and ends by itself and well.
    assert old.wait(300) == 0, old.story
    place.queue.send(place.events.messages(100))
    wait_until(place.is_empty, 300, "the new one does not work", new)
    assert new.exit_code is None
    new.send(signal.SIGTERM)
    assert new.wait(120) == 0, new.story
    place.right()


def test_the_flow_consumes_until_nothing_is_left(tmp_path: Path) -> None:
    place = Place(tmp_path, f"spool:{tmp_path / 'spool'}")
    place.queue.send(place.events.messages(60))
    asked = [sys.executable, "-m", "flows.streams", "follow", "--customer", "orchard",
             "--own-seller", "Orchard Market", "--currency", "ILS", "--queue", place.address,
             "--until-idle"]  # fmt: skip
    done = subprocess.run(
        asked, env=place.environ | {"PREFECT_HOME": str(tmp_path / "home")}, cwd=tmp_path,
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("ending idle, received 60, ")
    place.right()
    records = list(place.store.glob("orchard/_runs/*/*/*.json"))
    assert any('"step":"consume"' in path.read_text() for path in records)
