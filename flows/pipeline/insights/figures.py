"""Figures: every headline number with its numerator, denominator, n, coverage and date.

Where there is not enough data the value is null and the note says why; a figure is never 0 or
NaN for want of data, and never left out: a competitor that could not be compared has its rows.

``coverage`` is the share of what a figure speaks of that it rests on: of indices, shares and
gaps the own products compared; of price changes the offers that were there before; of
assortments the offers that carry a valid GTIN; of availability and promotions the offers whose
source tells; of discounts those on which a verdict was possible; of minimum prices the products
that somebody offers; of content the rules whose field is carried; of precision the accepted pairs
that were audited. What each means and how it is made: docs/figures.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from flows.pipeline.insights.basis import Basis
from flows.pipeline.insights.position import WHOLE_MARKET
from flows.pipeline.insights.price_figures import price_figures
from flows.pipeline.insights.range_figures import range_figures
from flows.pipeline.mart_schema import FIGURES

RULE_VERSION = "2026.2"
"""Rises when a definition changes, so that figures of different rules are not compared."""


def figures(
    marts: Mapping[str, pl.DataFrame],
    *,
    day: date,
    own_seller: str,
    own_products: int,
    minimum_prices: int = 0,
    watched: int = 0,
    watched_products: int = 0,
) -> pl.DataFrame:
    """Return the headline figures of a day.

    Args:
        marts: the other marts of the day.
        day: as of which they are.
        own_seller: the customer's own.
        own_products: own products with a valid GTIN.
        minimum_prices: products with a minimum advertised price.
        watched: competitors' offers of them.
        watched_products: those of them that a competitor offers.

    Returns:
        FIGURES, sorted by figure, ``all`` before each competitor.
    """
    basis = Basis(marts, own_seller, own_products, minimum_prices, watched, watched_products)
    stamp = {"day": day, "as_of": day, "rule_version": RULE_VERSION}
    rows = [{**stamp, **row} for row in (*price_figures(basis), *range_figures(basis))]
    columns = {name: [row.get(name) for row in rows] for name in FIGURES}
    return pl.DataFrame(columns, schema=FIGURES).sort(
        "figure", pl.col("market") != WHOLE_MARKET, "market"
    )
