"""Comparisons: every matched pair with both prices, the evidence under each figure.

This is the one place that decides whether two prices are compared at all, so that what comes
after it divides by no zero and mixes no currencies.
"""

from __future__ import annotations

import polars as pl

from flows.pipeline.insights.exact import rounded
from flows.pipeline.mart_schema import COMPARISONS
from flows.pipeline.schema import MONEY, conform


def comparisons(own: pl.DataFrame, market: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each match of two offers that are there, with both prices.

    ``ratio_own_over_seller`` = own price / competitor price; ``gap_own_minus_seller`` = own price
    - competitor price, in currency. A pair under review is listed with its reason and not used.
    A pair in two currencies, or with a price that is not above 0, is not used either, and has
    neither ratio nor gap.

    Args:
        own: OFFERS of the own seller.
        market: OFFERS of the competitors.
        matches: MATCHES of the two.

    Returns:
        COMPARISONS, sorted by GTIN, seller and the two codes.
    """
    left = own.select(
        own_store_id="store_id",
        own_sku="sku",
        own_name="name",
        brand="brand",
        own_price="price",
        currency="currency",
    )
    right = market.select(
        "seller",
        "store_id",
        "sku",
        seller_product="name",
        seller_price="price",
        seller_currency="currency",
    )
    one_currency = (pl.col("currency") == pl.col("seller_currency")).fill_null(False)
    priced = ((pl.col("own_price") > 0) & (pl.col("seller_price") > 0)).fill_null(False)
    comparable = one_currency & priced
    used = comparable & (pl.col("decision") == "accept").fill_null(False)
    other_currency = pl.format(
        "prices in {} and {} are not compared",
        pl.col("currency").fill_null("an unknown currency"),
        pl.col("seller_currency").fill_null("an unknown currency"),
    )
    reason = pl.coalesce(
        pl.when(~one_currency).then(other_currency),
        pl.when(~priced).then(pl.lit("a price that is not above 0 is not compared")),
        "reason",
        pl.lit("not accepted"),
    )
    ratio = pl.col("own_price").cast(pl.Float64) / pl.col("seller_price").cast(pl.Float64)
    gap = (pl.col("own_price") - pl.col("seller_price")).cast(MONEY)
    return conform(
        matches.join(left, on=["own_store_id", "own_sku"], how="inner")
        .join(right, on=["seller", "store_id", "sku"], how="inner")
        .with_columns(
            seller_sku="sku",
            used=used,
            reason=pl.when(~used).then(reason),
            ratio_own_over_seller=pl.when(comparable).then(rounded(ratio)),
            gap_own_minus_seller=pl.when(comparable).then(gap),
        ),
        COMPARISONS,
    ).sort("gtin", "seller", "own_sku", "seller_sku")
