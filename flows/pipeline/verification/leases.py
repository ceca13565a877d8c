"""Leases: who holds a task, until when, and what a clock that jumps may do to that.

A task is handed to one reviewer for a while and taken back when nothing comes of it. Every lease
has a number, one higher than the last one of its task; an answer carries the number that it was
given under. So an answer that comes after its lease ran out still counts as long as nobody else
was handed the task, and never counts once somebody was, whatever the clocks say.

A lease is live while its end lies between now and one lease's length ahead. An end further ahead
than that was written by a clock that has been set back since: it binds nobody, else the task would
be out of reach until the clock caught up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LENGTH: Final = timedelta(minutes=10)
"""A hard pair takes two or three minutes; who is away for ten has gone to lunch."""
SKEW: Final = timedelta(seconds=30)
"""How far the clocks of two servers may be apart."""


@dataclass(frozen=True)
class Window:
    """The ends of live leases: later than `after`, not later than `until`."""

    after: datetime
    until: datetime

    def holds(self, end: datetime | None) -> bool:
        """Say whether a lease with this end is live."""
        return end is not None and self.after < end <= self.until


def window(now: datetime) -> Window:
    """Return which ends make a live lease at this moment."""
    return Window(now, now + LENGTH + SKEW)


def end(now: datetime) -> datetime:
    """Return when a lease given now runs out."""
    return now + LENGTH
