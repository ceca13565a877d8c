"""A day of a price-intelligence platform: hourly bursts, a nightly batch, people in the daytime.

Forty fictitious customers. A third has its market captured every hour, the others every six, each
at its own minute (which is mostly a round one), in 4 to 16 runs of two to eight minutes. At night
each has its catalogue normalised, matched and reported, in stages half an hour to an hour apart,
where matching takes ten to forty minutes. People start single runs by day, and now and then a
backfill of up to twenty. The scheduler knows all but the last of these. The sizes are assumptions,
set before the policy was measured against them.
"""

from __future__ import annotations

import math
import random
from typing import Final

from infra.autoscaler.simulator.trace import Job

HOUR: Final = 3600.0
CUSTOMERS: Final = 40
HOURLY: Final = 14
MINUTES: Final = (0, 0, 0, 0, 5, 10, 15, 30, 30, 45)
NIGHTS: Final = (0.5, 1.0, 1.0, 2.0, 2.0, 3.0)


def generate(seed: int, hours: int = 24) -> list[Job]:
    """Make a load; the same seed gives the same one.

    Args:
        seed: of the chance in it.
        hours: how long new runs arrive.
    """
    chance = random.Random(seed)  # noqa: S311
    jobs: list[Job] = []

    def add(
        at: float, runs: int, median: float, spread: float, flow: str, announced: bool = True
    ) -> None:
        for _ in range(runs):
            duration = median * math.exp(spread * chance.gauss(0.0, 1.0))
            jobs.append(Job(at, duration, flow, announced))

    for customer in range(CUSTOMERS):
        minute, shards = chance.choice(MINUTES), chance.randint(4, 16)
        median, spread = chance.uniform(120.0, 480.0), chance.uniform(0.2, 0.5)
        every = 1 if customer < HOURLY else 6
        for hour in range(customer % every, hours, every):
            add(hour * HOUR + minute * 60, shards, median, spread, f"capture-{customer}")
        for day in range(math.ceil(hours / 24)):
            at = HOUR * (24 * day + chance.choice(NIGHTS))
            add(at, chance.randint(3, 8), chance.uniform(300, 900), 0.4, f"normalise-{customer}")
            at += 0.5 * HOUR
            add(at, chance.randint(4, 16), chance.uniform(600, 2400), 0.4, f"match-{customer}")
            at += HOUR
            add(at, chance.randint(2, 4), chance.uniform(200, 600), 0.4, f"report-{customer}")
    at = 0.0
    while at < hours * HOUR:
        daylight = max(0.0, math.sin(math.pi * (at / HOUR % 24 - 7) / 12))
        at += chance.expovariate((4.0 + 16.0 * daylight) / HOUR)
        runs = 1 if chance.random() < 0.92 else chance.randint(4, 20)
        add(at, runs, 240.0, 0.9, f"adhoc-{chance.randrange(5)}", announced=False)
    kept = [job for job in jobs if job.arrival < hours * HOUR]
    return sorted(kept, key=lambda job: (job.arrival, job.flow, job.duration))
