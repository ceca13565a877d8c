"""Comparisons: every matched pair with both prices, the evidence under each figure."""

from __future__ import annotations

import polars as pl

from flows.pipeline.insights.exact import rounded
from flows.pipeline.schema import COMPARISONS, MONEY, conform


def comparisons(own: pl.DataFrame, market: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each match with both prices.

    ``ratio_own_over_seller`` = own price / competitor price; ``gap_own_minus_seller`` = own price
    - competitor price, in currency. A pair under review is listed with its reason and not used.

    Args:
        own: OFFERS of the own seller.
        market: OFFERS of the competitors.
        matches: MATCHES of the two.

    Returns:
        COMPARISONS, sorted by GTIN and seller.
    """
    left = own.select(
        own_store_id="store_id",
        own_sku="sku",
        own_name="name",
        brand="brand",
        own_price="price",
        currency="currency",
    )
    right = market.select("seller", "store_id", "sku", seller_product="name", seller_price="price")
    return conform(
        matches.join(left, on=["own_store_id", "own_sku"], how="inner")
        .join(right, on=["seller", "store_id", "sku"], how="inner")
        .with_columns(
            seller_sku="sku",
            used=pl.col("decision") == "accept",
            ratio_own_over_seller=rounded(
                pl.col("own_price").cast(pl.Float64) / pl.col("seller_price").cast(pl.Float64)
            ),
            gap_own_minus_seller=(pl.col("own_price") - pl.col("seller_price")).cast(MONEY),
        ),
        COMPARISONS,
    ).sort("gtin", "seller")
