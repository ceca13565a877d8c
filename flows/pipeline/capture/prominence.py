"""Which of the amounts that a page shows is the price, where nothing but the layout says so.

An amount is weighed by what speaks for it: a class name that says price, a currency sign, words
such as "now", nearness to the heading that names the product. The answer is the amount that wins
by a clear margin; two different amounts with nothing between them give none.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from flows.pipeline.capture.price_words import Role
from flows.pipeline.capture.showing import Showing, Shown

LABELLED: Final = 2.0
MARKED: Final = 1.0
CURRENT: Final = 0.75
MARKED_UP: Final = 1.5
REPEATED: Final = 0.5
"""It stands as a price in another place too, such as a bar that stays in sight."""
OF_A_PIECE: Final = 1.0
"""Taken off for "0.99 / piece": the price of what is sold singly, not of what is sold in packs."""
DISCOUNTED: Final = 0.5
"""A larger struck amount stands beside it."""
NEAR: Final = 2.5
"""Just behind the heading; falls off with the distance."""
HALF: Final = 150.0
"""Nodes behind the heading at which nearness counts half: a product's box has some hundreds."""
BEFORE: Final = 0.6
"""Of nearness, for what stands before the heading: some shops put the box there."""
LEAST: Final = 2.2
"""Below it an amount is merely a number with a sign somewhere on the page."""
MARGIN: Final = 0.2
STRONG: Final = 3.6
"""From here an amount is held against structured data that the page does not show."""


@dataclass(frozen=True)
class Prominent:
    """The amount that stands out, and how much."""

    shown: Shown
    weight: float

    @property
    def amount(self) -> Decimal:
        """The amount."""
        return self.shown.text.readings[0]


def weigh(shown: Shown, showing: Showing) -> float:
    """Return what speaks for an amount as the price."""
    heading = showing.heading
    weight = LABELLED * shown.labelled + MARKED * bool(shown.text.markers)
    weight -= OF_A_PIECE * (shown.role is Role.PIECE)
    weight += CURRENT * shown.current + MARKED_UP * shown.marked_up
    if shown.text.amount is not None and _beside(showing, shown.text.amount, shown.place):
        weight += DISCOUNTED
    if _repeated(shown, showing):
        weight += REPEATED
    if heading is not None:
        distance = shown.place - heading
        side = 1.0 if distance >= 0 else BEFORE
        weight += side * NEAR * HALF / (HALF + abs(distance))
    return weight


def _repeated(shown: Shown, showing: Showing) -> bool:
    amount = shown.text.amount
    return any(
        one.is_price() and one.text.amount == amount and abs(one.place - shown.place) > 2
        for one in showing.amounts
    )


def most_prominent(showing: Showing) -> Prominent | None:
    """Return the amount that stands out as the price, None where none or several do."""
    weighed = sorted(
        (
            Prominent(one, weigh(one, showing))
            for one in showing.amounts
            if (one.is_price() or (one.role is Role.PIECE and not one.elsewhere))
            and one.text.amount is not None
            and one.text.amount > 0
        ),
        key=lambda one: (-one.weight, one.shown.place),
    )
    if not weighed or weighed[0].weight < LEAST:
        return None
    best = weighed[0]
    rivals = (one.weight for one in weighed if one.amount != best.amount)
    return best if best.weight - next(rivals, 0.0) >= MARGIN else None


def struck_beside(showing: Showing, price: Decimal, currency: str | None) -> Shown | None:
    """Return the struck amount that stands beside the price on the page, None without one.

    It must be more than the price, stand near a place where the price is shown, and name no other
    currency.
    """
    places = [one.place for one in showing.amounts if one.is_price() and price in one.text.readings]
    near = [
        (abs(one.place - place), one.place, one)
        for place in places
        for one in _beside(showing, price, place)
        if one.text.currency in (None, currency)
    ]
    return min(near, key=lambda found: found[:2])[2] if near else None


def _beside(showing: Showing, price: Decimal, place: int) -> list[Shown]:
    """Return the struck amounts above a price that stand near a place."""
    return [
        one
        for one in showing.struck
        if abs(one.place - place) <= _BESIDE
        and one.text.amount is not None
        and one.text.amount > price
    ]


_BESIDE: Final = 25
"""Nodes between a price and the struck one beside it."""
