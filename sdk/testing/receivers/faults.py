"""When a receiver misbehaves, decided before it does.

A schedule says for the n-th request what goes wrong with it. The answer depends on the seed and
on n alone, so a test sees the same number of faults however its threads interleave.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Fault = Literal["none", "limited", "error", "slow", "dropped", "lost"]
"""``limited``: 429 with Retry-After. ``error``: a 5xx, nothing done. ``slow``: the right answer,
late. ``dropped``: the connection ends, nothing done. ``lost``: the work is done, its answer never
arrives (the case that makes careless senders say things twice)."""


@dataclass(frozen=True, slots=True)
class Faults:
    """A fault schedule.

    Attributes:
        limited: share of requests, 0 to 1, answered with 429; likewise the four below.
        error: share answered with one of `statuses`.
        slow: share answered after `slow_seconds`.
        dropped: share whose connection is ended unanswered, with nothing done.
        lost: share whose connection is ended unanswered, after the work was done.
        retry_after: whole seconds asked for by a 429.
        slow_seconds: how late a slow answer is.
        statuses: the 5xx answers, taken in turn by request number.
        script: faults of the first requests, one each, before the shares apply.
        seed: another seed is another schedule with the same shares.
    """

    limited: float = 0.0
    error: float = 0.0
    slow: float = 0.0
    dropped: float = 0.0
    lost: float = 0.0
    retry_after: int = 1
    slow_seconds: float = 0.2
    statuses: tuple[int, ...] = (500, 502, 503)
    script: tuple[Fault, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        shares = self._shares()
        if any(share < 0 for _, share in shares) or sum(share for _, share in shares) > 1:
            raise ValueError(
                f"shares of faults lie between 0 and 1 and add up to 1 at most: {self}"
            )

    def of(self, number: int) -> Fault:
        """Return what goes wrong with request `number`, counted from 0."""
        if number < len(self.script):
            return self.script[number]
        digest = hashlib.sha256(f"{self.seed}:{number}".encode()).digest()
        # 53 bits: what a float holds exactly.
        drawn = int.from_bytes(digest[:8], "big") / 2**64
        for fault, share in self._shares():
            if drawn < share:
                return fault
            drawn -= share
        return "none"

    def status(self, number: int) -> int:
        """Return the 5xx status of request `number`."""
        return self.statuses[number % len(self.statuses)]

    def _shares(self) -> tuple[tuple[Fault, float], ...]:
        return (
            ("limited", self.limited),
            ("error", self.error),
            ("slow", self.slow),
            ("dropped", self.dropped),
            ("lost", self.lost),
        )
