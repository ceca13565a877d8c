"""Discounts: is a struck price what the product had really cost?

The reference is the lowest price of the 30 days before the present price began (Article 6a of
Directive 98/6/EC, "the lowest price applied by the trader during a period of time not shorter
than 30 days prior to the application of the price reduction"). A price that went 100 → 80 → 70
and strikes the 100 is a reduction of 12.5 %, not of 30 %.

One lower price in the window is enough to find a claim overstated. To find it valid, enough of
the window must have been observed: else it is unproven, which is no verdict against the seller.
"""

from __future__ import annotations

import polars as pl

from flows.pipeline.insights.exact import rounded
from flows.pipeline.insights.panel import Panel, in_money, today_of
from flows.pipeline.insights.promotions import DEPTH_PCT, PROMOTED
from flows.pipeline.insights.spans import dates_of, lowest_before, span
from flows.pipeline.mart_schema import DISCOUNTS
from flows.pipeline.rules import DiscountRules
from flows.pipeline.schema import conform

DECIDED = ("valid", "overstated", "no_reduction")
"""Verdicts that say something of the seller."""


def discounts(panel: Panel, rules: DiscountRules, *, own_seller: str) -> pl.DataFrame:
    """Return what each promoted offer claims, and what the days before say of it.

    ``claimed_reduction_pct`` = 100 × (struck − price) / struck price;
    ``true_reduction_pct`` = 100 × (lowest − price) / lowest price of the window, null where no
    day of it was seen. Verdicts: ``no_reduction`` where price ≥ lowest, ``overstated`` where
    struck > lowest, ``valid`` where neither and enough days were seen, else ``unproven``.

    Returns:
        DISCOUNTS, sorted by verdict, then the most overstated first.
    """
    promoted = panel.offers.select(found=PROMOTED)["found"].to_numpy()
    mine = panel.of(promoted)
    if mine.offers.is_empty():
        return pl.DataFrame(schema=DISCOUNTS)
    day = mine.offers["day"][0]
    same = span(mine.price > 0, mine.price == today_of(mine.offers))
    since = dates_of(same.first, mine.days, day)
    lowest = lowest_before(mine.price, mine.days, since, rules.window_days)
    made = mine.offers.with_columns(
        in_money(lowest.price, "lowest_before"),
        lowest_day=mine.dates(lowest.day),
        is_own=pl.col("seller") == own_seller,
        since=pl.Series(since, dtype=pl.Date),
        days_observed=pl.Series(lowest.days),
        days_of_window=pl.lit(rules.window_days, pl.Int64),
        claimed_reduction_pct=rounded(DEPTH_PCT),
    ).with_columns(
        true_reduction_pct=rounded(
            100 * (1 - pl.col("price").cast(pl.Float64) / pl.col("lowest_before").cast(pl.Float64))
        ),
        verdict=_verdict(rules.least_days),
        reason=_reason(rules.least_days),
    )
    overstatement = pl.col("claimed_reduction_pct") - pl.col("true_reduction_pct")
    return (
        conform(made, DISCOUNTS)
        .with_columns(by=overstatement.fill_null(-1), rank=_RANK)
        .sort(
            "rank",
            "by",
            "seller",
            "store_id",
            "sku",
            descending=[False, True, False, False, False],
        )
        .drop("by", "rank")
    )


_NONE = pl.col("price") >= pl.col("lowest_before")
_OVER = pl.col("regular_price") > pl.col("lowest_before")
_RANK = pl.col("verdict").replace_strict(
    {"no_reduction": 0, "overstated": 1, "valid": 2, "unproven": 3}, return_dtype=pl.Int64
)


def _verdict(least: int) -> pl.Expr:
    return (
        pl.when(_NONE)
        .then(pl.lit("no_reduction"))
        .when(_OVER)
        .then(pl.lit("overstated"))
        .when(pl.col("days_observed") >= least)
        .then(pl.lit("valid"))
        .otherwise(pl.lit("unproven"))
    )


def _reason(least: int) -> pl.Expr:
    sold = pl.format(
        "sold at {} on {}; struck is {}",
        pl.col("lowest_before"),
        pl.col("lowest_day"),
        pl.col("regular_price"),
    )
    few = pl.format(
        "not enough data: {} of {} days before {} were seen, " + f"{least} are needed",
        pl.col("days_observed"),
        pl.col("days_of_window"),
        pl.col("since"),
    )
    return pl.when(_NONE | _OVER).then(sold).when(pl.col("days_observed") < least).then(few)
