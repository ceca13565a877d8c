"""Assortment: what is shared with whom, and what the customer does not sell.

A product is a valid GTIN; offers without one cannot be told apart across sellers and are left out.
"""

from __future__ import annotations

import polars as pl

from flows.pipeline.insights.exact import share
from flows.pipeline.mart_schema import ASSORTMENT, ASSORTMENT_GAPS
from flows.pipeline.schema import conform


def assortment(own: pl.DataFrame, market: pl.DataFrame) -> pl.DataFrame:
    """Return the overlap with each competitor.

    ``shared_over_own`` = shared products / own products; ``shared_over_seller`` = shared / the
    competitor's. Both are null where either side has no product: then nothing can be said.

    Returns:
        ASSORTMENT, sorted by seller; a row for each that has offers, with a GTIN or not.
    """
    ours = own.drop_nulls("gtin").select("gtin").unique()
    theirs = market.drop_nulls("gtin").select("day", "seller", "gtin").unique()
    counted = theirs.group_by("day", "seller").agg(
        seller_products=pl.len().cast(pl.Int64),
        shared_products=pl.col("gtin").is_in(ours["gtin"].implode()).sum().cast(pl.Int64),
    )
    both = (pl.col("own_products") > 0) & (pl.col("seller_products") > 0)
    shared = pl.when(both).then(pl.col("shared_products"))
    return conform(
        market.select("day", "seller")
        .unique()
        .join(counted, on=["day", "seller"], how="left")
        .with_columns(
            pl.col("seller_products", "shared_products").fill_null(0),
            own_products=pl.lit(ours.height, pl.Int64),
        )
        .with_columns(
            shared_over_own=share(shared, pl.col("own_products")),
            shared_over_seller=share(shared, pl.col("seller_products")),
        ),
        ASSORTMENT,
    ).sort("seller")


def assortment_gaps(own: pl.DataFrame, market: pl.DataFrame) -> pl.DataFrame:
    """Return the products that competitors sell and the customer does not.

    The name and brand are those that most offers carry, the first of equals by alphabet; blank
    ones do not count.

    Returns:
        ASSORTMENT_GAPS, those of most sellers first, then by GTIN.
    """
    theirs = market.drop_nulls("gtin").join(
        own.drop_nulls("gtin").select("gtin").unique(), on="gtin", how="anti"
    )
    counted = theirs.group_by("day", "gtin", "currency").agg(
        name=_usual("name"),
        brand=_usual("brand"),
        sellers=pl.col("seller").n_unique().cast(pl.Int64),
        seller_names=pl.col("seller").unique().sort().str.join(", "),
        market_lowest=pl.col("price").min(),
    )
    return conform(counted, ASSORTMENT_GAPS).sort(
        "sellers", "gtin", "currency", descending=[True, False, False]
    )


def _usual(column: str) -> pl.Expr:
    said = pl.col(column).filter(pl.col(column).is_not_null() & (pl.col(column) != ""))
    return said.mode().min()
