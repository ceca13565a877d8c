"""Policies at their usual settings, and their frontiers of cost against wait.

A frontier is what a policy can reach as its one knob is turned. Two policies are compared at equal
p95 wait: the cost of ours, interpolated on its frontier at the other's p95, over the other's cost.
Where the other's p95 lies below what our frontier reaches there is no ratio, and it says so.
"""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from infra.autoscaler.config import Config
from infra.autoscaler.simulator.controllers import (
    Controller,
    Formula2020,
    Keda,
    Oracle,
    Policy,
    Static,
    TargetTracking,
    peak_of,
)
from infra.autoscaler.simulator.faults import NO_FAULTS, Faults
from infra.autoscaler.simulator.trace import Job
from infra.autoscaler.simulator.world import TICK, World

OURS: Final = "policy"
SETTINGS: Final[Mapping[str, tuple[tuple[float, ...], ...]]] = {
    OURS: (
        (30, 0.5),
        (15, 4),
        (15, 3),
        (15, 2),
        (15, 1),
        (30, 1),
        (45, 0),
        (90, 0),
        (150, 0),
        (240, 0),
        (400, 0),
        (700, 0),
    ),
    "keda": ((1.0,), (0.5,), (0.7,), (0.8,), (1.2,), (1.5,), (2.0,)),
    "keda-idle": ((1.0,), (0.5,), (0.7,), (0.8,), (1.2,), (1.5,), (2.0,)),
    "target-tracking": ((0.7,), (0.3,), (0.5,), (1.0,), (1.5,), (2.0,)),
    "formula-2020": ((300,), (60,), (120,), (600,), (1200,), (2400,)),
    "static": ((1.0,), (0.3,), (0.5,), (0.7,), (0.85,)),
    "oracle": ((),),
}
"""Settings by policy, its usual one first. Ours: target wait (s) and buffer; KEDA and target
tracking: runs per slot; the formula: expected wait (s); static: share of the peak."""


@dataclass(frozen=True, slots=True)
class Point:
    """A policy at a setting: medians over the seeds, the most of killed runs."""

    setting: tuple[float, ...]
    p95_wait_s: float
    worker_hours: float
    mean_wait_s: float
    killed: int
    runs: tuple[Mapping[str, float], ...]


def controller(
    name: str, setting: tuple[float, ...], jobs: Sequence[Job], slots: int
) -> Controller:
    """Make a policy at a setting.

    Raises:
        KeyError: no policy of that name.
    """
    machines = math.ceil(peak_of(jobs) / slots)
    makers: dict[str, Callable[[], Controller]] = {
        OURS: lambda: Policy(
            Config(
                slots=slots, maximum=ceiling(jobs, slots), target_wait=setting[0], buffer=setting[1]
            )
        ),
        "keda": lambda: Keda(slots, setting[0]),
        "keda-idle": lambda: Keda(slots, setting[0], idle_first=True),
        "target-tracking": lambda: TargetTracking(slots, setting[0]),
        "formula-2020": lambda: Formula2020(slots, setting[0]),
        "static": lambda: Static(math.ceil(setting[0] * machines)),
        "oracle": lambda: Oracle(jobs, slots, TICK),
    }
    return makers[name]()


def ceiling(jobs: Sequence[Job], slots: int) -> int:
    """Return a maximum that binds no policy at any setting."""
    return 4 * math.ceil(peak_of(jobs) / slots) + 4


def simulate(
    task: tuple[str, tuple[float, ...], int],
    loads: Mapping[int, Sequence[Job]],
    slots: int,
    faults: Faults,
) -> dict[str, float]:
    """Run one policy at one setting with one seed."""
    name, setting, seed = task
    jobs = loads[seed]
    world = World(
        jobs,
        controller(name, setting, jobs, slots),
        faults=NO_FAULTS if name == "oracle" else faults,
        seed=seed,
        slots=slots,
        maximum=ceiling(jobs, slots),
    )
    outcome = world.run()
    return {
        "seed": seed,
        "p95_wait_s": round(float(np.percentile(outcome.waits, 95)), 3),
        "mean_wait_s": round(float(np.mean(outcome.waits)), 3),
        "worker_hours": round(outcome.hours, 4),
        "killed": outcome.killed,
        "peak_machines": outcome.peak,
        "launches": outcome.launches,
    }


