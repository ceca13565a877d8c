"""Assortment by brand, category and price tier: where the overlap is, and where the gaps are.

A product is a valid GTIN. Its brand and category are those that most offers of it carry, whoever
sells it, so that own and market are counted into the same groups; of a category the widest part
counts ("Food" of "Food > Dairy > Milk"). Price tiers are thirds of all products of the day by
their lowest price, in the currency that most of them have.
"""

from __future__ import annotations

import polars as pl

from flows.pipeline.insights.exact import share
from flows.pipeline.mart_schema import ASSORTMENT_GROUPS
from flows.pipeline.schema import conform

TIERS = ("low", "middle", "high")


def assortment_groups(offers: pl.DataFrame, *, own_seller: str) -> pl.DataFrame:
    """Return overlap and gaps in each group.

    ``shared_over_market`` = shared / products of the market in the group, null where it has
    none; ``shared_over_own`` the same over own. What has no brand or category has a row of its
    own, with a null for its value. A dimension of which nothing is known has no rows.

    Returns:
        ASSORTMENT_GROUPS, by dimension, the largest groups of the market first.
    """
    products = _products(offers, own_seller)
    made = [pl.DataFrame(schema=ASSORTMENT_GROUPS)]
    for dimension in ("brand", "category", "price tier"):
        if not products[dimension].is_not_null().any():
            continue
        counted = products.group_by("day", value=pl.col(dimension)).agg(
            dimension=pl.lit(dimension),
            own_products=pl.col("own").sum(),
            market_products=pl.col("market").sum(),
            shared_products=(pl.col("own") & pl.col("market")).sum(),
            own_only=(pl.col("own") & ~pl.col("market")).sum(),
            gaps=(~pl.col("own") & pl.col("market")).sum(),
        )
        made.append(
            conform(
                counted.with_columns(
                    shared_over_market=share(pl.col("shared_products"), pl.col("market_products")),
                    shared_over_own=share(pl.col("shared_products"), pl.col("own_products")),
                ),
                ASSORTMENT_GROUPS,
            )
        )
    return pl.concat(made).sort(
        "dimension",
        pl.col("value").is_null(),
        -pl.col("market_products"),
        "value",
    )


def _products(offers: pl.DataFrame, own_seller: str) -> pl.DataFrame:
    sold = offers.filter(pl.col("gtin").is_not_null())
    widest = pl.col("category").str.split(">").list.first().str.strip_chars()
    mine = pl.col("seller") == own_seller
    return (
        sold.lazy()
        .group_by("day", "gtin")
        .agg(own=mine.any(), market=(~mine).any())
        .join(_usual(sold, pl.col("brand"), "brand"), on="gtin", how="left")
        .join(_usual(sold, widest, "category"), on="gtin", how="left")
        .join(_tiers(sold), on="gtin", how="left")
        .collect()
    )


def _usual(sold: pl.DataFrame, said: pl.Expr, name: str) -> pl.LazyFrame:
    """Return what most offers of each product say, the first of equals by alphabet."""
    return (
        sold.lazy()
        .select("gtin", said.str.strip_chars().alias(name))
        .filter(pl.col(name).is_not_null() & (pl.col(name) != ""))
        .group_by("gtin", name)
        .len()
        .sort("gtin", "len", name, descending=[False, True, False])
        .unique("gtin", keep="first", maintain_order=True)
        .select("gtin", name)
    )


def _tiers(sold: pl.DataFrame) -> pl.LazyFrame:
    priced = sold.lazy().filter((pl.col("price") > 0).fill_null(False))
    usual = (
        priced.group_by("currency").len().sort("len", "currency", descending=[True, False]).first()
    )
    lowest = (
        priced.join(usual.select("currency"), on="currency", how="semi")
        .group_by("gtin")
        .agg(lowest=pl.col("price").min())
    )
    # By rank, so that the thirds are equal; products of one price share a tier.
    third = (3 * (pl.col("lowest").rank("min") - 1) / pl.len()).floor().cast(pl.Int64)
    names = pl.DataFrame({"third": [0, 1, 2], "tier": list(TIERS)}).lazy()
    ranked = lowest.with_columns(third=third)
    bounds = ranked.group_by("third").agg(low=pl.col("lowest").min(), high=pl.col("lowest").max())
    label = pl.format(
        "{}: {} to {}",
        "tier",
        *(pl.col(side).cast(pl.Decimal(18, 2)) for side in ("low", "high")),
    )
    words = bounds.join(names, on="third").select("third", label.alias("price tier"))
    return ranked.join(words, on="third").select("gtin", "price tier")
