"""Whether a given fleet would start every run in time: a fluid model of the next minutes.

Time is a grid of `step` seconds. Runs that run now end as their survival says; runs that wait or
arrive are started first come, first served, as slots allow, and end likewise. Counts are
expectations, hence fractions. A run is *due* once it has waited for the target wait; the question
asked is always the same: between two grid points, are all due runs started?

The model is monotone in slots, and every search over it relies on that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import Final

TOLERANCE: Final = 0.5
"""Runs; an expectation of half a late run is no late run."""


@dataclass(frozen=True, slots=True)
class Load:
    """The work of the coming minutes on the grid, all of the same length.

    Attributes:
        running: runs of today's slots that will still be running.
        arrived: runs that have arrived, cumulated; the first entry is the waiting.
        due: of these, the ones that should have been started, cumulated.
        alive: chance that a newly started run still runs after so many steps.
    """

    running: Sequence[float]
    arrived: Sequence[float]
    due: Sequence[float]
    alive: Sequence[float]


def lateness(load: Load, slots: Sequence[float], first: int, last: int) -> float:
    """Return the most runs that are due and not started at grid points first..last.

    Args:
        load: the work.
        slots: slots at each grid point.
        first: first grid point looked at.
        last: last grid point looked at.
    """
    starts: list[float] = []
    started = worst = 0.0
    backwards = load.alive[::-1]
    size = len(backwards)
    for k in range(last + 1):
        busy = load.running[k] + sum(map(mul, starts, backwards[size - 1 - k : size - 1]))
        begin = min(max(slots[k] - busy, 0.0), max(load.arrived[k] - started, 0.0))
        starts.append(begin)
        started += begin
        if k >= first:
            worst = max(worst, load.due[k] - started)
    return worst


def in_time(load: Load, slots: Sequence[float], first: int, last: int) -> bool:
    """Say whether every run is started when it is due, within `TOLERANCE`."""
    return lateness(load, slots, first, last) <= TOLERANCE


def fewest(
    load: Load, slots: Sequence[float], more: Sequence[float], at_most: int, span: range
) -> int:
    """Return the fewest additional machines with which every run is started in time.

    Args:
        load: the work.
        slots: slots at each grid point without them.
        more: what one machine adds at each grid point.
        at_most: how many there may be; returned too where not even these suffice.
        span: grid points looked at.
    """

    def suffices(machines: int) -> bool:
        offered = [have + machines * one for have, one in zip(slots, more, strict=True)]
        return in_time(load, offered, span.start, span.stop - 1)

    if at_most <= 0 or suffices(0):
        return 0
    low, high = 0, 1
    while high < at_most and not suffices(high):
        low, high = high, 2 * high
    high = min(high, at_most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high
