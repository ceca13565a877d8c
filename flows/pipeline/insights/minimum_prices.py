"""Minimum advertised prices: who is below, by how much, since when, and where it can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import polars as pl

from flows.pipeline.insights.exact import rounded
from flows.pipeline.insights.panel import Panel, in_cents
from flows.pipeline.insights.spans import dates_of, span
from flows.pipeline.mart_schema import MAP_VIOLATIONS
from flows.pipeline.schema import MONEY, conform

_MINIMUM = {"gtin": pl.String(), "minimum_price": MONEY}


def covered(
    offers: pl.DataFrame, minimum: Mapping[str, Decimal], *, own_seller: str
) -> pl.DataFrame:
    """Return the competitors' priced offers of products with a minimum price, with it.

    Own offers are not held against it: it is what the customer asks of others. An offer carried
    over from an earlier day advertises nothing today.
    """
    # A null first, so that no rules at all are a frame of the same types.
    prices = pl.DataFrame(
        {"gtin": list(minimum), "minimum_price": list(minimum.values())}, schema=_MINIMUM
    )
    return offers.filter(
        (pl.col("seller") != own_seller)
        & (pl.col("price") > 0).fill_null(False)
        & ~pl.col("stale").fill_null(False)
    ).join(prices, on="gtin", how="inner")


def map_violations(
    panel: Panel, minimum: Mapping[str, Decimal], *, own_seller: str
) -> pl.DataFrame:
    """Return the offers below their minimum advertised price, with the evidence.

    ``below_minimum`` = minimum − price; ``…_pct`` = that / minimum × 100. ``since`` is the first
    of the days in a row, back from this one, on which the offer was seen below.

    Returns:
        MAP_VIOLATIONS, the furthest below first.
    """
    found = covered(panel.offers.with_row_index("place"), minimum, own_seller=own_seller).filter(
        pl.col("price") < pl.col("minimum_price")
    )
    if found.is_empty():
        return pl.DataFrame(schema=MAP_VIOLATIONS)
    places = found["place"].to_numpy()
    price = panel.price[:, places]
    least = found.select(in_cents(pl.col("minimum_price"))).to_series().to_numpy()
    below = span(price > 0, price < least)
    gap = pl.col("minimum_price") - pl.col("price")
    return conform(
        found.with_columns(
            below_minimum=gap.cast(MONEY),
            below_minimum_pct=rounded(
                100 * gap.cast(pl.Float64) / pl.col("minimum_price").cast(pl.Float64)
            ),
            since=pl.Series(dates_of(below.first, panel.days, found["day"][0]), dtype=pl.Date),
            days_seen=pl.Series(below.days + 1),
        ),
        MAP_VIOLATIONS,
    ).sort(
        "below_minimum_pct",
        "seller",
        "store_id",
        "sku",
        descending=[True, False, False, False],
    )
