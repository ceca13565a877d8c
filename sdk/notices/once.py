"""Do a thing once, in a world where answers get lost and the doer may die in the middle.

Before it is tried, it is written down that it is. Whoever finds that note looks whether it was
done, and only after a pause: a request may still be on its way, and a search lags behind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from blocks.errors import DeliveryError, Unavailable

T = TypeVar("T")

SKEW = timedelta(minutes=5)
"""By how much two clocks may differ before one of them is wrong."""
FAR_BACK = timedelta(days=2)
"""How far to look back for what was tried nobody knows when."""


class Later(Exception):
    """Not before so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a sender is.

    Attributes:
        slack_settles: seconds after which what was sent to Slack is there or never will be.
        jira_settles: the same for Jira, whose search lags behind its writes: some seconds on
            Cloud by its own documents, a minute on a server that is busy.
        first_wait: seconds to wait where a target did not answer, doubled each time.
        longest_wait: at most; after an hour's outage it takes no longer to notice its end.
        failures: in a row, after which a target is left alone for a while.
        lease: seconds for which a sender that fell silent keeps others out; more than twice the
            15 s that a block waits for an answer.
    """

    slack_settles: float = 5.0
    jira_settles: float = 90.0
    first_wait: float = 5.0
    longest_wait: float = 300.0
    failures: int = 3
    lease: float = 60.0


@dataclass(frozen=True, slots=True)
class Hands:
    """What doing needs: the clock, patience, the lease, and a place to write things down."""

    now: Callable[[], datetime]
    pace: Pace
    keep: Callable[[], None]
    save: Callable[[], None]


def once(
    hands: Hands,
    tried: datetime | None,
    *,
    settles: float,
    mark: Callable[[datetime | None], None],
    look: Callable[[], T | None],
    do: Callable[[], T],
) -> T:
    """Return the result of `do`, or of `look` where it was done before.

    Args:
        hands: what doing needs.
        tried: since when it may have been done.
        settles: seconds after which looking is worth it.
        mark: notes since when it may have been done; what it notes is saved.
        look: returns what was done, or nothing.
        do: does it.

    Raises:
        Later: it is too early to look.
        DeliveryError: it did not go through, or may have.
        Lost: somebody else is sending now.
    """
    if tried is not None:
        wait = tried + timedelta(seconds=settles) - hands.now()
        # Tried in a future: by a clock that was wrong, so nobody knows when, and long enough ago.
        if timedelta() < wait <= timedelta(seconds=settles) + SKEW:
            raise Later(wait.total_seconds())
        hands.keep()
        found = look()
        if found is not None:
            return found
    hands.keep()
    mark(hands.now())
    hands.save()
    try:
        return do()
    except DeliveryError as error:
        if not (isinstance(error, Unavailable) and error.uncertain):
            mark(None)
            hands.save()
        raise


def since(tried: datetime | None, now: datetime) -> datetime:
    """Return the moment from which on to look for what may have been done."""
    if tried is None or tried > now + SKEW:
        return now - FAR_BACK
    return tried - SKEW
