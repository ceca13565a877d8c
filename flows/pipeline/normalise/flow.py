"""Normalise, as a step: a day's raw prices become typed offers."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from flows.pipeline.normalise.offers import to_offers
from flows.pipeline.schema import OFFER_KEY, OFFERS
from sdk import Dataset, checks, record, task

FEW = 20
"""Rows of a source of which the greater part may be wrong without a word."""


@task(
    dataset="offers",
    checks={
        "offers": [
            checks.rows(1),
            checks.columns(OFFERS),
            checks.unique(*OFFER_KEY),
            checks.not_null("price"),
            checks.not_null("gtin", otherwise="warn", at_most=0.25),
            checks.holds(
                "name is there",
                pl.col("name") != "",
                otherwise="warn",
                at_most=0.01,
                columns=("seller", "sku"),
            ),
            checks.history("rejected_share", otherwise="warn"),
        ],
        "sources": [
            checks.holds(
                "most rows of a source are offers",
                (pl.col("rows") < FEW) | (pl.col("rejected") * 2 <= pl.col("rows")),
                otherwise="warn",
                columns=("source_file", "rows", "rejected"),
            ),
        ],
    },
)
def normalise_prices(
    prices: Dataset,
    captured: Dataset | None = None,
    *,
    currency: str,
    brands: Mapping[str, list[str]] | None = None,
) -> dict[str, pl.DataFrame]:
    """Make offers of a day's raw prices.

    Args:
        prices: as `ingest_prices` or `capture_offers` publishes them.
        captured: a second source of the same day, as `capture_offers` publishes it.
        currency: the customer's, ISO 4217; prices in another are set aside, not converted.
        brands: brand → other names of it in the customer's market.

    Returns:
        The tables ``offers``, ``rejected``: every row that is none, with the reason, and
        ``sources``: the rows of each file or site, and how many of them were rejected.
    """
    sources = [prices] if captured is None else [prices, captured]
    raw = pl.concat([source.frame("prices") for source in sources], how="diagonal")
    made = to_offers(raw, day=prices.day, currency=currency, brands=brands)
    rows_in = made.statistics["rows_in"]
    record(
        rejected=made.statistics["rejected"],
        rejected_share=made.statistics["rejected"] / rows_in if rows_in else 0.0,
        collapsed=made.statistics["collapsed"],
    )
    return {
        "offers": made.offers,
        "rejected": made.rejected,
        "sources": _sources(raw, made.rejected),
    }


def _sources(raw: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    rows = raw.group_by("source_file").agg(rows=pl.len().cast(pl.Int64))
    none = rejected.group_by("source_file").agg(rejected=pl.len().cast(pl.Int64))
    found = rows.join(none, on="source_file", how="left", nulls_equal=True)
    return found.with_columns(pl.col("rejected").fill_null(0)).sort("source_file")
