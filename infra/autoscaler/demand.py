"""The work of the coming minutes, laid on the projection's grid.

Joins what runs, what waits, what the scheduler has announced and what the rate forecasts into one
`Load` and the slots that today's machines will offer. A flow that is not known is taken for the
fleet's typical one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Final

from infra.autoscaler.config import Config
from infra.autoscaler.forecast import Forecast
from infra.autoscaler.observation import Observation, Run, RunTime, Worker
from infra.autoscaler.projection import Load
from infra.autoscaler.runtime import DEFAULT_RUN_TIME, remaining

OVERDUE: Final = 0.25
"""A boot that is overdue is expected to take another quarter of its age."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid points that matter, as indices; point k is k steps from now.

    Attributes:
        step: seconds.
        ready: when a machine launched now will take runs.
        first: when it can first have made up for a late run.
        last: as `first`, for a machine launched at the next decision.
    """

    step: float
    ready: int
    first: int
    last: int

    @property
    def points(self) -> int:
        """How many points there are."""
        return self.last + 2

    @property
    def seconds(self) -> float:
        """How far the grid reaches."""
        return self.points * self.step


def grid_of(config: Config) -> Grid:
    """Lay the grid for a fleet: boot, one decision more, and a quarter of the target wait."""
    slack = max(1, math.ceil(config.target_wait / 4 / config.step))
    ready = math.ceil(config.boot / config.step)
    lead = math.ceil((config.boot + config.tick) / config.step)
    return Grid(config.step, ready, ready + slack, lead + slack)


def running_by_worker(observation: Observation, grid: Grid) -> dict[str, list[float]]:
    """Return, by instance, how many of its runs are expected still to run at each point."""
    tables: dict[str, list[tuple[float, ...]]] = {}
    for run in observation.running:
        age = observation.now - run.since
        run_time = observation.run_times.get(run.flow, DEFAULT_RUN_TIME)
        table = remaining(run_time, age, grid.step, grid.points)
        tables.setdefault(run.worker, []).append(table)
    return {worker: add(tables[worker], grid) for worker in sorted(tables)}


def add(columns: Iterable[Sequence[float]], grid: Grid) -> list[float]:
    """Add series point by point; zeros for none."""
    total = [0.0] * grid.points
    for column in columns:
        total = [a + b for a, b in zip(total, column, strict=True)]
    return total


def slots_of(workers: Iterable[Worker], now: float, config: Config, grid: Grid) -> list[float]:
    """Return the slots that ready and pending machines offer at each point."""
    offered = [0.0] * grid.points
    for worker in workers:
        start = 0
        if worker.state == "pending":
            age = now - worker.since
            left = max(config.boot - age, OVERDUE * age, grid.step)
            start = math.ceil(left / grid.step)
        for k in range(start, grid.points):
            offered[k] += config.slots
    return offered


def load_of(
    observation: Observation,
    forecast: Forecast,
    running: Sequence[float],
    config: Config,
    grid: Grid,
) -> Load:
    """Lay waiting, announced and forecast runs on the grid, beside what is running."""
    now = observation.now
    arrived = [0.0] * grid.points
    due = [0.0] * grid.points
    kinds: dict[str, float] = {}
    horizon = now + grid.seconds
    for run in chain(observation.waiting, forecast.announced):
        if run.since > horizon:  # announced runs come soonest first
            break
        arrival = max(0, math.ceil((run.since - now) / grid.step))
        deadline = max(0, math.ceil((run.since + config.target_wait - now) / grid.step))
        if arrival < grid.points:
            arrived[arrival] += 1.0
            kinds[run.flow] = kinds.get(run.flow, 0.0) + 1.0
        if deadline < grid.points:
            due[deadline] += 1.0
    arrived, due = list(accumulate(arrived)), list(accumulate(due))
    rate = forecast.rate
    if rate.per_second > 0:
        for k in range(grid.points):
            arrived[k] += rate.within(k * grid.step, config.buffer)
            due[k] += rate.within(k * grid.step - config.target_wait, config.buffer)
        expected = rate.within(grid.seconds, 0.0)
        for flow, share in _shares(observation.running or observation.waiting).items():
            kinds[flow] = kinds.get(flow, 0.0) + expected * share
    return Load(running, arrived, due, _alive(kinds, observation.run_times, grid))


def _shares(runs: Sequence[Run]) -> dict[str, float]:
    """Unannounced runs are taken for a sample of what runs now."""
    if not runs:
        return {"": 1.0}
    shares: dict[str, float] = {}
    for run in runs:
        shares[run.flow] = shares.get(run.flow, 0.0) + 1.0 / len(runs)
    return shares


def _alive(kinds: Mapping[str, float], run_times: Mapping[str, RunTime], grid: Grid) -> list[float]:
    """Return the survival of a newly started run, over the mixture of flows."""
    total = sum(kinds.values())
    alive = [0.0] * grid.points
    for flow in sorted(kinds):
        table = remaining(run_times.get(flow, DEFAULT_RUN_TIME), 0.0, grid.step, grid.points)
        for k, share in enumerate(table):
            alive[k] += share * kinds[flow] / total
    return alive
