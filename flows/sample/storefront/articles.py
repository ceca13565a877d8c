"""What a shop sells and what it asks for it on a day.

Everything about an article on a day follows from the seed, the shop, the article and the day, so
any day can be asked for without the days before it. A price holds for a cycle of two to eight
weeks that starts on a day of the article's own; so the day of the last change is known, and a
server can say ``Last-Modified`` truly. Levels are those of the sample's market, in the shop's
currency.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from statistics import NormalDist
from typing import Literal, TypeAlias

from flows.sample.chance import fraction
from flows.sample.products import Product
from flows.sample.storefront.locales import LOCALES, Locale
from flows.sample.vocabulary import CATEGORIES

Stock: TypeAlias = Literal["in_stock", "out_of_stock", "preorder"]

DEPARTMENTS = (
    ("Food", "Milk & Drinks"), ("Food", "Cheese & Yoghurt"), ("Food", "Soft Drinks"),
    ("Food", "Snacks"), ("Food", "Sweets"), ("Food", "Staples"), ("Food", "Oils & Sauces"),
    ("Food", "Tins & Jars"), ("Food", "Coffee & Tea"), ("Food", "Frozen"),
    ("Household", "Cleaning"), ("Household", "Body Care"), ("Household", "Paper"),
)  # fmt: skip
"""The shelf of each category of the vocabulary, in its order."""
_SHELVES = {
    kind[0]: shelf
    for category, shelf in zip(CATEGORIES, DEPARTMENTS, strict=True)
    for kind in category.kinds
}
_MINOR_ENDINGS = {0: (8, 0, 5), 2: (90, 99, 49), 3: (950, 750, 500)}
"""Last figures that shops like, by the number of decimals."""


@dataclass(frozen=True, slots=True)
class Article:
    """One product in one shop.

    Attributes:
        gtin: as the shop's pages state it; empty where they state none.
        shelf: department and shelf.
    """

    product: Product
    number: int
    sku: str
    slug: str
    path: str
    name: str
    brand: str
    gtin: str
    shelf: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a shop says of an article on a day.

    Attributes:
        price: None where the page shows none.
        changed: the day since which all of this holds.
    """

    price: Decimal | None
    regular: Decimal | None
    locale: Locale
    availability: Stock
    changed: date
    listed: bool = True


def shelf_of(product: Product) -> tuple[str, str]:
    """Return department and shelf of a packaged product."""
    words = product.name[0].removeprefix(product.brand[0]).split()
    for count in (3, 2, 1):
        found = _SHELVES.get(" ".join(words[:count]))
        if found is not None:
            return found
    raise ValueError(f"{product.name[0]!r} is of no category")


def slug_of(name: str) -> str:
    """Return a name as it stands in an address."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def standing(seed: int, shop: str, article: Article, level: float, tag: str, day: date) -> Standing:
    """Return what a shop says of an article on a day.

    Args:
        seed: of the storefront.
        shop: its name.
        article: one of the shop's.
        level: the shop's prices relative to the market's.
        tag: of the shop's locale.
        day: any.
    """
    locale = LOCALES[tag]
    key = (shop, article.sku)
    cycle, since = _cycle(seed, key, "price", 14, 46, day)
    deviate = NormalDist().inv_cdf(0.001 + 0.998 * fraction(seed, *key, "level", cycle))
    asked = article.product.level * level * locale.rate * math.exp(0.07 * deviate)
    price = _ending(asked, locale.digits, fraction(seed, *key, "ending", cycle))
    regular = None
    if fraction(seed, *key, "offer", cycle) < 0.18:
        cut = 0.7 + 0.2 * fraction(seed, *key, "cut", cycle)
        lower = _ending(asked * cut, locale.digits, fraction(seed, *key, "cut ending", cycle))
        if lower < price:
            price, regular = lower, price
    stocked, stocked_since = _cycle(seed, key, "stock", 5, 20, day)
    drawn = fraction(seed, *key, "stock of", stocked)
    stock: Stock = "out_of_stock" if drawn < 0.08 else "preorder" if drawn < 0.1 else "in_stock"
    ranged, ranged_since = _cycle(seed, key, "range", 40, 40, day)
    listed = fraction(seed, *key, "ranged", ranged) >= 0.03
    changed = max(since, stocked_since, ranged_since)
    return Standing(price, regular, locale, stock, changed, listed)


def converted(now: Standing, tag: str) -> Standing:
    """Return a standing in the currency of another locale."""
    locale = LOCALES[tag]
    factor = Decimal(str(locale.rate / now.locale.rate))
    places = Decimal(1).scaleb(-locale.digits)

    def moved(amount: Decimal | None) -> Decimal | None:
        return None if amount is None else max(places, (amount * factor).quantize(places))

    return replace(now, price=moved(now.price), regular=moved(now.regular), locale=locale)


def _cycle(
    seed: int, key: tuple[str, str], what: str, shortest: int, more: int, day: date
) -> tuple[int, date]:
    """Return the number of the cycle that a day is in, and the day on which it began."""
    length = shortest + int(more * fraction(seed, *key, what, "length"))
    phase = int(length * fraction(seed, *key, what, "phase"))
    number, into = divmod(day.toordinal() + phase, length)
    return number, day - timedelta(days=into)


def _ending(amount: float, digits: int, drawn: float) -> Decimal:
    """Bring an amount to an ending that shops like, with the currency's decimals."""
    ending = _MINOR_ENDINGS[digits][0 if drawn < 0.7 else 1 if drawn < 0.9 else 2]
    whole = 10 if digits == 0 else 10**digits
    minor = max(0, round((amount * 10**digits - ending) / whole)) * whole + ending
    return Decimal(max(1, minor)).scaleb(-digits)
