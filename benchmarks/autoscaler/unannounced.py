"""Loads that no schedule announces: does the policy hold against KEDA without its best card?

Four kinds, with a seed that no setting was chosen on: Poisson arrivals with the day's course, the
same a fifth as dense, batches out of the blue, and a rate that switches between two levels.

    python benchmarks/autoscaler/unannounced.py [--seed 5]
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from infra.autoscaler.simulator.study import compare, survey
from infra.autoscaler.simulator.trace import Job

DAY = 86400.0


def daily(
    chance: random.Random, rate: float, median: float, spread: float, batch: float = 0.0
) -> list[Job]:
    """Poisson arrivals about a daily course; with `batch`, three in ten bring so many more."""
    jobs, at = [], 0.0
    while at < DAY:
        now = rate * (1 + 0.8 * math.sin(2 * math.pi * at / DAY))
        at += chance.expovariate(max(now, 1e-4))
        runs = int(chance.expovariate(1 / batch)) + 1 if batch and chance.random() < 0.3 else 1
        for _ in range(runs):
            late = chance.random() * 5 * (runs > 1)
            jobs.append(Job(at + late, median * math.exp(spread * chance.gauss(0, 1))))
    return sorted(jobs, key=lambda job: job.arrival)


def switching(chance: random.Random) -> list[Job]:
    """A rate of one in 100 s for an hour or so, then one in 2 s for a quarter."""
    jobs, at, busy = [], 0.0, False
    switch = chance.expovariate(1 / 3600)
    while at < DAY:
        gap = chance.expovariate(0.5 if busy else 0.01)
        if at + gap > switch:
            at, busy = switch, not busy
            switch += chance.expovariate(1 / (900 if busy else 3600))
            continue
        at += gap
        jobs.append(Job(at, 60 * math.exp(1.2 * chance.gauss(0, 1))))
    return jobs


LOADS: dict[str, Callable[[random.Random], list[Job]]] = {
    "dense": lambda chance: daily(chance, 0.05, 120, 1.0),
    "sparse": lambda chance: daily(chance, 0.01, 200, 1.2),
    "batches": lambda chance: daily(chance, 0.01, 90, 0.8, batch=30),
    "switching": switching,
}


def main() -> int:
    """Print, by load, each policy at its usual setting and the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--load", nargs="+", choices=list(LOADS), default=list(LOADS))
    options = parser.parse_args()
    for name in options.load:
        jobs = LOADS[name](random.Random(options.seed))
        points = survey(["policy", "keda", "keda-idle"], {options.seed: jobs})
        usual = {
            policy: [found[0].p95_wait_s, found[0].worker_hours] for policy, found in points.items()
        }
        print(json.dumps({"load": name, "usual": usual, "comparison": compare(points)}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
