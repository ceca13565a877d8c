"""Spans: since when something has been so, over the days of a panel. Arithmetic over arrays.

All of them go back from the day itself and pass over days of which nothing is known: a day on
which a site did not answer neither begins nor ends a streak.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from flows.pipeline.insights.panel import NEVER, Flags, Ints


@dataclass(frozen=True)
class Span:
    """The days in a row, back from the day, on which something was so; for each offer.

    Attributes:
        first: index of the first of them; the number of days where it is the day itself alone.
        days: how many of them were seen, the day itself not counted.
        unknown: days after the first of them of which nothing is known.
        ended: index of the day, seen, on which it was not so; `NEVER` where there is none.
    """

    first: Ints
    days: Ints
    unknown: Ints
    ended: Ints


def span(known: Flags, so: Flags) -> Span:
    """Return since when something has been so.

    Args:
        known: [day, offer]: something is known.
        so: [day, offer]: it is so; counts only where known.
    """
    days, offers = known.shape
    first = np.full(offers, days, dtype=np.int64)
    count = np.zeros(offers, dtype=np.int64)
    unknown = np.zeros(offers, dtype=np.int64)
    gap = np.zeros(offers, dtype=np.int64)
    ended = np.full(offers, NEVER, dtype=np.int64)
    running = np.ones(offers, dtype=np.bool_)
    for day in reversed(range(days)):
        here = running & known[day]
        going = here & so[day]
        first[going] = day
        count[going] += 1
        # A gap counts once the streak is seen to go on before it.
        unknown[going] += gap[going]
        gap[going] = 0
        gap[running & ~known[day]] += 1
        stopped = here & ~so[day]
        ended[stopped] = day
        running &= ~stopped
    return Span(first, count, unknown, ended)


@dataclass(frozen=True)
class Lowest:
    """The lowest price within a window before each offer's own first day.

    Attributes:
        price: 0 where no day of the window was seen.
        day: index of the latest day with it; `NEVER` where there is none.
        days: days of the window that were seen.
    """

    price: Ints
    day: Ints
    days: Ints


def lowest_before(price: Ints, days: tuple[date, ...], first: list[date], window: int) -> Lowest:
    """Return the lowest price of the `window` days before each offer's first day.

    Args:
        price: [day, offer]; 0 where there was none.
        days: of the first axis, ascending.
        first: of each offer: the day on which its present price began.
        window: in days.
    """
    offers = price.shape[1]
    begin = np.array(first, dtype="datetime64[D]")
    lowest = np.zeros(offers, dtype=np.int64)
    where = np.full(offers, NEVER, dtype=np.int64)
    count = np.zeros(offers, dtype=np.int64)
    for row, day in enumerate(days):
        at = np.datetime64(day, "D")
        inside = (at < begin) & (at >= begin - np.timedelta64(window, "D")) & (price[row] > 0)
        count[inside] += 1
        lower = inside & ((lowest == 0) | (price[row] <= lowest))
        lowest[lower] = price[row][lower]
        where[lower] = row
    return Lowest(lowest, where, count)


def dates_of(indices: Ints, days: tuple[date, ...], day: date) -> list[date]:
    """Return the days at some indices; one past the last is the day itself."""
    table = (*days, day)
    return [table[index] for index in indices.tolist()]
