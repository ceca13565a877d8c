"""The pace of one host: when it may be asked next. Pure: time goes in, time comes out.

Two requests begin at least an interval apart, the larger of what the site file and robots.txt
ask for. Signs of trouble make the interval longer: 429 and 503 double it (and ``Retry-After`` is
waited out), latency that rises to several times its usual multiplies it by half. Answers without
trouble bring it back, slowly: down by a tenth for every ten of them, never below the base.
Congestion control does the same for the same reason: slow down fast, recover slowly, and once
for a spell of trouble: what was sent before the pace was slowed says nothing of the new pace.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Final

LONGEST: Final = 120.0
"""Seconds; a slower pace than that gets no site done in a day."""
MOST_SLOWED: Final = 32.0
"""Times the base."""
WORTH_WAITING: Final = 900.0
"""Seconds of Retry-After that are waited out; beyond, the site is left for today."""
BACK_OFF: Final = 2.0
SLOW_DOWN: Final = 1.5
RECOVER: Final = 0.9
CALM: Final = 10
"""Answers without trouble after which the pace quickens by a step."""
USUAL: Final = 20
"""Latencies of the start of a run that say what is usual."""
RISEN: Final = 3.0
NOTICEABLE: Final = 0.5
"""Seconds below which latency is no sign of load: three times next to nothing is nothing."""


@dataclass
class Pace:
    """When one host may be asked.

    Attributes:
        base: seconds between two requests, at the least.
        interval: as it is now.
        ready: instant from which the next request may be sent.
    """

    base: float
    interval: float = field(init=False)
    ready: float = field(default=0.0, init=False)
    _calm: int = field(default=0, init=False)
    _slowed: float = field(default=float("-inf"), init=False)
    _usual: list[float] = field(default_factory=list, init=False)
    _lately: deque[float] = field(default_factory=lambda: deque(maxlen=5), init=False)

    def __post_init__(self) -> None:
        self.interval = self.base

    def at_least(self, seconds: float) -> None:
        """Raise the base: robots.txt asks for it."""
        self.base = max(self.base, seconds)
        self.interval = max(self.interval, self.base)

    def wait(self, now: float) -> float:
        """Return the seconds until a request may be sent."""
        return max(0.0, self.ready - now)

    def sent(self, now: float) -> None:
        """Note that a request was sent."""
        self.ready = max(self.ready, now + self.interval)

    def answered(self, now: float, latency: float) -> None:
        """Note an answer without trouble, and how long it took."""
        if len(self._usual) < USUAL:
            self._usual.append(latency)
        self._lately.append(latency)
        if self._has_risen():
            self._lately.clear()
            self._slow(SLOW_DOWN, now)
            return
        self._calm += 1
        if self._calm >= CALM and self.interval > self.base:
            self._calm = 0
            self.interval = max(self.base, self.interval * RECOVER)

    def refused(
        self, now: float, retry_after: float | None = None, began: float | None = None
    ) -> None:
        """Note that the host asked to slow down.

        Args:
            now: the instant.
            retry_after: seconds, where it said so.
            began: when the request was sent.
        """
        self._slow(BACK_OFF, now, began)
        if retry_after is not None:
            self.ready = max(self.ready, now + retry_after)

    def failed(self, now: float, began: float | None = None) -> None:
        """Note that there was no answer, or that of a broken host."""
        self._slow(SLOW_DOWN, now, began)

    def _slow(self, factor: float, now: float, began: float | None = None) -> None:
        self._calm = 0
        if began is None or began >= self._slowed:
            self._slowed = now
            most = max(self.base, min(LONGEST, MOST_SLOWED * self.base))
            self.interval = min(self.interval * factor, most)
        self.ready = max(self.ready, now + self.interval)

    def _has_risen(self) -> bool:
        if len(self._usual) < USUAL // 2 or len(self._lately) < 3:
            return False
        lately = median(self._lately)
        return lately > NOTICEABLE and lately > RISEN * median(self._usual)
