"""Prices told apart from struck ones by the discount that the page states itself.

Where a shop's classes are hashes and the line through the old price is drawn by a style sheet,
two amounts stand side by side and nothing says which one is asked. "16 % off" beside them does:
if one amount is the other less that share, the lower one is the price.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from flows.pipeline.capture.price_words import Role
from flows.pipeline.capture.showing import Shown

_PERCENT: Final = re.compile(r"(?<![\d.,])([1-9]\d?)\s?%")
_LONGEST: Final = 40
"""Characters of a text that states a discount and little else."""
_BESIDE: Final = 12
"""Nodes between the two amounts."""
_NEAR: Final = 25
"""Nodes between an amount and the discount."""
_ROUNDING: Final = Decimal("0.8")
"""Percentage points by which a stated discount may be rounded, up or down."""


def percent_in(text: str) -> int | None:
    """Return the percentage that a short text states, None if none or several."""
    found = _PERCENT.findall(text) if len(text) <= _LONGEST else []
    return int(found[0]) if len(found) == 1 else None


def without_discounted(amounts: list[Shown], percents: Sequence[tuple[int, int]]) -> list[Shown]:
    """Return the amounts, those that a stated discount shows to be the old price as struck.

    Args:
        amounts: in reading order.
        percents: places and percentages of short texts.
    """
    if not percents:
        return amounts
    old: set[int] = set()
    prices = [
        (number, one) for number, one in enumerate(amounts) if one.is_price() and one.text.amount
    ]
    for number, high in prices:
        for _, low in prices:
            if abs(high.place - low.place) <= _BESIDE and _is_cut(high, low, percents):
                old.add(number)
    return [
        replace(one, role=Role.STRUCK) if number in old else one
        for number, one in enumerate(amounts)
    ]


def _is_cut(high: Shown, low: Shown, percents: Sequence[tuple[int, int]]) -> bool:
    before, now = high.text.amount, low.text.amount
    if before is None or now is None or not 0 < now < before:
        return False
    if None not in (high.text.currency, low.text.currency) and (
        high.text.currency != low.text.currency
    ):
        return False
    cut = 100 * (before - now) / before
    return any(
        abs(place - low.place) <= _NEAR and abs(cut - percent) <= _ROUNDING
        for place, percent in percents
    )
