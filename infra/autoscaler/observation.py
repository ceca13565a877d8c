"""What the autoscaler sees of one fleet at one moment, as plain frozen values.

A fleet is one kind of worker (``coordinate`` or ``work``) with the queues it serves; every fleet
is observed and decided upon by itself. Times are seconds since the epoch (in the simulator:
since the trace began), durations are seconds. A worker here is a machine with a fixed number of
slots, each of which runs one flow run.

Nothing in here decides anything, and nothing reads a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

WorkerState = Literal["pending", "ready", "cordoned", "terminating", "lost"]
"""`pending`: launched, not yet polling. `ready`: takes runs. `cordoned`: finishes its runs, takes
no new one, and can be taken back at once. `terminating`: as cordoned, for good. `lost`: in service
for the group, but its worker has stopped polling."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A machine of the fleet.

    Attributes:
        id: the instance's id.
        state: what it is doing, see `WorkerState`.
        since: when it was launched.
        busy: how many runs it has.
    """

    id: str
    state: WorkerState
    since: float
    busy: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A flow run that waits, runs, or is announced.

    Attributes:
        flow: the flow's name, by which run times are known.
        since: waiting: when it was due; running: when it started; announced: when it will be due.
        worker: the instance that runs it, where that is known.
        queue: the work queue it came through.
    """

    flow: str
    since: float
    worker: str = ""
    queue: str = ""


@dataclass(frozen=True, slots=True)
class RunTime:
    """How long the runs of a flow take, as the log-normal distribution that fits them.

    Attributes:
        median: seconds.
        spread: standard deviation of the natural logarithm of the run time; 0 for always the same.
    """

    median: float
    spread: float = 0.5


@dataclass(frozen=True, slots=True)
class Observation:
    """One fleet at one moment.

    Attributes:
        now: the time of the decision.
        measured_at: when the oldest of these figures was true.
        waiting: runs that are due and have no slot, oldest first.
        running: runs in a slot.
        workers: every machine that is not terminated.
        arrived: how many runs became due, since the state's time, that no
            schedule had announced.
        run_times: by flow; a flow without an entry is taken for the `config`'s default.
    """

    now: float
    measured_at: float
    waiting: tuple[Run, ...] = ()
    running: tuple[Run, ...] = ()
    workers: tuple[Worker, ...] = ()
    arrived: int = 0
    run_times: Mapping[str, RunTime] = field(default_factory=dict)
