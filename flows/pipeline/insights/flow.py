"""Insights, as a step: offers, matches and history become marts."""

from __future__ import annotations

import polars as pl

from flows.pipeline.history import History
from flows.pipeline.insights.marts import compute
from flows.pipeline.mart_schema import MARTS
from sdk import Dataset, checks, record, task

_HISTORY_COLUMNS = ["day", "seller", "store_id", "sku", "price"]


@task(
    dataset="marts",
    checks={
        **{name: [checks.columns(schema)] for name, schema in MARTS.items()},
        "figures": [checks.columns(MARTS["figures"]), checks.unique("figure", "market")],
        "product_position": [
            checks.columns(MARTS["product_position"]),
            checks.unique("gtin", "own_sku"),
            checks.between("index_own_over_market", 40, 250, otherwise="warn"),
        ],
        "coverage": [
            checks.holds(
                "every seller as usual",
                ~pl.col("status").is_in(["missing", "partial", "inflated"]),
                otherwise="warn",
                columns=("seller", "status"),
            )
        ],
    },
)
def compute_insights(
    offers: Dataset, matches: Dataset, history: History, *, own_seller: str
) -> dict[str, pl.DataFrame]:
    """Compute the marts of a day.

    Args:
        offers: of the day, all sellers.
        matches: of the day.
        history: of the days before.
        own_seller: the customer's own.

    Returns:
        A table for each of `MARTS`. Records ``coverage``: the share of the competitors that are
        usually there and are there today, not cut short.
    """
    marts = compute(
        offers.frame("offers"),
        matches.frame(),
        {
            earlier.day: earlier.frame("offers", columns=_HISTORY_COLUMNS)
            for earlier in history.offers
        },
        day=offers.day,
        own_seller=own_seller,
        days_expected=history.expected,
    )
    record(coverage=_coverage(marts["coverage"]))
    return marts


def _coverage(sellers: pl.DataFrame) -> float:
    """Return the share of the usual competitors that answered.

    A seller that has been away for the latest half of the history has left: it is named in the
    report, and no longer counted as missing.
    """
    competitors = sellers.filter(~pl.col("is_own"))
    lately = pl.col("days_seen") * 2 > pl.col("days_expected")
    usual = competitors.filter((pl.col("offers") > 0) | lately)
    answered = usual.filter(~pl.col("status").is_in(["missing", "partial"]))
    return round(answered.height / usual.height, 6) if usual.height else 1.0
