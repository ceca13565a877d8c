"""Matching, as a step: own offers and competitor offers become matches."""

from __future__ import annotations

import polars as pl

from flows.pipeline.matching.daily import KEY, MOST_REVIEWS, match_day
from flows.pipeline.matching.errors import MatchingError
from flows.pipeline.schema import MATCHES
from sdk import Dataset, Permanent, checks, record, task


@task(
    dataset="matches",
    checks=[checks.columns(MATCHES), checks.unique(*KEY), checks.history("rows")],
)
def match_products(
    offers: Dataset,
    *,
    own_seller: str,
    decisions: Dataset | None = None,
    most_reviews: int = MOST_REVIEWS,
    equivalents: bool = False,
) -> pl.DataFrame:
    """Match a customer's offers with its competitors'.

    A common GTIN first; offers without one by a matcher that the day's barcodes have taught; what
    people decided stands above both.

    Args:
        offers: of the day, all sellers.
        own_seller: the customer's own, as the files name it.
        decisions: what people decided so far, DECISIONS; None when nobody has.
        most_reviews: uncertain pairs to ask people about.
        equivalents: also propose pairs whose GTINs differ, for review.

    Raises:
        Permanent: the own seller, or every competitor, is not in the day's files; or a decision
            has a verdict that is none.
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
    try:
        found = match_day(
            own,
            market,
            None if decisions is None else decisions.frame(),
            most_reviews=most_reviews,
            equivalents=equivalents,
        )
    except MatchingError as error:
        raise Permanent(error.problem, error.remedy) from error
    matches = found.matches
    record(
        reviews=int((matches["decision"] == "review").sum()),
        by_model=found.by_model,
        by_person=int((matches["method"] == "decision").sum()),
        reviews_left_out=found.left_out,
        **({} if found.accept is None else {"accept_from": found.accept}),
    )
    return matches
