"""Price changes: each offer against the last day on which it was seen before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from flows.pipeline.insights.exact import rounded, share
from flows.pipeline.schema import (
    CHANGE_SUMMARY,
    MONEY,
    OFFER_KEY,
    OFFERS,
    PRICE_CHANGES,
    conform,
)

_KEY = list(OFFER_KEY)


def with_previous(offers: pl.DataFrame, history: Mapping[date, pl.DataFrame]) -> pl.DataFrame:
    """Return the offers that were seen before, with their last earlier price and its day.

    A missing day is thus no gap: the price of the day before it is compared. An earlier price
    that is not above 0 is none.

    Args:
        offers: OFFERS of the day.
        history: OFFERS of earlier days.
    """
    lean = [
        frame.filter(pl.col("price") > 0).select(*_KEY, previous_price="price", previous_day="day")
        for _, frame in sorted(history.items())
    ]
    if not lean:
        lean = [
            pl.DataFrame(
                schema={
                    **{name: OFFERS[name] for name in _KEY},
                    "previous_price": MONEY,
                    "previous_day": pl.Date(),
                }
            )
        ]
    last = pl.concat(lean).unique(_KEY, keep="last", maintain_order=True)
    return offers.join(last, on=_KEY, how="inner")


def price_changes(seen: pl.DataFrame) -> pl.DataFrame:
    """Return the offers whose price differs from their last earlier one.

    ``change_new_over_previous_pct`` = 100 × (price − previous price) / previous price.

    Args:
        seen: of `with_previous`.

    Returns:
        PRICE_CHANGES, sorted by seller, store and code.
    """
    change = pl.col("price") - pl.col("previous_price")
    return conform(
        seen.filter(pl.col("price") != pl.col("previous_price")).with_columns(
            change_new_minus_previous=change.cast(MONEY),
            change_new_over_previous_pct=rounded(
                100 * change.cast(pl.Float64) / pl.col("previous_price").cast(pl.Float64)
            ),
        ),
        PRICE_CHANGES,
    ).sort(_KEY)


def change_summary(offers: pl.DataFrame, seen: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """Return per seller how many of the offers seen before have another price.

    ``changed_share`` = changed / compared, null where none of a seller's offers was seen before
    (it is new, or its file is of another store); ``previous_day`` is the day that most of them
    are compared with, the later of two.

    Returns:
        CHANGE_SUMMARY, sorted by seller.
    """
    compared = seen.group_by("day", "seller").agg(
        compared=pl.len().cast(pl.Int64),
        previous_day=pl.col("previous_day").mode().max(),
    )
    changed = changes.group_by("seller").agg(
        changed=pl.len().cast(pl.Int64),
        raised=(pl.col("change_new_minus_previous") > 0).sum().cast(pl.Int64),
        lowered=(pl.col("change_new_minus_previous") < 0).sum().cast(pl.Int64),
        median_change_new_over_previous_pct=rounded(
            pl.col("change_new_over_previous_pct").median()
        ),
    )
    return conform(
        offers.select("day", "seller")
        .unique()
        .join(compared.drop("day"), on="seller", how="left")
        .join(changed, on="seller", how="left")
        .with_columns(pl.col("compared", "changed", "raised", "lowered").fill_null(0))
        .with_columns(changed_share=share(pl.col("changed"), pl.col("compared"))),
        CHANGE_SUMMARY,
    ).sort("seller")
