"""Retry policies: how often, how long between, and how long in all.

A policy is a frozen value with a name. Waits follow exponential backoff with *full jitter*
(Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015): the wait before
attempt *n + 1* is drawn uniformly from ``[0, min(cap, base * 2**(n - 1))]``. A ``Retry-After``
of the other side is a lower bound, never shortened by jitter. The time budget covers everything
from the first attempt on: a wait that would leave it is not begun.

Prefect's own ``retries=`` stay Prefect's; a policy works inside one task run, because the server
fixes Prefect's delays before the first attempt and so cannot obey a ``Retry-After``.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from sdk.errors import ErrorKind


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a step is tried again.

    Attributes:
        name: what manifests and logs call it.
        attempts: how many attempts in all, the first one included; at least 1.
        base: seconds; the upper bound of the first wait.
        cap: seconds; no drawn wait is longer.
        budget: seconds from the first attempt to the start of the last; None for no limit.
        retry_unknown: whether an error of which nothing is known is tried again.
    """

    name: str
    attempts: int = 1
    base: float = 1.0
    cap: float = 60.0
    budget: float | None = None
    retry_unknown: bool = True

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"policy {self.name}: attempts must be at least 1")
        if self.base < 0 or self.cap < 0 or (self.budget is not None and self.budget < 0):
            raise ValueError(f"policy {self.name}: base, cap and budget must not be negative")

    def with_attempts(self, attempts: int) -> RetryPolicy:
        """Return the same policy with another number of attempts."""
        return replace(self, attempts=attempts)

    def allows(self, kind: ErrorKind) -> bool:
        """Say whether an error of this kind is tried again at all."""
        return kind == "transient" or (kind == "unknown" and self.retry_unknown)

    def delay(
        self,
        attempt: int,
        *,
        elapsed: float,
        retry_after: float | None = None,
        draw: random.Random,
    ) -> float | None:
        """Draw the wait after a failed attempt.

        Args:
            attempt: which attempt just failed; 1 is the first.
            elapsed: seconds since the first attempt began.
            retry_after: seconds that the other side asked for.
            draw: the source of jitter.

        Returns:
            Seconds to wait before the next attempt, or None if there is none: attempts or
            budget are spent.
        """
        if attempt >= self.attempts:
            return None
        # 2**attempt overflows a float long after any cap has been reached.
        bound = min(self.cap, self.base * 2.0 ** min(attempt - 1, 60))
        wait = max(draw.uniform(0.0, bound), retry_after or 0.0)
        if self.budget is not None and elapsed + wait > self.budget:
            return None
        return wait


NONE = RetryPolicy("none", attempts=1)
NETWORK = RetryPolicy("network", attempts=5, base=1.0, cap=60.0, budget=900.0)
"""For HTTP and object stores: five attempts ride out a restart of the other side."""
WAREHOUSE = RetryPolicy("warehouse", attempts=4, base=5.0, cap=300.0, budget=3600.0)
"""For databases and query engines: slower to come back, and dearer to ask twice."""
COMPUTE = RetryPolicy("compute", attempts=2, base=1.0, cap=5.0, retry_unknown=False)
"""For pure computing: an error is a bug or bad data; only known passing faults are retried."""

POLICIES = {policy.name: policy for policy in (NONE, NETWORK, WAREHOUSE, COMPUTE)}
