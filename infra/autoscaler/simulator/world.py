"""A fleet at work, event by event: arrivals, ends of runs, lifecycles, decisions.

A run takes a slot of a worker drawn at random among those with a free one, because the worker that
polls first gets it; polling itself takes no time here (workers poll every second). A machine is
paid from its launch to its end, booting and draining included, by the second. A terminating
machine finishes its runs, its agent renewing the lifecycle action all the while; what the
action's limit cuts off counts as killed and is started again.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from infra.autoscaler.observation import Observation, Run, RunTime, Worker, WorkerState
from infra.autoscaler.runtime import estimate_from
from infra.autoscaler.simulator.controllers import Controller, Orders, View
from infra.autoscaler.simulator.faults import Faults, Weather
from infra.autoscaler.simulator.machine import Execution, Machine
from infra.autoscaler.simulator.trace import Job
from infra.testing.group import AutoScalingGroup, Transition

TICK: Final = 30.0
"""Seconds between decisions, for every policy alike: KEDA's default polling interval."""

ANNOUNCED: Final = 900.0
"""Seconds ahead for which the scheduler's runs are read; Prefect sets them an hour ahead."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a simulated day went.

    Attributes:
        waits: seconds from arrival to first start, by run.
        hours: worker-hours paid.
        killed: runs that were cut off by scale-in.
        peak: most machines at once.
        launches: machines launched.
    """

    waits: list[float]
    hours: float
    killed: int
    peak: int
    launches: int


