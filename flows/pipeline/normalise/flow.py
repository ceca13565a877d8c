"""Normalise, as a step: a day's raw prices become typed offers."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from flows.pipeline.normalise.offers import to_offers
from flows.pipeline.schema import OFFER_KEY, OFFERS
from sdk import Dataset, checks, record, task


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
        ]
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
        The tables ``offers``, and ``rejected``: every row that is none, with the reason.
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
    return {"offers": made.offers, "rejected": made.rejected}
