"""The articles of the fictitious market: packaged goods with a GTIN, produce sold by weight.

Barcodes begin with 952, the prefix that GS1 keeps for examples, so that none is a real
product's; a share begins with zeros instead (as articles from North America do), because price
files lose leading zeros and readers have to put them back. Check digits are right here: what a
seller gets wrong is the market's business.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product as combinations

from flows.sample.chance import stream
from flows.sample.vocabulary import BRANDS, CATEGORIES, COUNTRIES, PRODUCE, Category, Unit, Words

LOCAL_SHARE = 0.12
"""Articles that every seller names in Hebrew: enough for each page to show some."""

LEADING_ZERO_SHARE = 0.08
"""Close to the share of 11 and 12 digit barcodes in published Israeli price files."""

SIZE_ELASTICITY = 0.8
"""A pack twice as large costs 2 ** 0.8 = 1.74 times as much."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a pack contains: ``pack`` articles of ``amount`` in ``unit``."""

    pack: int
    amount: int
    unit: Unit

    @property
    def total(self) -> int:
        """The amount in the whole pack, in ``unit``."""
        return self.pack * self.amount

    def text(self, words: dict[str, str], times: str) -> str:
        """Return such as "6 x 330 ml", in the given words for g, kg, ml, l and piece."""
        amount, unit = large(self.amount, self.unit)
        one = f"{amount} {words[unit]}"
        return one if self.pack == 1 else f"{self.pack}{times}{one}"


@dataclass(frozen=True, slots=True)
class Product:
    """An article, whoever sells it.

    Attributes:
        gtin: 13 digits; empty for produce, which each seller numbers for itself.
        level: the market's price level in ILS, of the pack or of a kilogram of produce.
        local: named in Hebrew by every seller.
    """

    gtin: str
    name: Words
    brand: Words
    country: tuple[str, str]
    size: Size
    weighable: bool
    level: float
    local: bool


ENGLISH = {"g": "g", "kg": "kg", "ml": "ml", "l": "L", "piece": "pcs"}
HEBREW = {"g": "גרם", "kg": 'ק"ג', "ml": 'מ"ל', "l": "ליטר", "piece": "יח'"}


def large(amount: int, unit: Unit) -> tuple[str, str]:
    """Return the amount in the unit that a label would use: 1500 ml is ("1.5", "l")."""
    if unit == "piece" or amount < 1000:
        return str(amount), unit
    return f"{amount / 1000:g}", "kg" if unit == "g" else "l"


def check_digit(body: str) -> str:
    """Return the GS1 check digit of a code without its last digit.

    Digits are weighted 3, 1, 3, … from the right, and the check digit fills their sum up to a
    multiple of ten (GS1 General Specifications, section 7.9).
    """
    weighted = sum(int(digit) * (1 if i % 2 else 3) for i, digit in enumerate(reversed(body)))
    return str(-weighted % 10)


def packaged_goods(seed: int, count: int) -> list[Product]:
    """Return ``count`` different packaged goods.

    Raises:
        ValueError: more than the vocabulary can name.
    """
    chance = stream(seed, "packaged goods")
    every = [
        (category, *choice)
        for category in CATEGORIES
        for choice in combinations(BRANDS, category.kinds, category.varieties, category.sizes)
    ]
    if count > len(every):
        raise ValueError(f"the vocabulary names {len(every)} products, {count} were asked for")
    gtins = _gtins(seed, count)
    weights = [weight for _, _, weight in COUNTRIES]
    goods = []
    for gtin, (category, brand, kind, variety, (pack, amount)) in zip(
        gtins, chance.sample(every, count), strict=True
    ):
        size = Size(pack, amount, category.unit)
        english = (brand[0], kind[0], variety[0], size.text(ENGLISH, " x "))
        hebrew = (kind[1], variety[1], brand[1], size.text(HEBREW, "*"))
        code, country, _ = chance.choices(COUNTRIES, weights)[0]
        goods.append(
            Product(
                gtin=gtin,
                name=(" ".join(filter(None, english)), " ".join(filter(None, hebrew))),
                brand=brand,
                country=(code, country),
                size=size,
                weighable=False,
                level=_level(category, size, chance.gauss(0, 1)),
                local=chance.random() < LOCAL_SHARE,
            )
        )
    return goods


def produce(seed: int, count: int) -> list[Product]:
    """Return at most ``count`` articles sold by weight, priced for a kilogram."""
    chance = stream(seed, "produce")
    return [
        Product(
            gtin="",
            name=(english, hebrew),
            brand=("", ""),
            country=("IL", "ישראל"),
            size=Size(1, 1000, "g"),
            weighable=True,
            level=level * math.exp(chance.gauss(0, 0.1)),
            local=chance.random() < LOCAL_SHARE,
        )
        for english, hebrew, level in PRODUCE[:count]
    ]


def _level(category: Category, size: Size, deviate: float) -> float:
    pack, amount = category.sizes[len(category.sizes) // 2]
    relative = math.pow(size.total / (pack * amount), SIZE_ELASTICITY)
    return category.median * relative * math.exp(category.sigma * deviate)


def _gtins(seed: int, count: int) -> list[str]:
    chance = stream(seed, "gtins")
    gtins = []
    for number in chance.sample(range(10**9), count):
        # 007 and 070 belong to no special use: 02 and 04 would be in-store codes, 05 coupons.
        zeros = chance.random() < LEADING_ZERO_SHARE
        body = f"{chance.choice(('007', '070')) if zeros else '952'}{number:09d}"
        gtins.append(body + check_digit(body))
    return gtins
