"""What the figures stand on: how much of its matter a figure covers, and what is wanting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from flows.pipeline.insights.position import ONE_SELLER, WHOLE_MARKET, market_of

NO_OWN_GTIN = "no own product has a valid GTIN"


def ratio(part: float, whole: float) -> float | None:
    """Return part / whole with six decimals, None where there is no whole."""
    return round(part / whole, 6) if whole else None


@dataclass(frozen=True)
class Basis:
    """The marts of a day, and what they say of how far they reach.

    Attributes:
        marts: of a day, by name; without ``figures``.
        own_seller: the customer's own.
        own_products: own products with a valid GTIN.
        minimum_prices: products with a minimum advertised price.
        watched: competitors' offers of them.
        watched_products: those of them that a competitor offers.
    """

    marts: Mapping[str, pl.DataFrame]
    own_seller: str
    own_products: int
    minimum_prices: int = 0
    watched: int = 0
    watched_products: int = 0

    def sides(self) -> tuple[tuple[str, pl.Expr], ...]:
        """Return the two sides, own and market, with what tells them apart."""
        mine = pl.col("seller") == self.own_seller
        return (("own", mine), ("market", ~mine))

    def competitors(self) -> pl.DataFrame:
        """Return COVERAGE of the competitors."""
        return self.marts["coverage"].filter(pl.col("seller") != self.own_seller)

    def markets(self) -> list[str]:
        """Return the whole market and each competitor's, there on the day or before."""
        return [WHOLE_MARKET, *sorted(map(market_of, self.competitors()["seller"]))]

    def of(self, products: int) -> float | None:
        """Return the share of the own products that are compared."""
        return ratio(products, self.own_products)

    def with_gtin(self, sellers: pl.DataFrame) -> float | None:
        """Return the share of some sellers' offers that carry a valid GTIN."""
        return ratio(int(sellers["offers_with_gtin"].sum()), int(sellers["offers"].sum()))

    def lacking(self, market: str) -> str:
        """Return why nothing is compared with a market."""
        sellers = self.competitors()
        if market != WHOLE_MARKET:
            sellers = sellers.filter(market == ONE_SELLER)
        if not sellers["offers"].sum():
            who = "no competitor has" if market == WHOLE_MARKET else "it has no"
            return f"{who} offers on the day"
        return "no product was compared" if self.own_products else NO_OWN_GTIN
