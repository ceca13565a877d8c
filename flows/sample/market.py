"""The sellers of the fictitious market, what each of them sells, and at what price on each day.

One customer and six competitors. The customer's assortment and each competitor's share 30 to
60 % of either side. A price is the market's level for the article, times the seller's level,
times noise, brought to an ending that shops like; from day to day 1 to 3 % of them change. All
prices are whole agorot, so that no float reaches a file.

The history depends on the seed and the first day; a longer one begins with the shorter one.
Here everything is in order but what sellers get wrong every day (a few barcodes with a bad
check digit): faults are another module's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import NamedTuple, TypeAlias

from flows.sample.chance import stream
from flows.sample.products import Product, check_digit, packaged_goods, produce

BAD_CHECK_DIGIT_SHARE = 0.005
"""A few in a thousand, as in published price files."""

OUTSIDE_POOL = 1.5
"""Goods that the customer does not sell, for each one that it does: competitors draw the rest of
their assortments from them, and so meet in some."""


@dataclass(frozen=True, slots=True)
class Seller:
    """A chain with one store.

    Attributes:
        level: its prices relative to the market's.
        size: packaged goods relative to the customer's.
        overlap: share of its packaged goods that the customer sells too.
        hebrew: share of articles that it names in Hebrew, beyond the local ones.
        long_codes: numbers its produce with 13 digits from 20 on, else with 4 to 6 digits.
    """

    name: str
    id: str
    store: str
    level: float
    size: float
    overlap: float
    hebrew: float
    long_codes: bool


OWN = Seller("Orchard Market", "9521000000018", "001", 0.98, 1.0, 1.0, 0.0, True)
COMPETITORS = (
    Seller("Green Basket", "9521000000025", "17", 1.03, 0.80, 0.55, 0.0, True),
    Seller("שוק טוב", "9521000000032", "5", 0.90, 0.60, 0.58, 1.0, False),
    Seller("סל הכפר", "9521000000049", "413", 0.95, 1.15, 0.50, 0.25, False),
    Seller("אלומה מרקט", "9521000000056", "39", 1.08, 0.90, 0.45, 0.60, False),
    Seller("מרכול הדקל", "9521000000063", "004", 1.00, 0.50, 0.60, 0.40, True),
    Seller("Blue Gate", "9521000000070", "028", 0.86, 0.70, 0.50, 0.10, False),
)
SELLERS = (OWN, *COMPETITORS)


class Line(NamedTuple):
    """One article of one seller on one day."""

    seller: Seller
    product: Product
    code: str
    name: str
    agorot: int
    updated: datetime


Market: TypeAlias = dict[tuple[str, date], list[Line]]
"""(seller's name, day) → its lines."""


def simulate(seed: int, days: Sequence[date], products: int) -> Market:
    """Return every seller's lines on every day.

    Args:
        seed: of every draw.
        days: ascending, without repetition.
        products: number of the customer's own articles, produce included.
    """
    loose = produce(seed, products // 20)
    own = products - len(loose)
    goods = packaged_goods(seed, own + round(OUTSIDE_POOL * own))
    market: Market = {}
    for seller in SELLERS:
        chance = stream(seed, "assortment", seller.name)
        count = round(seller.size * own)
        shared = min(own, round(seller.overlap * count))
        articles = [
            *chance.sample(goods[:own], shared),
            *chance.sample(goods[own:], count - shared),
            *(article for article in loose if seller is OWN or chance.random() < 0.8),
        ]
        chance.shuffle(articles)
        for day, lines in _history(seed, seller, articles, days):
            market[seller.name, day] = lines
    return market


def _history(
    seed: int, seller: Seller, articles: list[Product], days: Sequence[date]
) -> list[tuple[date, list[Line]]]:
    chance = stream(seed, "prices", seller.name)
    codes = _codes(chance, seller, articles)
    lines = []
    for article, code in zip(articles, codes, strict=True):
        hebrew = article.local or chance.random() < seller.hebrew
        price = article.level * seller.level * math.exp(chance.gauss(0, 0.06))
        past = timedelta(days=chance.randint(1, 400))
        updated = _moment(chance, days[0] - past)
        lines.append(
            Line(seller, article, code, article.name[hebrew], _shelf(price, chance), updated)
        )
    history = [(days[0], lines)]
    for day in days[1:]:
        lines = list(lines)
        changing = max(1, round(chance.uniform(0.01, 0.03) * len(lines)))
        for index in chance.sample(range(len(lines)), changing):
            line = lines[index]
            price = _shelf(line.agorot / 100 * chance.choice((0.8, 0.9, 1.04, 1.1)), chance)
            if price == line.agorot:  # a change that rounding undid is none: move a shekel
                price += 100
            lines[index] = line._replace(agorot=price, updated=_moment(chance, day))
        history.append((day, lines))
    return history


def _codes(chance: Random, seller: Seller, articles: list[Product]) -> list[str]:
    in_store = iter(chance.sample(range(1_000, 1_000_000), len(articles)))
    codes = []
    for article in articles:
        if not article.gtin:
            short = str(next(in_store))
            body = f"20{short.zfill(10)}"
            codes.append(body + check_digit(body) if seller.long_codes else short)
        elif chance.random() < BAD_CHECK_DIGIT_SHARE:
            codes.append(article.gtin[:-1] + str((int(article.gtin[-1]) + 1) % 10))
        else:
            codes.append(article.gtin)
    return codes


def _shelf(price: float, chance: Random) -> int:
    """Bring a price in ILS to whole agorot with an ending of .90, rarely .50 or .00."""
    whole = 100 * max(1, round(price))
    return whole + chance.choices((-10, -50, 0), (85, 8, 7))[0]


def _moment(chance: Random, day: date) -> datetime:
    """A moment of the early morning, when shops change their labels."""
    seconds = chance.randrange(5 * 3600, 9 * 3600)
    return datetime.combine(day, time()) + timedelta(seconds=seconds)