def survey(
    names: Sequence[str],
    loads: Mapping[int, Sequence[Job]],
    *,
    slots: int = 4,
    faults: Faults | None = None,
    frontier: bool = True,
    processes: int | None = None,
) -> dict[str, list[Point]]:
    """Simulate policies over all seeds; the usual setting first, the others if asked for.

    Args:
        names: of policies, see `SETTINGS`.
        loads: the load of each seed.
        slots: runs a machine runs at once.
        faults: what goes wrong; the default faults if None.
        frontier: whether to turn each policy's knob as well.
        processes: simulations at a time; as many as there are cores if None.
    """
    tasks = [
        (name, setting, seed)
        for name in names
        for setting in (SETTINGS[name] if frontier else SETTINGS[name][:1])
        for seed in sorted(loads)
    ]
    work = partial(simulate, loads=loads, slots=slots, faults=faults or Faults())
    processes = processes or os.cpu_count() or 1
    if processes == 1:
        results = [work(task) for task in tasks]
    else:
        with ProcessPoolExecutor(processes) as pool:
            results = list(pool.map(work, tasks))
    points: dict[str, list[Point]] = {name: [] for name in names}
    for start in range(0, len(tasks), len(loads)):
        name, setting, _ = tasks[start]
        points[name].append(_point(setting, results[start : start + len(loads)]))
    return points


def _point(setting: tuple[float, ...], runs: Sequence[Mapping[str, float]]) -> Point:
    def middle(key: str) -> float:
        return statistics.median(run[key] for run in runs)

    killed = max(int(run["killed"]) for run in runs)
    return Point(
        setting,
        middle("p95_wait_s"),
        middle("worker_hours"),
        middle("mean_wait_s"),
        killed,
        tuple(runs),
    )


def efficient(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats in both wait and cost, by rising wait."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (p.p95_wait_s, p.worker_hours)):
        if not kept or point.worker_hours < kept[-1].worker_hours:
            kept.append(point)
    return kept


def cost_at(points: Sequence[Point], wait: float) -> float | None:
    """Return the cost on a frontier at a p95 wait, interpolated; None where it does not reach."""
    line = efficient(points)
    below = [point for point in line if point.p95_wait_s <= wait]
    if not below:
        return None
    if len(below) == len(line):
        return below[-1].worker_hours
    left, right = below[-1], line[len(below)]
    share = (wait - left.p95_wait_s) / (right.p95_wait_s - left.p95_wait_s)
    return left.worker_hours + share * (right.worker_hours - left.worker_hours)


def compare(points: Mapping[str, Sequence[Point]]) -> dict[str, Any]:
    """Compare our frontier with each other policy's points at equal p95 wait."""
    table: dict[str, Any] = {}
    ours = points.get(OURS, ())
    for name, others in points.items():
        if name == OURS or not ours:
            continue
        ratios = [
            None if (cost := cost_at(ours, point.p95_wait_s)) is None else cost / point.worker_hours
            for point in others
        ]
        reached = [ratio for ratio in ratios if ratio is not None]
        table[name] = {
            "cost_ratio_at_equal_p95": None if ratios[0] is None else round(ratios[0], 4),
            "worst_on_its_frontier": round(max(reached), 4) if reached else None,
            "not_reached": sum(ratio is None for ratio in ratios),
            "cost_ratio_at_usual_settings": round(ours[0].worker_hours / others[0].worker_hours, 4),
        }
    return table


def as_json(points: Mapping[str, Sequence[Point]]) -> dict[str, Any]:
    """Return everything that was measured, for a file."""
    return {
        "policies": {name: asdict(found[0]) for name, found in points.items()},
        "frontier": {
            name: [
                {key: value for key, value in asdict(point).items() if key != "runs"}
                for point in found
            ]
            for name, found in points.items()
        },
        "comparison": compare(points),
    }
