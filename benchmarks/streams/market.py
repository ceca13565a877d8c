"""A market of 60,000 offers, and a stream of prices of which it is known what must be told.

Every event is a new price of a competitor's offer. Most move it by a percent or two, which no rule
tells. Some halve it: each of those is exactly one alert of the sample customer's rule on large
moves, and its offer is left alone afterwards. Some messages are sent twice, some are poison.
"""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl

from flows.pipeline.matching.by_gtin import match_by_gtin
from flows.pipeline.normalise.offers import to_offers
from flows.pipeline.schema import RAW_PRICES
from sdk import DatasetKey, Store

OWN = "Orchard Market"
SELLERS = ("Green Basket", "Blue Gate", "Corner Mill", "Harbour Foods", "Old Town Market")
PRODUCTS = 10_000
NAME = "Oat flakes 500 g"
HALVED, REPEATED, POISON = 0.02, 0.02, 0.005
"""Shares of the events."""


def gtin(number: int) -> str:
    """A valid GTIN of 13 digits that no company has."""
    body = f"952{number:09}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return f"{body}{-total % 10}"


def publish_day(store: Store, products: int = PRODUCTS) -> None:
    """Publish the day's offers and matches of the sample customer."""
    today = datetime.now(UTC).date()
    codes = [gtin(number) for number in range(products)]
    rows = pl.concat(
        pl.DataFrame({"seller": [seller] * products, "sku": codes, "store_id": ["1"] * products,
                      "name": [NAME] * products,
                      "price": ["20.00"] * products})
        for seller in (OWN, *SELLERS)
    )  # fmt: skip
    missing = {name: kind for name, kind in RAW_PRICES.items() if name not in rows.columns}
    raw = rows.with_columns(pl.lit(None, kind).alias(name) for name, kind in missing.items())
    offers = to_offers(raw, day=today, currency="ILS").offers
    mine = pl.col("seller") == OWN
    matches = match_by_gtin(offers.filter(mine), offers.filter(~mine))
    for name, content in (("offers", {"offers": offers}), ("matches", matches)):
        key = DatasetKey(customer="orchard", name=name, day=today)
        store.publish(key, content, fingerprint="")


@dataclass
class Events:
    """Draws events, and remembers what must come of them.

    Attributes:
        sent: ids of the events.
        poison: messages that are none.
        halved: offers whose one alert must be told.
    """

    seed: int
    products: int = PRODUCTS
    sent: set[str] = field(default_factory=set)
    poison: int = 0
    halved: set[tuple[str, str]] = field(default_factory=set)
    last: bytes = b""

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)

    def messages(self, count: int) -> list[bytes]:
        """Return the next messages."""
        made: list[bytes] = []
        while len(made) < count:
            chance = self._draw.random()
            if chance < POISON:
                self.poison += 1
                made.append(b'{"id": "%d", "seller": 7}' % self.poison)
            elif chance < POISON + REPEATED and self.last:
                made.append(self.last)
            else:
                self.last = self._event()
                made.append(self.last)
        return made

    def _event(self) -> bytes:
        draw = self._draw
        while True:
            offer = (draw.choice(SELLERS), gtin(draw.randrange(self.products)))
            if offer not in self.halved:
                break
        price = (Decimal(20) * Decimal(draw.randint(98, 102)) / 100).quantize(Decimal("0.01"))
        if draw.random() < HALVED:
            self.halved.add(offer)
            price = Decimal("10.00")
        name = uuid.uuid4().hex
        self.sent.add(name)
        told = {"id": name, "at": datetime.now(UTC).isoformat(), "seller": offer[0],
                "store_id": "1", "sku": offer[1], "name": NAME,
                "price": str(price), "currency": "ILS"}  # fmt: skip
        return json.dumps(told).encode()
