"""What a page shows: its amounts of money, its heading, its lines and labelled codes.

Filled by ``displayed``, then left alone; asked by whatever weighs claims against the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Final

from flows.pipeline.capture.labels import Labelled
from flows.pipeline.capture.price_text import PriceText
from flows.pipeline.capture.price_words import Role
from flows.pipeline.capture.product import Availability
from flows.pipeline.capture.walk import Walk

BEFORE: Final = 120
AFTER: Final = 400
"""Nodes before and after the product's heading in which its box stands, generously: menus before
it and lists of other products behind it hold most of the amounts of a page."""
_SHORT: Final = 60
"""Characters of a text, blanks counted, in which an amount is looked for."""
_BESIDE: Final = 60
"""Nodes between two amounts of one product's box."""
_LEAST_SHARE: Final = Decimal("0.05")
"""Of a price; a lower amount that something starts from is of postage or of an accessory."""
_CENT: Final = Decimal("0.01")
_NUMBER: Final = re.compile(r"\d[\d.,'’\s]*")


@dataclass(frozen=True)
class Shown:
    """One amount as it stands on the page.

    Attributes:
        text: the amount, its readings and currency.
        role: what it is, by its words and by the elements above it.
        place: number of the node in reading order.
        elsewhere: it stands among other products, in a link, in a menu.
        labelled: elements above it say price.
        current: they say that this is asked now.
        marked_up: microdata says that this is the price.
        signature: elements and classes above it.
    """

    text: PriceText
    role: Role
    place: int
    elsewhere: bool
    labelled: bool
    current: bool
    marked_up: bool
    signature: str

    def is_price(self) -> bool:
        """Say whether nothing speaks against its being the page's price."""
        return self.role is Role.PRICE and not self.elsewhere


@dataclass
class Showing:
    """What a walk over a page saw.

    Attributes:
        amounts: in reading order.
        heading: the place of the heading that names the product, None without one.
        lines: places and availabilities of lines that state one.
        codes: places, fields and texts of codes that stand beside a label.
        on_request: places of lines that say that the price is told on request.
        walk: over the page, to go on with where more of it is wanted.
    """

    amounts: list[Shown] = field(default_factory=list)
    heading: int | None = None
    lines: list[tuple[int, Availability]] = field(default_factory=list)
    codes: list[tuple[int, Labelled, str]] = field(default_factory=list)
    on_request: list[int] = field(default_factory=list)
    walk: Walk | None = None

    def shows(self, amount: Decimal) -> bool:
        """Say whether an amount stands on the page as a price."""
        return any(
            amount in one.text.readings
            for one in self.amounts
            if one.is_price() or (one.role is Role.PIECE and not one.elsewhere)
        )

    def starts_below(self, amount: Decimal) -> bool:
        """Say whether the page offers the product from a lower amount on, or without tax.

        A page that shows "from 99" sells several things, and one that shows two prices with and
        without tax does not say which of them its visitor pays: a price that nothing but the
        layout or a program's memory names may then be any of them.
        """
        places = [one.place for one in self.amounts if amount in one.text.readings]
        return any(
            _LEAST_SHARE * amount < reading < amount
            for one in self.amounts
            if one.role in (Role.FROM, Role.RANGE, Role.NET) and not one.elsewhere
            if self.heading is None or any(abs(one.place - place) <= _BESIDE for place in places)
            for reading in one.text.readings
        )

    @cached_property
    def texts(self) -> list[str]:
        """All texts of the page that are no prose."""
        return [] if self.walk is None else self.walk.texts()

    @cached_property
    def struck(self) -> list[Shown]:
        """The struck amounts that are not of other products."""
        return [one for one in self.amounts if one.role is Role.STRUCK and not one.elsewhere]

    def shows_struck(self, amount: Decimal) -> bool:
        """Say whether an amount stands on the page struck."""
        return any(amount in one.text.readings for one in self.struck)

    def mentions(self, amount: Decimal) -> bool:
        """Say whether the digits of an amount stand anywhere on the page, in a short text."""
        whole, _, cents = str(amount.quantize(_CENT)).partition(".")
        last = whole[-3:]  # stands together however thousands are grouped
        for place, text in enumerate(self.texts):
            if last not in text or len(text) > _SHORT:
                continue
            found = _digits(text)
            if whole + cents in found or (cents == "00" and whole in found):
                return True
            # Units and cents may stand in two elements, one after the other.
            following = self.texts[place + 1 : place + 3]
            if found[-1:] == [whole] and any(_digits(one)[:1] == [cents] for one in following):
                return True
        return False


def _digits(text: str) -> list[str]:
    return [re.sub(r"\D", "", number) for number in _NUMBER.findall(text)]
