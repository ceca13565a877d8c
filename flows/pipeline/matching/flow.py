"""Matching, as a step: own offers and competitor offers become matches."""

from __future__ import annotations

import polars as pl

from flows.pipeline.matching.by_gtin import match_by_gtin
from flows.pipeline.schema import MATCHES
from sdk import Dataset, Permanent, checks, record, task


@task(
    dataset="matches",
    checks=[checks.columns(MATCHES), checks.unique("gtin", "seller"), checks.history("rows")],
)
def match_products(offers: Dataset, *, own_seller: str) -> pl.DataFrame:
    """Match a customer's offers with its competitors'.

    Args:
        offers: of the day, all sellers.
        own_seller: the customer's own, as the files name it.

    Raises:
        Permanent: the own seller, or every competitor, is not in the day's files.
    """
    frame = offers.frame("offers")
    own = frame.filter(pl.col("seller") == own_seller)
    market = frame.filter(pl.col("seller") != own_seller)
    sellers = ", ".join(sorted(frame["seller"].unique()))
    if own.is_empty():
        raise Permanent(
            f"{offers.day}: no offers of the own seller {own_seller!r}; there are {sellers}",
            "Ask for the own seller's file of that day, or correct its name in the customer file.",
        )
    if market.is_empty():
        raise Permanent(
            f"{offers.day}: no offers of any competitor, only of {sellers}",
            "Ask for the competitors' files of that day: there is nothing to compare with.",
        )
    matches = match_by_gtin(own, market)
    record(reviews=int((matches["decision"] == "review").sum()))
    return matches
