"""Insights, as a step: offers, matches and history become marts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import polars as pl

from flows.pipeline.history import History
from flows.pipeline.insights.marts import compute
from flows.pipeline.mart_schema import MARTS
from flows.pipeline.rules import NO_RULES, Rules
from flows.pipeline.schema import OFFER_KEY
from sdk import Dataset, checks, record, task

HISTORY_COLUMNS = [
    *OFFER_KEY,
    "price",
    "currency",
    "availability",
    "pack_quantity",
    "pack_unit",
    "stale",
]


class _Days(Mapping[date, pl.DataFrame]):
    """The offers of earlier days, each read when it is asked for: a month does not fit at once."""

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self._by_day = {dataset.day: dataset for dataset in datasets}

    def __getitem__(self, day: date) -> pl.DataFrame:
        dataset = self._by_day[day]
        part = next(part for part in dataset.parts if part.name == "offers")
        there = {column.name for column in part.columns}
        # Days that were published before these columns were there are still days.
        return dataset.frame("offers", columns=[c for c in HISTORY_COLUMNS if c in there])

    def __iter__(self) -> Iterator[date]:
        return iter(self._by_day)

    def __len__(self) -> int:
        return len(self._by_day)


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
    offers: Dataset,
    matches: Dataset,
    history: History,
    *,
    own_seller: str,
    rules: Rules = NO_RULES,
    audits: Dataset | None = None,
    searches: Dataset | None = None,
) -> dict[str, pl.DataFrame]:
    """Compute the marts of a day.

    Args:
        offers: of the day, all sellers.
        matches: of the day.
        history: of the days before.
        own_seller: the customer's own.
        rules: the customer's; without them some figures say that they are not configured.
        audits: accepted matches that people looked at, as AUDITS; none where nobody audits.
        searches: what sites answered to search words, as SEARCH_RESULTS.

    Returns:
        A table for each of `MARTS`. Records ``coverage``: the share of the competitors that are
        usually there and are there today, not cut short.
    """
    marts = compute(
        offers.frame("offers"),
        matches.frame(),
        _Days(history.offers),
        day=offers.day,
        own_seller=own_seller,
        days_expected=history.expected,
        rules=rules,
        audits=None if audits is None else audits.frame(),
        searches=None if searches is None else searches.frame(),
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
