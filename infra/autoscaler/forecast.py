"""What will come in the next minutes: announced runs as they stand, the rest by its recent rate.

Announced runs need no forecast. Unannounced ones are counted between decisions and forecast as

    arrivals within h seconds ≈ λ·h + z·√(F·λ·h)

where z is the buffer that the configuration buys. λ lies between a slow average of the rate and a
fast one: λ = slow + β·(fast − slow). β is the slope of the regression of what came next on what
came just before, over the last six hours. Where high counts persist (a busy quarter of an hour)
β is near 1 and the fast average leads; where they do not (single batches, plain chance) β is near
0 and one batch does not pass for a new rate. F is the scatter about that regression in units of
the mean: 1 for a Poisson process, more for bursts that cannot be foreseen. The square root makes
the buffer proportionally smaller for a greater fleet.

Nothing is assumed of the hour of the day: a pattern that someone knows belongs into a schedule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import accumulate
from operator import mul
from typing import Final

from infra.autoscaler.observation import Run

KEPT: Final = 720
"""Samples: six hours at one each half minute, to meet an hourly burst several times."""

FAST: Final = 120.0
"""Seconds; time constant of the fast average: four decisions."""

SLOW: Final = 1800.0
"""Seconds; time constant of the slow average: many boots long, short against the day's course."""

UNDECIDED: Final = (0.5, 1.0)
"""Slope and scatter while there is too little history to tell one from the other."""

Samples = tuple[tuple[float, float], ...]
"""(seconds, arrivals) of the intervals between decisions, oldest first."""


@dataclass(frozen=True, slots=True)
class History:
    """Unannounced arrivals between decisions.

    Attributes:
        at: when the last sample ends; 0 before the first.
        samples: (seconds, arrivals) of each sample, oldest first, `KEPT` of them at most.
    """

    at: float = 0.0
    samples: Samples = ()

    def add(self, arrived: int, now: float) -> History:
        """Return the history with what arrived since the last call."""
        if not self.at:
            return History(now, ())
        if now <= self.at:
            return self
        return History(now, (*self.samples, (now - self.at, float(arrived)))[-KEPT:])

    def forecast(self, window: float) -> Rate:
        """Estimate the rate, and its scatter over windows of about `window` seconds."""
        if not self.samples:
            return Rate(0.0, 1.0)
        fast, slow = _average(self.samples, FAST), _average(self.samples, SLOW)
        slope, scatter = _persistence(self.samples, window)
        return Rate(slow + slope * (fast - slow), scatter)


@dataclass(frozen=True, slots=True)
class Rate:
    """Unannounced arrivals to come.

    Attributes:
        per_second: their expected rate.
        dispersion: variance over mean of their number within the window; 1 for Poisson.
    """

    per_second: float
    dispersion: float

    def within(self, seconds: float, buffer: float) -> float:
        """Return the arrivals to prepare for within so many seconds, `buffer` deviations up."""
        expected = self.per_second * max(0.0, seconds)
        return expected + buffer * math.sqrt(self.dispersion * expected)


def _average(samples: Samples, constant: float) -> float:
    total = span = age = 0.0
    for seconds, count in reversed(samples):
        weight = math.exp(-age / constant)
        total += weight * count
        span += weight * seconds
        age += seconds
        if age > 6 * constant:
            break
    # In the first minutes a single arrival is no rate yet.
    return total / max(span, FAST)


def _persistence(samples: Samples, window: float) -> tuple[float, float]:
    """Return the slope of the next window's arrivals on the last's, and the scatter about it."""
    length = sum(seconds for seconds, _ in samples) / len(samples)
    behind, ahead = max(1, round(FAST / length)), max(1, round(window / length))
    cumulated = [0.0, *accumulate(count for _, count in samples)]
    ends = range(behind, len(cumulated) - ahead)
    if len(ends) < 2 * (behind + ahead):
        return UNDECIDED
    # Both in arrivals per window ahead.
    past = [(cumulated[k] - cumulated[k - behind]) * ahead / behind for k in ends]
    next_ = [cumulated[k + ahead] - cumulated[k] for k in ends]
    mx, my = sum(past) / len(past), sum(next_) / len(next_)
    if my <= 0 or mx <= 0:
        return UNDECIDED
    dx = [x - mx for x in past]
    dy = [y - my for y in next_]
    xx = sum(map(mul, dx, dx))
    slope = max(0.0, min(1.0, sum(map(mul, dx, dy)) / xx)) if xx > 0 else 0.0
    scatter = sum((y - slope * x) ** 2 for x, y in zip(dx, dy, strict=True)) / (len(dx) - 1)
    return slope, max(1.0, scatter / my)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is coming to a fleet.

    Attributes:
        announced: runs that the scheduler has set for the coming minutes, soonest first.
        rate: the unannounced ones.
    """

    announced: tuple[Run, ...] = ()
    rate: Rate = field(default_factory=lambda: Rate(0.0, 1.0))