class World:
    """One load, one policy, one weather."""

    def __init__(
        self,
        jobs: Sequence[Job],
        controller: Controller,
        *,
        faults: Faults,
        seed: int,
        slots: int,
        maximum: int,
    ) -> None:
        self._runs = [Execution(job, number) for number, job in enumerate(jobs)]
        self._controller, self._slots = controller, slots
        self._weather = Weather(faults, seed)
        self._chance = random.Random(f"{seed}-slots")  # noqa: S311
        self._group = AutoScalingGroup("sim", minimum=0, maximum=maximum, boot=self._weather.boot)
        self._machines: dict[str, Machine] = {}
        self._open: list[Machine] = []
        self._queue: deque[Execution] = deque()
        self._running: dict[int, Execution] = {}
        self._ends: list[tuple[float, int]] = []
        self._logs: dict[str, tuple[int, float, float]] = {}
        self._times: dict[str, RunTime] = {}
        self._announced = deque(run.job for run in self._runs if run.job.announced)
        self._now = 0.0
        self._arrived = self._killed = self._peak = 0
        self._seen: tuple[Observation, tuple[Run, ...]] | None = None

    def run(self) -> Outcome:
        """Let the load pass, to its last run's end."""
        coming = deque(self._runs)
        tick = 0.0
        while coming or self._queue or self._running:
            arrival = coming[0].job.arrival if coming else math.inf
            end = self._ends[0][0] if self._ends else math.inf
            timer = self._group.next_timer()
            self._now = min(arrival, end, tick, math.inf if timer is None else timer)
            if end <= self._now:
                self._finish(*heapq.heappop(self._ends))
            if arrival <= self._now:
                run = coming.popleft()
                self._queue.append(run)
                self._arrived += not run.job.announced
            self._follow(self._group.advance(self._now))
            if tick <= self._now:
                tick += TICK
                self._decide()
            self._start()
        return self._outcome()

    def _outcome(self) -> Outcome:
        paid = sum(self._now - i.launched_at for i in self._group.instances.values())
        for instance in self._group.terminated:
            assert instance.terminated_at is not None
            paid += instance.terminated_at - instance.launched_at
        waits = [run.start - run.job.arrival for run in self._runs]
        launches = len(self._group.terminated) + len(self._group.instances)
        return Outcome(waits, paid / 3600.0, self._killed, self._peak, launches)

    def _start(self) -> None:
        while self._queue and self._open:
            machine = self._open[int(self._chance.random() * len(self._open))]
            run = self._queue.popleft()
            if run.start < 0:
                run.start = self._now
            run.ends = self._now + run.job.duration
            run.run = Run(run.job.flow, self._now, machine.instance.id)
            machine.runs[run.number] = self._running[run.number] = run
            heapq.heappush(self._ends, (run.ends, run.number))
            self._place(machine)

    def _place(self, machine: Machine) -> None:
        """Keep the list of machines with a free slot, in which any can be drawn or removed."""
        free = machine.takes and len(machine.runs) < self._slots
        if free and machine.place < 0:
            machine.place = len(self._open)
            self._open.append(machine)
        elif not free and machine.place >= 0:
            last = self._open.pop()
            if last is not machine:
                self._open[machine.place] = last
                last.place = machine.place
            machine.place = -1

    def _finish(self, at: float, number: int) -> None:
        run = self._running.get(number)
        if run is None or run.ends != at or run.run is None:
            return
        del self._running[number]
        machine = self._machines[run.run.worker]
        del machine.runs[number]
        log = math.log(max(run.job.duration, 0.1))
        count, total, squares = self._logs.get(run.job.flow, (0, 0.0, 0.0))
        sums = self._logs[run.job.flow] = (count + 1, total + log, squares + log * log)
        bias = self._weather.bias(run.job.flow)
        self._times[run.job.flow] = estimate_from(*sums, bias=bias)
        self._place(machine)
        self._drained(machine)

    def _drained(self, machine: Machine) -> None:
        if machine.instance.state == "Terminating:Wait" and not machine.runs:
            self._group.complete(machine.instance.id, self._now)

    def _follow(self, happened: list[Transition]) -> None:
        while happened:
            for transition in happened:
                instance = transition.instance
                if transition.state == "Pending:Wait":
                    self._machines[instance.id] = Machine(instance)
                machine = self._machines[instance.id]
                self._place(machine)
                if transition.state == "Terminated":
                    del self._machines[instance.id]
                    self._killed += len(machine.runs)
                    for number, run in machine.runs.items():
                        del self._running[number]
                        self._queue.appendleft(run)
                else:
                    self._drained(machine)
            happened = self._group.advance(self._now)

    def _decide(self) -> None:
        timeout = self._group.hooks.terminate_timeout
        for instance in self._group.instances.values():
            waits = instance.state == "Terminating:Wait"
            if waits and instance.deadline - self._now < timeout / 2:
                self._group.heartbeat(instance.id, self._now)
        missed, throttled = self._weather.tick()
        if not missed:
            stale = self._weather.stale(self._now)
            if self._seen is None or not stale:
                self._seen = self._observe()
            seen, announced = self._seen
            # Instances are read from Auto Scaling itself; what stands still is Prefect's side.
            view = View(replace(seen, now=self._now), announced, self._group.desired, self._stuck)
            orders = self._controller.decide(view)
            if not throttled:
                self._obey(orders)
        self._peak = max(self._peak, sum(i.counts for i in self._group.instances.values()))

    def _stuck(self, at: float) -> int:
        """Return how many runs of terminating machines will still run at a time: the truth."""
        return sum(
            run.ends > at
            for machine in self._machines.values()
            if machine.instance.state == "Terminating:Wait"
            for run in machine.runs.values()
        )

    def _obey(self, orders: Orders) -> None:
        for instance_id in (*orders.uncordon, *orders.cordon):
            if instance_id in self._machines:
                self._machines[instance_id].cordoned = instance_id in orders.cordon
                self._place(self._machines[instance_id])
        for instance_id in orders.terminate:
            if instance_id in self._group.instances:
                self._group.terminate(instance_id, self._now, decrement=True)
        desired = orders.desired
        if desired is not None and orders.idle_first:
            counted = [i for i in self._group.instances.values() if i.counts]
            counted.sort(key=lambda i: (len(self._machines[i.id].runs), i.launched_at, i.id))
            for instance in counted[: max(0, len(counted) - desired)]:
                self._group.terminate(instance.id, self._now, decrement=True)
        if desired is not None:
            self._group.set_desired(min(desired, self._group.maximum), self._now)
        self._follow(self._group.advance(self._now))

    def _observe(self) -> tuple[Observation, tuple[Run, ...]]:
        while self._announced and self._announced[0].arrival <= self._now:
            self._announced.popleft()
        announced = []
        for job in self._announced:
            if job.arrival > self._now + ANNOUNCED:
                break
            announced.append(Run(job.flow, job.arrival))
        observation = Observation(
            now=self._now,
            measured_at=self._now,
            waiting=tuple(Run(run.job.flow, run.job.arrival) for run in self._queue),
            running=tuple(run.run for run in self._running.values() if run.run is not None),
            workers=tuple(self._worker(machine) for machine in self._machines.values()),
            arrived=self._arrived,
            run_times=dict(self._times),
        )
        self._arrived = 0
        return observation, tuple(announced)

    def _worker(self, machine: Machine) -> Worker:
        states: dict[str, WorkerState] = {
            "Pending:Wait": "pending",
            "InService": "cordoned" if machine.cordoned else "ready",
        }
        instance = machine.instance
        state = states.get(instance.state, "terminating")
        return Worker(instance.id, state, instance.launched_at, len(machine.runs))
