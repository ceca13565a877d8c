"""A yard of machines that drain: real worker processes, real agents, one fake group.

Every machine of the group has an `Agent` with its own metadata, lifecycle client and worker
processes, looked at in turn by one thread. What happens to runs stands in the queue's log, and a
run is neither lost nor doubled if it has ended exactly once. Used by the tests and the benchmark.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from infra.testing.server import GroupServer
from infra.worker.agent import Agent
from infra.worker.lifecycle import Lifecycle
from infra.worker.notices import Metadata
from infra.worker.plan import Limits
from infra.worker.processes import Workers


@dataclass(frozen=True, slots=True)
class FolderQueue:
    """The stand-in workers' queue.

    Attributes:
        folder: with ``due``, ``held`` and ``log``.
    """

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> FolderQueue:
        """Make an empty queue."""
        (folder / "due").mkdir(parents=True)
        (folder / "held").mkdir()
        (folder / "log").touch()
        return cls(folder)

    def put(self, run: str, seconds: float) -> None:
        """Make a run due."""
        fresh = self.folder / f".{run}"
        fresh.write_text(str(seconds))
        fresh.rename(self.folder / "due" / run)

    def hand_back(self, run: str, _reason: str) -> bool:
        """Make a run due again: what `Rescue` asks for."""
        try:
            (self.folder / "held" / run).rename(self.folder / "due" / run)
        except FileNotFoundError:
            return False
        with (self.folder / "log").open("a") as log:
            log.write(f"back {run}\n")
        return True

    def counts(self, what: str) -> Counter[str]:
        """Count the log's lines of a kind (``begin``, ``end``, ``back``) by run."""
        lines = [line.split() for line in (self.folder / "log").read_text().splitlines()]
        return Counter(run for kind, run in lines if kind == what)


class Yard:
    """The machines of a served group, each with its agent.

    Args:
        server: of the group.
        queue: of the workers.
        folder: for the machines' own files.
        autoscaling: makes a boto3 client of the group's server.
        limits: every machine's.
    """

    def __init__(
        self,
        server: GroupServer,
        queue: FolderQueue,
        folder: Path,
        autoscaling: Callable[[], Any],
        limits: Limits,
    ) -> None:
        self._server, self._queue, self._folder = server, queue, folder
        self._autoscaling, self._limits = autoscaling, limits
        self._clients: list[httpx.Client] = []
        self.agents: dict[str, Agent] = {}
        self.workers: dict[str, Workers] = {}

    def look(self) -> None:
        """Let every machine's agent look once; machines that came get one."""
        with self._server.lock:
            self._server.group.advance(self._server.clock())
            in_service = [
                one.id for one in self._server.group.instances.values() if one.state == "InService"
            ]
        for instance in in_service:
            if instance not in self.agents:
                self._add(instance)
        for agent in self.agents.values():
            if not agent.completed:
                agent.look()

    def close(self) -> None:
        """Stop every worker and its runs."""
        for workers in self.workers.values():
            for hand in workers.hands():
                workers.stop(hand.pid, grace=0.2)
        for client in self._clients:
            client.close()

    def _add(self, instance: str) -> None:
        client = httpx.Client(base_url=f"{self._server.url}/{instance}", timeout=10.0)
        self._clients.append(client)
        module = "infra.testing.stand_in_worker"

        def command(slots: int, _number: int) -> list[str]:
            return [sys.executable, "-S", "-m", module, str(self._queue.folder), str(slots)]

        workers = self.workers[instance] = Workers(command, self._folder / instance)
        lifecycle = Lifecycle(self._autoscaling(), self._server.group.name, "drain", instance)
        self.agents[instance] = Agent(
            Metadata(client).read,
            workers,
            lifecycle,
            self._queue,
            self._limits,
            self._server.clock,
        )
