"""An Auto Scaling group as a state machine, because no emulator has its lifecycles.

moto keeps capacity and scale-in protection but knows no `Pending:Wait`, no `Terminating:Wait`, no
heartbeat and no CompleteLifecycleAction, and what kills work in production happens in exactly
those states. This group has them: Pending:Wait → InService → Terminating:Wait → Terminated, with
the heartbeat timeout that a heartbeat renews, the total limit that none renews, ABANDON of a
launch that never reports, and the group's own convergence towards its desired capacity (launches
for what is missing; the oldest unprotected instances for what is too many).

It has no clock and no thread: the caller says what time it is, so a simulated month and a test of
one second use the same code. It does not model availability zones, health checks, warm pools,
instance refresh or mixed instances.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

LifecycleState = Literal["Pending:Wait", "InService", "Terminating:Wait", "Terminated"]

HEARTBEATS_AT_MOST: Final = 100
"""Amazon EC2 Auto Scaling user guide: a wait lasts 48 h or 100 heartbeat timeouts at most."""

LONGEST_WAIT: Final = 48 * 3600.0
"""Seconds; the same page."""


class LifecycleError(Exception):
    """A request that the service would answer with ValidationError."""


@dataclass(frozen=True, slots=True)
class Boot:
    """How one launch goes.

    Attributes:
        seconds: from launch to the end of the launch hook.
        fails: the machine never reports; the launch hook's timeout abandons it.
    """

    seconds: float
    fails: bool = False


@dataclass(frozen=True, slots=True)
class Hooks:
    """Heartbeat timeouts of the two lifecycle hooks.

    Attributes:
        launch_timeout: seconds a launch may take before it is abandoned.
        terminate_timeout: seconds a termination waits for a heartbeat before it proceeds.
    """

    launch_timeout: float = 420.0
    terminate_timeout: float = 900.0

    @property
    def terminate_limit(self) -> float:
        """Seconds that a termination may wait in all, however many heartbeats there are."""
        return min(LONGEST_WAIT, HEARTBEATS_AT_MOST * self.terminate_timeout)


@dataclass(slots=True)
class Instance:
    """A machine of the group, in one state."""

    id: str
    state: LifecycleState
    launched_at: float
    boot: Boot
    in_service_at: float | None = None
    terminating_at: float | None = None
    terminated_at: float | None = None
    deadline: float = 0.0
    protected: bool = False
    token: str = ""
    timed_out: bool = False

    @property
    def counts(self) -> bool:
        """Whether it counts towards the desired capacity."""
        return self.state in ("Pending:Wait", "InService")


@dataclass(frozen=True, slots=True)
class Transition:
    """An instance came into a state, at a time."""

    at: float
    instance: Instance
    state: LifecycleState


class AutoScalingGroup:
    """The group. Every call says the time; times must not run backwards."""

    def __init__(
        self,
        name: str,
        *,
        minimum: int,
        maximum: int,
        boot: Callable[[int], Boot],
        hooks: Hooks | None = None,
    ) -> None:
        self.name = name
        self.minimum = minimum
        self.maximum = maximum
        self.hooks = hooks or Hooks()
        self.desired = 0
        self.instances: dict[str, Instance] = {}
        self.terminated: list[Instance] = []
        self._boot = boot
        self._launches = 0
        self._timers: list[tuple[float, str]] = []
        self._transitions: list[Transition] = []

    def set_desired(self, capacity: int, now: float) -> None:
        """Ask for a number of instances; the group launches or terminates to reach it.

        Raises:
            LifecycleError: the number lies outside the group's bounds.
        """
        if not self.minimum <= capacity <= self.maximum:
            raise LifecycleError(
                f"capacity {capacity} of {self.name} lies outside {self.minimum}..{self.maximum}"
            )
        self.desired = capacity
        self._converge(now)

    def terminate(self, instance_id: str, now: float, *, decrement: bool) -> None:
        """Begin an instance's termination; a second request for it changes nothing.

        Raises:
            LifecycleError: no such instance, or the capacity would fall below the minimum.
        """
        instance = self._find(instance_id)
        if not instance.counts:
            return
        if decrement:
            if self.desired - 1 < self.minimum:
                raise LifecycleError(f"{self.name} would fall below its minimum {self.minimum}")
            self.desired -= 1
        self._begin_termination(instance, now)
        self._converge(now)

    def heartbeat(self, instance_id: str, now: float) -> None:
        """Renew the termination's timeout, up to the limit in all.

        Raises:
            LifecycleError: the instance is not waiting.
        """
        instance = self._waiting(instance_id)
        assert instance.terminating_at is not None
        limit = instance.terminating_at + self.hooks.terminate_limit
        instance.deadline = min(limit, now + self.hooks.terminate_timeout)
        heapq.heappush(self._timers, (instance.deadline, instance.id))

    def complete(self, instance_id: str, now: float) -> None:
        """Complete the termination's lifecycle action: the instance is gone.

        Raises:
            LifecycleError: the instance is not waiting.
        """
        self._end(self._waiting(instance_id), now)

    def arrive(self, instance_id: str, now: float) -> None:
        """Complete the launch's lifecycle action: the instance is in service.

        Raises:
            LifecycleError: the instance is not pending.
        """
        instance = self._find(instance_id)
        if instance.state != "Pending:Wait":
            raise LifecycleError(f"{instance_id} has no active lifecycle action")
        self._enter(instance, now)

    def protect(self, instance_id: str, protected: bool) -> None:
        """Set or lift an instance's protection from the group's own scale-in."""
        self._find(instance_id).protected = protected

    def advance(self, now: float) -> list[Transition]:
        """Let the time pass; return what happened since the last call, in order of time."""
        while self._timers and self._timers[0][0] <= now:
            at, instance_id = heapq.heappop(self._timers)
            instance = self.instances.get(instance_id)
            if instance is not None and instance.deadline <= at:
                self._expire(instance, at)
        happened, self._transitions = self._transitions, []
        return happened

    def next_timer(self) -> float | None:
        """Return when something may happen by itself, or None."""
        return self._timers[0][0] if self._timers else None

    def _expire(self, instance: Instance, at: float) -> None:
        late = instance.boot.fails or instance.boot.seconds > self.hooks.launch_timeout
        if instance.state == "Pending:Wait" and not late:
            self._enter(instance, at)
            return
        instance.timed_out = True
        self._end(instance, at)
        self._converge(at)

    def _enter(self, instance: Instance, at: float) -> None:
        instance.state = "InService"
        instance.in_service_at = at
        # No timer runs in service; infinity keeps stale timers from firing.
        instance.deadline = float("inf")
        self._transitions.append(Transition(at, instance, "InService"))

    def _converge(self, now: float) -> None:
        counted = [instance for instance in self.instances.values() if instance.counts]
        for _ in range(self.desired - len(counted)):
            self._launch(now)
        surplus = len(counted) - self.desired
        if surplus > 0:
            open_ones = [instance for instance in counted if not instance.protected]
            for instance in sorted(open_ones, key=lambda i: (i.launched_at, i.id))[:surplus]:
                self._begin_termination(instance, now)

    def _launch(self, now: float) -> None:
        boot = self._boot(self._launches)
        instance = Instance(f"i-{self._launches:017x}", "Pending:Wait", now, boot)
        self._launches += 1
        instance.deadline = now + min(self.hooks.launch_timeout, boot.seconds)
        if boot.fails:
            instance.deadline = now + self.hooks.launch_timeout
        self.instances[instance.id] = instance
        heapq.heappush(self._timers, (instance.deadline, instance.id))
        self._transitions.append(Transition(now, instance, "Pending:Wait"))

    def _begin_termination(self, instance: Instance, now: float) -> None:
        instance.state = "Terminating:Wait"
        instance.terminating_at = now
        instance.token = f"token-{instance.id}"
        instance.deadline = now + self.hooks.terminate_timeout
        heapq.heappush(self._timers, (instance.deadline, instance.id))
        self._transitions.append(Transition(now, instance, "Terminating:Wait"))

    def _end(self, instance: Instance, now: float) -> None:
        instance.state = "Terminated"
        instance.terminated_at = now
        instance.deadline = float("inf")
        del self.instances[instance.id]
        self.terminated.append(instance)
        self._transitions.append(Transition(now, instance, "Terminated"))

    def _find(self, instance_id: str) -> Instance:
        try:
            return self.instances[instance_id]
        except KeyError:
            raise LifecycleError(f"no instance {instance_id} in {self.name}") from None

    def _waiting(self, instance_id: str) -> Instance:
        instance = self._find(instance_id)
        if instance.state != "Terminating:Wait":
            raise LifecycleError(f"{instance_id} has no active lifecycle action")
        return instance
