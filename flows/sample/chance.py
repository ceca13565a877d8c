"""Where the sample's randomness comes from: one named stream for each thing that is drawn.

A stream depends on the seed and on its name alone, so drawing more of one thing (a longer
history, another seller) leaves every other thing as it was. Python's own generator is used
because its sequence for a text seed is the same on every platform.
"""

from __future__ import annotations

from random import Random


def stream(seed: int, *names: str) -> Random:
    """Return the generator of one named stream, such as ``stream(7, "prices", "Green Basket")``."""
    return Random("/".join((str(seed), *names)))  # noqa: S311 - sample data, nothing secret
