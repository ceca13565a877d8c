"""Price changes: each offer against the last day on which it was seen before.

Not every difference is a decision about a price. A guard holds back what looks like something
else: it stays in the table with its reason and counts in no figure.

* another pack: the offer's size is not what it was;
* a shifted decimal point: the price is several times what it was;
* a shift of the whole store: most of its offers moved by one and the same factor;
* a flicker: a price that left by much for one day, and is back.

An offer that was carried over from an earlier day has no price of today: it is not compared.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from flows.pipeline.insights.exact import rounded, share
from flows.pipeline.insights.panel import (
    NEVER,
    PACK,
    Panel,
    in_money,
    today_of,
)
from flows.pipeline.mart_schema import CHANGE_SUMMARY, PRICE_CHANGES
from flows.pipeline.rules import ChangeGuards
from flows.pipeline.schema import MONEY, OFFER_KEY, conform

_KEY = list(OFFER_KEY)


def with_previous(panel: Panel) -> pl.DataFrame:
    """Return the offers that were seen before, with their last earlier price and its day.

    A missing day is thus no gap: the price of the day before it is compared. An earlier price
    that is not above 0, or in another currency, is none.

    Returns:
        OFFERS with previous_price, previous_day, previous_pack, and price_before: the price of
        the day seen before that one.
    """
    offers = panel.offers
    last = np.zeros(offers.height, dtype=np.int64)
    before = np.zeros(offers.height, dtype=np.int64)
    where = np.full(offers.height, NEVER, dtype=np.int64)
    for row in range(len(panel.days)):
        seen = panel.price[row] > 0
        before[seen] = last[seen]
        last[seen] = panel.price[row][seen]
        where[seen] = row
    stale = offers["stale"].fill_null(False).to_numpy()
    comparable = (last > 0) & (today_of(offers) > 0) & ~stale
    mine = panel.of(comparable)
    return mine.offers.with_columns(
        in_money(last[comparable], "previous_price"),
        in_money(before[comparable], "price_before"),
        previous_day=mine.dates(where[comparable]),
        previous_pack=mine.pack,
    )


def price_changes(seen: pl.DataFrame, guards: ChangeGuards) -> pl.DataFrame:
    """Return the offers whose price differs from their last earlier one.

    ``change_new_over_previous_pct`` = 100 × (price − previous price) / previous price.

    Args:
        seen: of `with_previous`.
        guards: when a change is not believed.

    Returns:
        PRICE_CHANGES, sorted by seller, store and code.
    """
    change = pl.col("price") - pl.col("previous_price")
    now, before = (pl.col(name).cast(pl.Float64) for name in ("price", "previous_price"))
    compared = seen.group_by("seller", "store_id").agg(compared=pl.len())
    # To the third decimal: prices are rounded after a tax is laid on them.
    factor = (now / before).round(3)
    moved = seen.filter(pl.col("price") != pl.col("previous_price")).with_columns(
        change_new_minus_previous=change.cast(MONEY),
        change_new_over_previous_pct=rounded(100 * change.cast(pl.Float64) / before),
        alike=pl.len().over("seller", "store_id", factor),
        times=(pl.max_horizontal(now, before) / pl.min_horizontal(now, before)),
    )
    return conform(
        moved.join(compared, on=["seller", "store_id"], how="left")
        .with_columns(guard=_guard(guards))
        .with_columns(believed=pl.col("guard").is_null()),
        PRICE_CHANGES,
    ).sort(_KEY)


def _guard(guards: ChangeGuards) -> pl.Expr:
    another_pack = pl.format("another pack: {} before, {} now", "previous_pack", PACK)
    shifted = pl.format("{} times the price: a shifted decimal point?", pl.col("times").round(1))
    alike = pl.format(
        "{} of the store's {} offers moved by the same factor: tax or currency?",
        "alike",
        "compared",
    )
    many = (pl.col("compared") >= guards.shift_least) & (
        pl.col("alike") >= guards.shift_share * pl.col("compared")
    )
    left = pl.col("change_new_over_previous_pct").abs() >= guards.bounce_pct
    flicker = pl.format("back at {} after one day: a flicker of the source?", "price")
    return (
        pl.when(pl.col("previous_pack") != PACK)
        .then(another_pack)
        .when(pl.col("times") >= guards.factor)
        .then(shifted)
        .when(many)
        .then(alike)
        .when(left & (pl.col("price_before") == pl.col("price")))
        .then(flicker)
    )


def change_summary(offers: pl.DataFrame, seen: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """Return per seller how many of the offers seen before have another price.

    ``changed_share`` = changed / compared, null where none of a seller's offers was seen before
    (it is new, or its file is of another store); only believed changes count. ``previous_day`` is
    the day that most of them are compared with, the later of two.

    Returns:
        CHANGE_SUMMARY, sorted by seller.
    """
    compared = seen.group_by("day", "seller").agg(
        compared=pl.len().cast(pl.Int64),
        previous_day=pl.col("previous_day").mode().max(),
    )
    believed = pl.col("believed")
    change = pl.col("change_new_minus_previous").filter(believed)
    changed = changes.group_by("seller").agg(
        changed=believed.sum().cast(pl.Int64),
        doubted=(~believed).sum().cast(pl.Int64),
        raised=(change > 0).sum().cast(pl.Int64),
        lowered=(change < 0).sum().cast(pl.Int64),
        median_change_new_over_previous_pct=rounded(
            pl.col("change_new_over_previous_pct").filter(believed).median()
        ),
    )
    counts = ("compared", "changed", "doubted", "raised", "lowered")
    return conform(
        offers.select("day", "seller")
        .unique()
        .join(compared.drop("day"), on="seller", how="left")
        .join(changed, on="seller", how="left")
        .with_columns(pl.col(*counts).fill_null(0))
        .with_columns(changed_share=share(pl.col("changed"), pl.col("compared"))),
        CHANGE_SUMMARY,
    ).sort("seller")
