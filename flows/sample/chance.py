"""Where the sample's randomness comes from: one named stream for each thing that is drawn.

A stream depends on the seed and on its name alone, so drawing more of one thing (a longer
history, another seller) leaves every other thing as it was. Python's own generator is used
because its sequence for a text seed is the same on every platform.
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random


def stream(seed: int, *names: str) -> Random:
    """Return the generator of one named stream, such as ``stream(7, "prices", "Green Basket")``."""
    return Random("/".join((str(seed), *names)))  # noqa: S311 - sample data, nothing secret


def fraction(seed: int, *names: str | int) -> float:
    """Return a number in [0, 1) that depends on the seed and the names alone.

    For what is drawn far from any order, such as one article's price on one day: a stream's start
    costs fifty times as much.
    """
    name = "/".join(map(str, (seed, *names))).encode()
    return int.from_bytes(blake2b(name, digest_size=7).digest()) / (1 << 56)
