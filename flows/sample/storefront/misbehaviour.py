"""What shops do wrong, by shop and by day.

A script is a list of ``Misbehaviour``. Those of transport (an error, a delay, a broken
connection) strike ``times`` requests of each address or all of them; those of content change what
the pages say, on all of them. Nothing here is drawn: the same script does the same every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias, get_args

Transport: TypeAlias = Literal[
    "busy",  # 429, Retry-After in seconds
    "busy_date",  # 429, Retry-After as a date
    "busy_silent",  # 429, no Retry-After
    "unavailable",  # 503
    "error",  # 500
    "slow",  # answers after ``seconds``
    "hanging",  # never answers
    "trickle",  # a few bytes at a time
    "reset",  # the connection is reset before the answer
    "reset_midway",  # and in the middle of it
    "cut_short",  # closed before the length that was promised
    "redirect_private",  # to an address that is nobody's to ask
    "redirect_loop",
    "redirect_elsewhere",  # to the home page: how some shops say that a product is gone
    "bomb",  # a small body that decompresses to 256 MB
    "wrong_type",  # a picture's content type on a page, and a picture's bytes
    "huge_page",  # 40 MB
    "soft_404",  # "not found" with status 200
    "block_page",  # a challenge with status 200, none of the shop's own
    "forbidden",  # 403
]
Content: TypeAlias = Literal[
    "wrong_charset",  # declares UTF-8 on other bytes, or the other way round
    "layout_change",  # other classes, another order, no structured data
    "frozen",  # says what it said on the first day
    "sold_out",  # everything
    "currency_change",  # prices in another currency
    "all_equal",  # one price for everything
    "all_zero",
    "no_discounts",
    "ten_times",  # every price
    "few_products",  # nine of ten are gone from the lists
]
Structure: TypeAlias = Literal[
    "endless_pages",  # a list that never ends
    "robots_forbids", "robots_delays", "robots_error", "robots_hangs",
]  # fmt: skip
Kind: TypeAlias = Transport | Content | Structure

TRANSPORTS: tuple[Transport, ...] = get_args(Transport)
CONTENTS: tuple[Content, ...] = get_args(Content)
STRUCTURES: tuple[Structure, ...] = get_args(Structure)
KINDS: tuple[Kind, ...] = (*TRANSPORTS, *CONTENTS, *STRUCTURES)

_SOME_TIMES: dict[Kind, int] = {
    "busy": 1, "busy_date": 1, "busy_silent": 1, "unavailable": 2, "error": 1, "reset": 1,
    "reset_midway": 1, "cut_short": 1, "forbidden": 1,
}  # fmt: skip
"""What passes when asked again; all else lasts all day."""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One thing that a shop does wrong.

    Attributes:
        shop: its name.
        first, last: days, both included; None is without end.
        every: strikes each so-manieth product of the shop, by its number.
        times: strikes so many requests of one address on a day; None for all.
        seconds: the delay of ``slow``, or what ``Retry-After`` says.
        limit: for the three kinds of 429: strikes only when the shop was asked more than so many
            times within the last second; ``times`` is then of no account.
    """

    shop: str
    kind: Kind
    first: date | None = None
    last: date | None = None
    every: int = 1
    times: int | None = None
    seconds: float = 1.0
    limit: int | None = None

    def on(self, day: date) -> bool:
        """Whether it strikes on a day."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


Script: TypeAlias = Sequence[Misbehaviour]


def passing(shop: str, kind: Kind, first: date | None = None, **options: int) -> Misbehaviour:
    """Return a misbehaviour that strikes as often as its kind does in the wild."""
    return Misbehaviour(shop, kind, first, times=options.pop("times", _SOME_TIMES.get(kind)))


def standard_script(shops: Iterable[str], start: date) -> list[Misbehaviour]:
    """Return each kind once, on a shop of its own, as far as there are shops.

    Every third shop misbehaves, so that most of a storefront is in order. Contents are right on
    the first three days and wrong from the fourth on: health is judged against earlier days.
    """
    places: Iterator[str] = iter(list(shops)[1::3])
    return [
        passing(shop, kind, start + timedelta(days=3) if kind in CONTENTS else start)
        for kind, shop in zip(KINDS, places, strict=False)
    ]
