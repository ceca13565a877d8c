"""Sampling: which tasks are asked twice, when a known pair is slipped in, what is audited.

Draws are made by hashing names, not by chance: the same task is always asked twice or always once,
two servers agree without talking, and a test can say what will happen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from typing import Final, TypeVar

GOLD_SHARE: Final = 0.07
"""Of what a reviewer is handed: between 5 % (too few to see a bad day) and 10 % (lost work)."""
GOLD_LOW, GOLD_HIGH = 0.05, 0.10
TWICE_SHARE: Final = 0.10
"""Of the tasks: enough for an agreement with a useful interval in a week's work."""
AUDITED: Final = 100
"""Pairs of each kind in a week: Wilson's interval at 98 of 100 right is 93.0 to 99.4 %."""

Named = TypeVar("Named")


def draw(*names: str) -> float:
    """Return a number in [0, 1) that depends on nothing but the names."""
    text = "\x1f".join(names).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:7]) / 2**56


def is_gold_turn(reviewer: str, number: int, share: float) -> bool:
    """Say whether a reviewer's turn of this number is a known pair.

    One turn in each stretch of ``1/share`` turns is, at a place that cannot be guessed from the
    one before: so the share holds for a morning's work, too, not only in the long run.

    Args:
        reviewer: whose turn.
        number: of turns that the reviewer had before.
        share: of known pairs, 0 to 1.
    """
    if share <= 0:
        return False
    stretch = max(round(1 / share), 1)
    block, place = divmod(number, stretch)
    return place == int(draw("gold", reviewer, str(block)) * stretch)


def needs_two(key: str, share: float) -> bool:
    """Say whether a task is asked of two reviewers."""
    return draw("twice", key) < share


def week_of(day: date) -> str:
    """Return a day's ISO week, such as ``2026-W33``."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def audit_sample(pairs: Iterable[tuple[str, Named]], week: str, size: int) -> list[Named]:
    """Return a week's random sample of pairs: the same one however often it is asked.

    Args:
        pairs: the name of each and what it is.
        week: the sample's; another week draws anew.
        size: how many.
    """
    listed = [(draw("audit", week, name), name, pair) for name, pair in pairs]
    return [pair for _, _, pair in sorted(listed, key=lambda item: item[:2])[:size]]


def week_key(key: str, week: str) -> str:
    """Return the key of a pair's audit in a week."""
    return hashlib.sha256(f"{key}\x1f{week}".encode()).hexdigest()
