"""Coverage: which sellers are in the day's figures, how completely, and since when.

A seller's baseline is the median number of its offers on the earlier days on which it was seen.
Between 0.8 and 1.25 of it a day is as usual: chains' files vary by a few percent from day to day,
while a file that was cut short or sent twice leaves these bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from flows.pipeline.insights.exact import rounded
from flows.pipeline.mart_schema import COVERAGE
from flows.pipeline.schema import conform

PARTIAL, INFLATED = 0.8, 1.25

_STORES_NAMED = 3
"""With more of them a note would be a list."""


def coverage(
    offers: pl.DataFrame,
    seen: pl.DataFrame,
    *,
    days: Sequence[date],
    day: date,
    own_seller: str,
    days_expected: Sequence[date],
) -> pl.DataFrame:
    """Return each seller's standing on the day.

    ``status``: fresh; partial or inflated against the baseline; missing (seen before, not
    today); new (never seen before); returned (not on the last earlier day, but before that).

    Args:
        offers: OFFERS of the day, all sellers.
        seen: `Panel.sellers`: what each seller had on each earlier day.
        days: earlier days for which there are offers.
        day: the day.
        own_seller: the customer's own.
        days_expected: earlier days for which there should be offers.

    Returns:
        COVERAGE, the own seller first, then by name.
    """
    stores = pl.col("store_id").unique().sort().str.join(", ")
    now = offers.group_by("seller").agg(
        stores=stores,
        offers=pl.len().cast(pl.Int64),
        offers_with_gtin=pl.col("gtin").count().cast(pl.Int64),
        latest_price_update=pl.col("updated_at").max(),
    )
    past = seen.group_by("seller").agg(
        baseline_offers=pl.col("count").median(),
        days_seen=pl.len().cast(pl.Int64),
        first_before=pl.col("seen").min(),
        last_before=pl.col("seen").max(),
        stores_before=pl.col("stores").sort_by("seen").last(),
    )
    joined = now.join(past, on="seller", how="full", coalesce=True).with_columns(
        pl.col("offers", "offers_with_gtin", "days_seen").fill_null(0)
    )
    here = pl.col("offers") > 0
    latest = max(days, default=None)
    made = joined.with_columns(
        day=pl.lit(day, pl.Date),
        is_own=pl.col("seller") == own_seller,
        days_expected=pl.lit(len(days_expected), pl.Int64),
        first_seen=pl.coalesce("first_before", pl.lit(day, pl.Date)),
        last_seen=pl.when(here).then(pl.lit(day, pl.Date)).otherwise("last_before"),
        offers_over_baseline=rounded(pl.col("offers") / pl.col("baseline_offers")),
    )
    share = pl.col("offers_over_baseline")
    made = made.with_columns(
        status=pl.when(~here)
        .then(pl.lit("missing"))
        .when(pl.col("days_seen") == 0)
        .then(pl.lit("new" if days else "fresh"))
        .when(share < PARTIAL)
        .then(pl.lit("partial"))
        .when(share > INFLATED)
        .then(pl.lit("inflated"))
        .when(pl.col("last_before") < pl.lit(latest, pl.Date))
        .then(pl.lit("returned"))
        .otherwise(pl.lit("fresh"))
    )
    notes = [_note(row, day) for row in made.iter_rows(named=True)]
    return conform(made.with_columns(pl.Series("note", notes, dtype=pl.String)), COVERAGE).sort(
        ~pl.col("is_own"), "seller"
    )


def _note(row: Mapping[str, object], day: date) -> str | None:
    status, usual = row["status"], row["baseline_offers"]
    if status == "missing":
        last = row["last_before"]
        assert isinstance(last, date)
        ago = (day - last).days
        return f"last seen {last}, {ago} day{'s' * (ago != 1)} ago; not in the day's figures"
    if status in ("partial", "inflated"):
        return f"{row['offers']:,} offers; {usual:,.0f} are usual"
    if status == "new":
        return "on none of the earlier days looked at; nothing to compare with"
    if status == "returned":
        return f"back; last seen {row['last_before']}"
    if row["stores_before"] is not None and row["stores"] != row["stores_before"]:
        # Another store has other prices: a difference to yesterday's is not a change of price.
        now, before = _named(row["stores"]), _named(row["stores_before"])
        return f"{now} instead of {before}: prices are not all of the same stores"
    return None


def _named(stores: object) -> str:
    """Return the stores of a seller for people."""
    names = str(stores).split(", ")
    if len(names) > _STORES_NAMED:
        return f"{len(names):,} stores"
    return f"store{'s' * (len(names) > 1)} {', '.join(names)}"
