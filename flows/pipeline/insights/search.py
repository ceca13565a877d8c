"""Share of search: how much of what shoppers are shown is the customer's own."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from flows.pipeline.insights.exact import share
from flows.pipeline.insights.position import WHOLE_MARKET
from flows.pipeline.mart_schema import SEARCH_SHARE
from flows.pipeline.schema import conform


def search_share(
    results: pl.DataFrame, own: pl.DataFrame, *, own_brands: Sequence[str], positions: int
) -> pl.DataFrame:
    """Return the own share of the first results, for each site and search words.

    A result is own where its GTIN is that of an own product, or its brand one of the customer's
    (letters' case does not matter). Sponsored results count as any other: a shopper sees them.
    ``share`` = own results / results among the first positions.

    Args:
        results: SEARCH_RESULTS.
        own: OFFERS of the own seller.
        own_brands: brands that count as own.
        positions: how many of the first are looked at.

    Returns:
        SEARCH_SHARE, by site, all words of it first.
    """
    brands = [brand.casefold() for brand in own_brands]
    ours = own.select(pl.col("gtin").drop_nulls().unique())["gtin"]
    looked_at = results.filter(pl.col("position").is_between(1, positions)).with_columns(
        is_own=pl.col("gtin").is_in(ours.implode()).fill_null(False)
        | pl.col("brand").str.strip_chars().str.to_lowercase().is_in(brands).fill_null(False)
    )
    both = pl.concat([looked_at, looked_at.with_columns(words=pl.lit(WHOLE_MARKET))])
    counted = both.group_by("day", "site", "words").agg(
        results=pl.len(),
        own_results=pl.col("is_own").sum(),
        best_own_position=pl.col("position").filter("is_own").min(),
    )
    return conform(
        counted.with_columns(share=share(pl.col("own_results"), pl.col("results"))), SEARCH_SHARE
    ).sort("site", pl.col("words") != WHOLE_MARKET, "words")
