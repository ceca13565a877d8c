"""What goes wrong in the world, and how often.

Each kind draws from a stream of its own, so that a policy that launches more often does not change
when metrics go stale for it: policies meet the same weather.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from infra.testing.group import Boot

SHORTEST_BOOT: Final = 90.0
LONGEST_BOOT: Final = 180.0
"""Seconds from launch to the first poll, drawn evenly; a late boot takes twice as long."""


@dataclass(frozen=True, slots=True)
class Faults:
    """How often and how badly things go wrong.

    Attributes:
        late: share of boots that take twice as long.
        failed: share of launches that never report and are abandoned by the launch hook.
        stale_every: mean seconds between two times at which Prefect's figures stand still; 0 never.
        stale_for: seconds for which they do.
        throttled: share of decisions whose requests to Auto Scaling are refused.
        missed: share of decisions that are not made at all.
        misjudged: run times by flow are wrong by a factor of up to this, either way.
    """

    late: float = 0.05
    failed: float = 0.02
    stale_every: float = 3 * 3600.0
    stale_for: float = 240.0
    throttled: float = 0.05
    missed: float = 0.03
    misjudged: float = 2.0


NO_FAULTS: Final = Faults(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


class Weather:
    """The faults of one simulated world, drawn as it goes on."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self.faults = faults
        self._boots, self._ticks, self._stale, self._flows = (
            random.Random(f"{seed}-{kind}")  # noqa: S311
            for kind in ("boots", "ticks", "stale", "flows")
        )
        self._stale_at = self._next_stale(0.0)
        self._stale_until = float("-inf")
        self._bias: dict[str, float] = {}

    def boot(self, _launch: int) -> Boot:
        """Draw how a launch goes."""
        seconds = self._boots.uniform(SHORTEST_BOOT, LONGEST_BOOT)
        late = self._boots.random() < self.faults.late
        fails = self._boots.random() < self.faults.failed
        return Boot(2 * seconds if late else seconds, fails)

    def tick(self) -> tuple[bool, bool]:
        """Draw whether a decision is missed, and whether its requests are refused."""
        missed = self._ticks.random() < self.faults.missed
        return missed, self._ticks.random() < self.faults.throttled

    def stale(self, now: float) -> bool:
        """Say whether Prefect's figures stand still now."""
        if now >= self._stale_at:
            self._stale_until = now + self.faults.stale_for
            self._stale_at = self._next_stale(self._stale_until)
        return now < self._stale_until

    def bias(self, flow: str) -> float:
        """Return the factor by which a flow's run time is misjudged, the same for ever."""
        if flow not in self._bias:
            self._bias[flow] = self.faults.misjudged ** self._flows.uniform(-1.0, 1.0)
        return self._bias[flow]

    def _next_stale(self, now: float) -> float:
        every = self.faults.stale_every
        return now + self._stale.expovariate(1.0 / every) if every else float("inf")
