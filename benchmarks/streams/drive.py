"""Drives a stream: a steady producer, a consumer that is measured, consumers that are killed."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from benchmarks.streams.market import Events
from flows.streams.counts import Counts
from flows.streams.database import Database
from flows.streams.queues import Depth, Queue
from flows.streams.tables import alerts, handled
from sdk import Store
from sdk.notices.outbox import Entry, Outbox
from sdk.storage import storage
from sdk.testing.processes import Process, wait_until

ROOT = Path(__file__).parent.parent.parent
TICK = 0.05
"""Seconds between the producer's turns."""
DRAIN = 600.0
"""Seconds that a queue may take to become empty once nothing more is sent."""


@dataclass
class Producer:
    """Sends events at a rate, from a thread.

    Attributes:
        late: by how many seconds it fell behind, at most: the machine's, not the stream's.
    """

    queue: Queue
    events: Events
    rate: float
    late: float = 0.0
    _end: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Send within the block."""
        thread = threading.Thread(target=self._send, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()

    def _send(self) -> None:
        began, sent = time.monotonic(), 0
        while not self._end.wait(TICK):
            due = int((time.monotonic() - began) * self.rate) - sent
            self.queue.send(self.events.messages(due))
            sent += due
            behind = time.monotonic() - began - sent / self.rate
            self.late = max(self.late, behind)


@dataclass
class Steady:
    """What a consumer needs over some minutes.

    Attributes:
        seconds: of the measurement, after the first ten.
        memory_mb: resident set every five seconds, in 10^6 bytes.
        cpu: seconds of processor per second.
    """

    seconds: float
    memory_mb: list[float]
    cpu: float


def environment(store: Path) -> dict[str, str]:
    """Return the environment of a consumer: notices are kept, and delivered by nobody."""
    return dict(os.environ) | {
        "DATAWEAVE_STORAGE": str(store),
        "DATAWEAVE_SLACK_BLOCK": "nowhere",
        "DATAWEAVE_STREAM_DELIVER": "false",
        "DATAWEAVE_STREAM_LEASE": "2",
        "DATAWEAVE_STREAM_VISIBILITY": "5",
        "PYTHONPATH": str(ROOT),
        "PREFECT_LOGGING_LEVEL": "ERROR",
    }


def start(folder: Path, address: str, environ: Mapping[str, str]) -> Process:
    """Start a consumer."""
    command = [sys.executable, "-m", "benchmarks.streams.consumer", address]
    return Process(command, folder / "consumer.log", environ, cwd=ROOT)


def wait_for_work(process: Process) -> None:
    """Return when a consumer has begun: how long it takes to start is not the stream's pace."""
    wait_until(lambda: "consuming" in process.log.read_text(), DRAIN, "no start", process)


def steady(process: Process, seconds: float) -> Steady:
    """Measure a running consumer."""
    time.sleep(min(10.0, seconds / 2))
    began, used = time.monotonic(), _cpu(process.pid)
    memory = []
    while time.monotonic() - began < seconds:
        memory.append(_memory(process.pid))
        time.sleep(min(5.0, seconds / 10))
    passed = time.monotonic() - began
    return Steady(passed, memory, (_cpu(process.pid) - used) / passed)


def killed(
    folder: Path, address: str, environ: Mapping[str, str], kills: int, seed: int = 1
) -> int:
    """Start consumers and kill each at a random moment; return how many were at work by then."""
    draw, at_work = random.Random(seed), 0
    for _ in range(kills):
        before = _begun(folder / "consumer.log")
        process = start(folder, address, environ)
        # One in five dies while it starts, the others at work.
        if draw.random() < 0.2:
            time.sleep(draw.uniform(0.5, 3.0))
        else:
            log = process.log
            wait_until(lambda n=before, log=log: _begun(log) > n, DRAIN, "no start", process)
            time.sleep(draw.uniform(0.1, 4.0))
        assert process.exit_code is None, process.story
        at_work += _begun(process.log) - before
        process.kill()
    return at_work


def _begun(log: Path) -> int:
    """Return how many consumers have begun to work."""
    return log.read_text(errors="replace").count("consuming") if log.exists() else 0


def drain(queue: Queue, process: Process) -> None:
    """Wait until everything is out of a queue, then ask the consumer to end."""

    def is_empty() -> bool:
        depth = queue.depth()
        return (depth.waiting, depth.working) == (0, 0)

    wait_until(is_empty, DRAIN, "the queue does not become empty", process)
    process.send(signal.SIGTERM)
    assert process.wait(120) == 0, process.story


@dataclass(frozen=True)
class Account:
    """What came of the events.

    Attributes:
        lost: events that had no effect.
        untold: alerts that no notice tells.
        doubled: alerts that are told more than once.
        counted: of all minutes together.
        depth: of the queue.
    """

    lost: int
    untold: int
    doubled: int
    counted: Counts
    depth: Depth


def account(store: Path, queue: Queue, events: Events) -> Account:
    """Hold what was done against what was sent."""
    database = Database(f"sqlite:///{store / '_streams' / 'ledger.db'}")
    with contextlib.closing(database), database.reading() as connection:
        done = {
            name.removeprefix("event:") for name in connection.scalars(sa.select(handled.c.event))
        }
        known = connection.scalar(sa.select(sa.func.count()).select_from(alerts)) or 0
    told = sum(
        entry.notice.count
        for _, entry in Outbox(storage(str(store))).entries()
        if isinstance(entry, Entry) and entry.notice and entry.notice.kind == "alert"
    )
    wanted = len(events.halved)
    return Account(
        lost=len(events.sent - done),
        untold=max(0, wanted - min(told, known)),
        doubled=max(0, told - wanted),
        counted=counted(store),
        depth=queue.depth(),
    )


def counted(store: Path) -> Counts:
    """Return the counts of all minutes that are published."""
    root, total = Store(str(store)), Counts()
    names = set(Counts.__dataclass_fields__)
    for day in root.days("orchard", "stream-prices"):
        from sdk import DatasetKey

        key = DatasetKey(customer="orchard", name="stream-prices", day=day)
        for manifest in root.ledger(key):
            assert manifest.statistics is not None
            told = {k: v for k, v in manifest.statistics.recorded.items() if k in names}
            told["lags"] = {int(bucket): count for bucket, count in told["lags"].items()}
            total += Counts(**told)
    return total


def _memory(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
