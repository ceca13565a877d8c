"""Assortment: what is shared with whom, and what the customer does not sell.

A product is a valid GTIN; offers without one cannot be told apart across sellers and are left out.
"""

from __future__ import annotations

import polars as pl

from flows.pipeline.insights.exact import share
from flows.pipeline.schema import ASSORTMENT, ASSORTMENT_GAPS, conform


def assortment(own: pl.DataFrame, market: pl.DataFrame) -> pl.DataFrame:
    """Return the overlap with each competitor.

    ``shared_over_own`` = shared products / own products; ``shared_over_seller`` = shared / the
    competitor's.

    Returns:
        ASSORTMENT, sorted by seller.
    """
    ours = own.drop_nulls("gtin").select("gtin").unique()
    theirs = market.drop_nulls("gtin").select("day", "seller", "gtin").unique()
    counted = theirs.group_by("day", "seller").agg(
        seller_products=pl.len().cast(pl.Int64),
        shared_products=pl.col("gtin").is_in(ours["gtin"].implode()).sum().cast(pl.Int64),
    )
    return conform(
        counted.with_columns(own_products=pl.lit(ours.height, pl.Int64)).with_columns(
            shared_over_own=share(pl.col("shared_products"), pl.col("own_products")),
            shared_over_seller=share(pl.col("shared_products"), pl.col("seller_products")),
        ),
        ASSORTMENT,
    ).sort("seller")


def assortment_gaps(own: pl.DataFrame, market: pl.DataFrame) -> pl.DataFrame:
    """Return the products that competitors sell and the customer does not.

    The name and brand are those that most competitors use, the first of equals by alphabet.

    Returns:
        ASSORTMENT_GAPS, those of most sellers first, then by GTIN.
    """
    theirs = market.drop_nulls("gtin").join(
        own.drop_nulls("gtin").select("gtin").unique(), on="gtin", how="anti"
    )
    counted = theirs.group_by("day", "gtin", "currency").agg(
        name=pl.col("name").mode().min(),
        brand=pl.col("brand").drop_nulls().mode().min(),
        sellers=pl.col("seller").n_unique().cast(pl.Int64),
        seller_names=pl.col("seller").unique().sort().str.join(", "),
        market_lowest=pl.col("price").min(),
    )
    return conform(counted, ASSORTMENT_GAPS).sort(
        "sellers", "gtin", "currency", descending=[True, False, False]
    )
