"""A day's offers from a few words each, and the marts of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from flows.pipeline.insights.marts import compute
from flows.pipeline.matching.by_gtin import match_by_gtin
from flows.pipeline.schema import OFFERS

DAY = date(2026, 8, 15)
OWN = "Own"
Offers = Sequence[tuple[Any, ...]]
"""(seller, product, price[, store[, currency]][, {column: value}]); a product is a number, None
for no GTIN."""


class Insights:
    """Makes marts of offers that are written down in short."""

    own = OWN
    day = DAY

    @staticmethod
    def frame(offers: Offers, day: date = DAY) -> pl.DataFrame:
        """OFFERS of the day; products without a GTIN are told apart by their place."""
        rows = []
        for place, offer in enumerate(offers):
            more = offer[-1] if isinstance(offer[-1], dict) else {}
            seller, product, price, *others = offer[: len(offer) - bool(more)]
            store, currency = (*others, *("1", "ILS")[len(others) :])
            rows.append(
                {
                    "day": day,
                    "seller": seller,
                    "store_id": store,
                    "sku": f"p{place}" if product is None else str(product),
                    "gtin": None if product is None else f"{product:014}",
                    "gtin_status": "missing" if product is None else "valid",
                    "name": f"product {product}",
                    "price": None if price is None else Decimal(price),
                    "currency": currency,
                    "availability": "unknown",
                    "stale": False,
                    **more,
                }
            )
        return pl.DataFrame(rows, schema=OFFERS)

    @classmethod
    def marts(
        cls,
        offers: Offers | pl.DataFrame,
        history: Mapping[int, Offers] | None = None,
        *,
        matches: pl.DataFrame | None = None,
        low: float = 0.4,
        high: float = 2.5,
        **given: Any,
    ) -> dict[str, pl.DataFrame]:
        """The marts of the offers; history by how many days ago it was."""
        today = offers if isinstance(offers, pl.DataFrame) else cls.frame(offers)
        own = pl.col("seller") == OWN
        if matches is None:
            matches = match_by_gtin(today.filter(own), today.filter(~own), low=low, high=high)
        earlier = {
            DAY - timedelta(days=ago): cls.frame(before, DAY - timedelta(days=ago))
            for ago, before in (history or {}).items()
        }
        return compute(
            today,
            matches,
            earlier,
            day=DAY,
            own_seller=OWN,
            days_expected=sorted(earlier),
            **given,
        )

    @staticmethod
    def figure(marts: Mapping[str, pl.DataFrame], name: str, market: str = "all") -> dict[str, Any]:
        """The one row of a figure."""
        found = marts["figures"].filter((pl.col("figure") == name) & (pl.col("market") == market))
        assert found.height == 1, (name, market, found)
        return found.row(0, named=True)

    @staticmethod
    def row(mart: pl.DataFrame, **values: object) -> dict[str, Any]:
        """The one row of a mart with these values."""
        found = mart.filter(*(pl.col(name) == value for name, value in values.items()))
        assert found.height == 1, (values, found)
        return found.row(0, named=True)


@pytest.fixture(scope="session")
def insights() -> type[Insights]:
    """The class itself: it has no state."""
    return Insights
