"""Intervals: how far a share from a sample may be off.

Wilson's score interval (Wilson 1927, JASA 22:209–212) keeps its coverage for small samples and for
shares near 0 and 1, where the textbook interval promises certainty after ten right answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

Z95: Final = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval; ``value`` is None where there is nothing to divide by."""

    hits: int
    n: int
    value: float | None
    low: float
    high: float


def wilson(hits: int, n: int, z: float = Z95) -> Share:
    """Return a share and its interval.

    ``centre = (p + z²/2n) / (1 + z²/n)``, half width ``z·√(p(1−p)/n + z²/4n²) / (1 + z²/n)``.

    Args:
        hits: of the sample.
        n: the sample's size; with 0 the interval is everything, 0 to 1.
        z: standard normal quantile.

    Raises:
        ValueError: hits are not between 0 and n.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} hits of {n}")
    if n == 0:
        return Share(0, 0, None, 0.0, 1.0)
    p, square = hits / n, z * z
    centre = (p + square / (2 * n)) / (1 + square / n)
    half = z * sqrt(p * (1 - p) / n + square / (4 * n * n)) / (1 + square / n)
    # Rounding alone must not push an end beyond the share itself.
    low, high = max(0.0, min(centre - half, p)), min(1.0, max(centre + half, p))
    return Share(hits, n, p, low, high)
