"""The policy and what it is measured against, behind one face.

Every baseline gets the same world, the same interval, the same drain (a terminating worker
finishes its runs) and a maximum that never binds. Which machine goes, the group chooses (its
oldest), since neither KEDA nor target tracking can see which workers are idle; `keda-idle` is KEDA
given that sight, to show what it is worth.
"""

from __future__ import annotations

import bisect
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Protocol

from infra.autoscaler.config import Config
from infra.autoscaler.observation import Observation, Run
from infra.autoscaler.policy import State, decide, foresee
from infra.autoscaler.simulator.faults import LONGEST_BOOT
from infra.autoscaler.simulator.trace import Job


@dataclass(frozen=True, slots=True)
class View:
    """What a controller may look at: the observation, what is announced, the group's capacity.

    `stuck` tells the truth about terminating machines, for the oracle alone.
    """

    observation: Observation
    announced: tuple[Run, ...]
    desired: int
    stuck: Callable[[float], int]


@dataclass(frozen=True, slots=True)
class Orders:
    """What a controller wants done."""

    desired: int | None = None
    uncordon: tuple[str, ...] = ()
    cordon: tuple[str, ...] = ()
    terminate: tuple[str, ...] = ()
    idle_first: bool = False


class Controller(Protocol):
    """Anything that sizes a fleet."""

    def decide(self, view: View) -> Orders:
        """Decide once."""
        ...


class Policy:
    """`infra.autoscaler.policy`, as the handler calls it."""

    def __init__(self, config: Config) -> None:
        self._config, self._state = config, State()

    def decide(self, view: View) -> Orders:
        """Decide once."""
        forecast, state = foresee(view.observation, view.announced, self._state, self._config)
        decision = decide(view.observation, forecast, state, self._config)
        self._state = decision.state
        return Orders(decision.desired, decision.uncordon, decision.cordon, decision.terminate)


class Static:
    """A fleet of one size, for ever."""

    def __init__(self, machines: int) -> None:
        self._machines = machines

    def decide(self, view: View) -> Orders:
        """Decide once."""
        return Orders(self._machines)


class Keda:
    """KEDA on queue and running runs: HPA with its tolerance and its stabilisation window."""

    TOLERANCE: Final = 0.1
    """The horizontal pod autoscaler's default."""

    def __init__(
        self, slots: int, target: float, window: float = 300.0, *, idle_first: bool = False
    ) -> None:
        self._per_machine, self._window, self._idle_first = slots * target, window, idle_first
        self._wanted: deque[tuple[float, int]] = deque()

    def decide(self, view: View) -> Orders:
        """Decide once."""
        seen = view.observation
        wanted = math.ceil((len(seen.waiting) + len(seen.running)) / self._per_machine)
        if view.desired and abs(wanted / view.desired - 1.0) <= self.TOLERANCE:
            wanted = view.desired
        self._wanted.append((seen.now, wanted))
        while self._wanted[0][0] <= seen.now - self._window:
            self._wanted.popleft()
        return Orders(max(n for _, n in self._wanted), idle_first=self._idle_first)


class TargetTracking:
    """Target tracking on backlog per instance: out after 3 minutes above, in after 15 below."""

    OUT_AFTER: Final = 180.0
    IN_AFTER: Final = 900.0
    BELOW: Final = 0.9
    """The alarms that Auto Scaling itself creates for a target tracking policy."""

    def __init__(self, slots: int, target: float) -> None:
        self._per_machine = slots * target
        self._above: float | None = None
        self._below: float | None = None

    def decide(self, view: View) -> Orders:
        """Decide once."""
        seen = view.observation
        load = (len(seen.waiting) + len(seen.running)) / self._per_machine
        now, have = seen.now, max(view.desired, 1)
        self._above = (now if self._above is None else self._above) if load > have else None
        low = load < self.BELOW * have
        self._below = (now if self._below is None else self._below) if low else None
        out = self._above is not None and now - self._above >= self.OUT_AFTER
        down = self._below is not None and now - self._below >= self.IN_AFTER
        if out or down:
            self._above = self._below = None
            return Orders(max(1, math.ceil(load)))
        return Orders(max(1, view.desired))


class Formula2020:
    """Expected wait = queue length × mean run time / workers, held at a target.

    Asks for the workers that bring the expected wait of the queue to the target, beside those that
    are busy, and keeps the most that it asked for in the last ten minutes.
    """

    KEPT: Final = 600.0

    def __init__(self, slots: int, target: float) -> None:
        self._slots, self._target = slots, target
        self._wanted: deque[tuple[float, int]] = deque()

    def decide(self, view: View) -> Orders:
        """Decide once."""
        seen = view.observation
        medians = [run_time.median for run_time in seen.run_times.values()]
        mean = sum(medians) / len(medians) if medians else self._target
        needed = len(seen.waiting) * mean / self._target + len(seen.running)
        self._wanted.append((seen.now, math.ceil(needed / self._slots)))
        while self._wanted[0][0] <= seen.now - self.KEPT:
            self._wanted.popleft()
        return Orders(max(n for _, n in self._wanted))


class Oracle:
    """Knows every arrival and every run time, and lets nothing wait.

    It has in service, at any time, what the coming longest boot's runs need, and nothing more; it
    scales in through the same drain as everyone, idle machines first. It is compared without
    faults; under them, what waits because its machine did not come is owed one, too.
    """

    def __init__(self, jobs: Sequence[Job], slots: int, tick: float) -> None:
        self._slots, self._lead = slots, LONGEST_BOOT + tick
        steps = sorted(
            [(job.arrival, 1) for job in jobs] + [(job.arrival + job.duration, -1) for job in jobs]
        )
        self._times = [at for at, _ in steps]
        self._running = list(accumulate(change for _, change in steps))

    def decide(self, view: View) -> Orders:
        """Decide once."""
        now = view.observation.now
        first = max(0, bisect.bisect_right(self._times, now) - 1)
        last = bisect.bisect_right(self._times, now + self._lead)
        most = max(self._running[first:last], default=0)
        seen = view.observation
        if seen.waiting:
            most = max(most, len(seen.waiting) + len(seen.running))
        stuck = view.stuck(now + self._lead)
        return Orders(math.ceil(max(0, most - stuck) / self._slots), idle_first=True)


def peak_of(jobs: Sequence[Job]) -> int:
    """Return the most runs at once if none waits."""
    steps = sorted(
        [(job.arrival, 1) for job in jobs] + [(job.arrival + job.duration, -1) for job in jobs]
    )
    return max(accumulate(change for _, change in steps), default=0)
