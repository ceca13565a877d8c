"""Promotions: how much is on promotion and how deep, by the prices that sellers strike.

A promotion is an offer whose struck price is above its price. Whether a source tells struck
prices at all is seen from the source: one that has none on any of its offers does not tell, and
of it nothing is known — which is not the same as no promotion.
"""

from __future__ import annotations

import polars as pl

from flows.pipeline.insights.exact import exact_mean, rounded, share
from flows.pipeline.insights.position import ONE_SELLER, WHOLE_MARKET
from flows.pipeline.mart_schema import PROMOTIONS
from flows.pipeline.schema import conform

PROMOTED = (
    (pl.col("price") > 0)
    & (pl.col("regular_price") > pl.col("price"))
    & ~pl.col("stale").fill_null(False)
).fill_null(False)
"""Whether an offer of the day is on promotion, as its seller says."""

DEPTH_PCT = 100 * (1 - pl.col("price").cast(pl.Float64) / pl.col("regular_price").cast(pl.Float64))


def promotions(offers: pl.DataFrame, *, own_seller: str) -> pl.DataFrame:
    """Return the share and depth of promotions of each seller, and of the competitors together.

    ``promotion_share`` = promoted / offers of sources that tell struck prices;
    ``mean_depth_pct`` = mean over the promoted of 100 × (struck − price) / struck price.

    Returns:
        PROMOTIONS, the own seller first, then ``all``, then by name.
    """
    each = offers.select(
        "day",
        # Before the whole market's rows are made: each seller is a source of its own.
        tells=pl.col("regular_price").is_not_null().any().over("seller"),
        seller=ONE_SELLER,
        is_own=pl.col("seller") == own_seller,
        known=(pl.col("price") > 0).fill_null(False) & ~pl.col("stale").fill_null(False),
        promoted=PROMOTED,
        not_above=(pl.col("regular_price") <= pl.col("price")).fill_null(False),
        depth=pl.when(PROMOTED).then(DEPTH_PCT),
    ).with_columns(known=pl.col("known") & pl.col("tells"))
    both = pl.concat([each, each.filter(~pl.col("is_own")).with_columns(seller=pl.lit("all"))])
    silent = pl.lit("not enough data: the source tells no struck prices")
    counted = (
        both.group_by("day", "seller", "is_own")
        .agg(
            pl.col("known", "promoted", "not_above").sum(),
            offers=pl.len(),
            mean_depth_pct=rounded(exact_mean(pl.col("depth"))),
            median_depth_pct=rounded(pl.col("depth").median()),
        )
        .with_columns(
            promotion_share=share(pl.col("promoted"), pl.col("known")),
            coverage=share(pl.col("known"), pl.col("offers")),
            note=pl.when(pl.col("known") == 0).then(silent),
        )
    )
    return conform(counted, PROMOTIONS).sort(
        ~pl.col("is_own"), pl.col("seller") != WHOLE_MARKET, "seller"
    )
