"""Availability: what can be had, how much of it nobody knows, and since when something is out.

Out of stock is what cannot be had now: ``out_of_stock``, ``preorder`` and ``backorder``. What is
``unknown`` or ``blocked`` says nothing of the product: it stands outside the denominator and is
shown as coverage. What is ``discontinued`` is known and no longer offered, so it is neither.
"""

from __future__ import annotations

import polars as pl

from flows.pipeline.insights.exact import share
from flows.pipeline.insights.panel import CANNOT_BE_HAD, IN_STOCK, OUT, UNSEEN, UNTOLD, Panel
from flows.pipeline.insights.position import ONE_SELLER, WHOLE_MARKET
from flows.pipeline.insights.spans import dates_of, span
from flows.pipeline.mart_schema import AVAILABILITY, OUT_OF_STOCK
from flows.pipeline.schema import conform

_TOLD = pl.col("availability").fill_null("unknown")
_IS_OUT = _TOLD.is_in(CANNOT_BE_HAD)


def availability(offers: pl.DataFrame, *, own_seller: str) -> pl.DataFrame:
    """Return what can be had of each seller, and of the competitors together.

    ``out_of_stock_rate`` = out of stock / (in stock + out of stock); null where nothing is known.
    ``coverage`` = offers of which something is known / offers.

    Args:
        offers: OFFERS of the day. One carried over from an earlier day is unknown.
        own_seller: the customer's own.

    Returns:
        AVAILABILITY, the own seller first, then ``all``, then by name.
    """
    told = pl.when(pl.col("stale").fill_null(False)).then(pl.lit("unknown")).otherwise(_TOLD)
    each = offers.select(
        "day", seller=ONE_SELLER, is_own=pl.col("seller") == own_seller, availability=told
    )
    both = pl.concat([each, each.filter(~pl.col("is_own")).with_columns(seller=pl.lit("all"))])
    counted = (
        both.group_by("day", "seller", "is_own")
        .agg(
            offers=pl.len(),
            in_stock=(_TOLD == "in_stock").sum(),
            out_of_stock=_IS_OUT.sum(),
            discontinued=(_TOLD == "discontinued").sum(),
            blocked=(_TOLD == "blocked").sum(),
        )
        .with_columns(known=pl.col("in_stock") + pl.col("out_of_stock"))
        .with_columns(
            unknown=pl.col("offers") - pl.col("known") - pl.col("discontinued") - pl.col("blocked"),
            out_of_stock_rate=share(pl.col("out_of_stock"), pl.col("known")),
            coverage=share(pl.col("known") + pl.col("discontinued"), pl.col("offers")),
        )
        .with_columns(note=_note())
    )
    return conform(counted, AVAILABILITY).sort(
        ~pl.col("is_own"), pl.col("seller") != WHOLE_MARKET, "seller"
    )


def _note() -> pl.Expr:
    blocked = pl.format(
        "not enough data: {} of {} pages were blocked, the rest say nothing",
        pl.col("blocked"),
        pl.col("offers"),
    )
    return (
        pl.when(pl.col("known") > 0)
        .then(None)
        .when(pl.col("blocked") > 0)
        .then(blocked)
        .when(pl.col("discontinued") > 0)
        .then(pl.lit("not enough data: nothing but discontinued products"))
        .otherwise(pl.lit("not enough data: the source does not tell what is in stock"))
    )


def out_of_stock(panel: Panel, *, own_seller: str) -> pl.DataFrame:
    """Return the offers that cannot be had, and since when.

    A streak is the days in a row, back from this one, on which the offer was seen to be out. Days
    of which nothing is known are passed over and counted apart; a day on which the offer was not
    there at all is one of them.

    Returns:
        OUT_OF_STOCK, the longest streaks first.
    """
    stale = pl.col("stale").fill_null(False)
    which = panel.offers.select(found=_IS_OUT & ~stale)["found"].to_numpy()
    mine = panel.of(which)
    known = (mine.state != UNTOLD) & (mine.state != UNSEEN)
    streak = span(known, mine.state == OUT)
    day = panel.offers["day"][0] if panel.offers.height else None
    since = dates_of(streak.first, panel.days, day) if day is not None else []
    ever_in = (mine.state == IN_STOCK).any(axis=0) if panel.days else streak.first < 0
    made = mine.offers.with_columns(
        is_own=pl.col("seller") == own_seller,
        streak_days=pl.Series(streak.days + 1),
        since=pl.Series(since, dtype=pl.Date),
        unknown_days=pl.Series(streak.unknown),
        last_in_stock=mine.dates(streak.ended),
        reaches_back=pl.Series(~ever_in, dtype=pl.Boolean),
    )
    return conform(made, OUT_OF_STOCK).sort(
        "streak_days", "seller", "store_id", "sku", descending=[True, False, False, False]
    )
