"""What the watch sees in one look; plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Fault = Literal[
    "server-unreachable", "database-down", "storage-down", "scheduler-stopped", "worker-gone",
    "pool-paused", "queue-paused", "queue-stuck", "canary-missing", "canary-queued-long",
    "canary-slow", "canary-failed", "canary-wrong", "notices-broken", "reconciler-silent",
]  # fmt: skip
"""What can be wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        fault: what kind of thing.
        subject: with what: a pool, a queue, a canary; empty where there is one.
        detail: in words, with the figures.
    """

    fault: Fault
    subject: str
    detail: str

    @property
    def key(self) -> str:
        """By which it is the same finding in the next look."""
        return f"{self.fault}:{self.subject}" if self.subject else self.fault


@dataclass(frozen=True, slots=True)
class Pool:
    """A work pool; `workers` are the seconds since each worker's last heartbeat.

    Attributes:
        used: whether any deployment's runs go there.
    """

    name: str
    paused: bool
    workers: Mapping[str, float]
    used: bool = True


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue: whether it is paused, its limit, and the runs in it.

    Attributes:
        late: for how many seconds the run is late that is late the longest; 0 for none.
        begun: seconds since a run of it began last; None if none has of late.
        active: runs that are pending or running.
    """

    pool: str
    name: str
    paused: bool
    limit: int | None
    late: float = 0.0
    begun: float | None = None
    active: int = 0


@dataclass(frozen=True, slots=True)
class CanaryRun:
    """The latest run of a canary that was due, and the latest that ended.

    Attributes:
        name: of the canary's deployment.
        since_due: seconds since a run was due last, or since it was deployed where none ever was;
            None if neither is known.
        queued: seconds for which the open run has not begun; 0 if it has, or there is none.
        running: seconds for which the open run runs; 0 if none does.
        ended: state of the latest that ended; empty if none has.
        waited: seconds that it waited to begin.
        seconds: that it ran.
        right: whether its result is right; None if it left no record.
        notice: whether a notice could be made; None if it left no record.
    """

    name: str
    since_due: float | None
    queued: float = 0.0
    running: float = 0.0
    ended: str = ""
    waited: float = 0.0
    seconds: float = 0.0
    right: bool | None = None
    notice: bool | None = None


@dataclass(frozen=True)
class Snapshot:
    """All of one look.

    Attributes:
        server: whether the API answers.
        database: whether it says that it is ready.
        storage: whether the storage takes a write and gives it back.
        unscheduled: deployments with an active schedule and no run ahead.
        reconciler: seconds since it looked last; None if it never did.
    """

    server: bool
    database: bool
    storage: bool
    unscheduled: tuple[str, ...] = ()
    pools: tuple[Pool, ...] = ()
    queues: tuple[Queue, ...] = ()
    canaries: tuple[CanaryRun, ...] = ()
    reconciler: float | None = 0.0
    error: str = field(default="", compare=False)
