"""Matching, as steps: own offers and competitor offers become matches; whole catalogues too.

A day's offers are matched in the run's own process. Two catalogues of any size are matched where
``DATAWEAVE_MATCHING_CLUSTER`` says (``cluster``), on Dask.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import polars as pl

from flows.pipeline.matching import store
from flows.pipeline.matching.cluster import MatchingSettings, connect
from flows.pipeline.matching.daily import KEY, MOST_REVIEWS, match_day
from flows.pipeline.matching.errors import MatchingError
from flows.pipeline.matching.matching import match
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
    standing = MatchingSettings().standing
    if standing is not None:  # a folder for each own seller, whose name may be anything
        standing = standing / sha256(own_seller.encode()).hexdigest()[:16]
    try:
        found = match_day(
            own,
            market,
            None if decisions is None else decisions.frame(),
            most_reviews=most_reviews,
            equivalents=equivalents,
            standing=standing,
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
        **(
            {}
            if found.anew is None
            else {"offers_anew": found.anew[0], "pairs_anew": found.anew[1]}
        ),
    )
    return matches


@task(dataset="catalogue_matches", checks=[checks.unique("a_id", "b_id")])
def match_catalogues(
    left: Dataset,
    right: Dataset,
    *,
    model: str | None = None,
    one_to_one: bool = False,
    cluster: str | None = None,
) -> pl.DataFrame:
    """Match two tables of products, of any columns, where the settings say.

    Args:
        left: one catalogue.
        right: the other.
        model: folder of a saved matcher; None to learn from the tables themselves.
        one_to_one: give each record one partner at most.
        cluster: see ``cluster``; None for what ``DATAWEAVE_MATCHING_CLUSTER`` says. The result
            does not depend on it.

    Raises:
        Permanent: a table or the model cannot be used, or there is no such cluster.
    """
    settings = MatchingSettings()
    where = cluster or settings.cluster
    try:
        matcher = None if model is None else store.load(Path(model))
        a, b = left.frame(), right.frame()
        if where is None:
            return match(a, b, matcher, one_to_one=one_to_one)
        with connect(where, settings.arguments) as client:
            return match(
                a, b, matcher, one_to_one=one_to_one, client=client, folder=settings.folder
            )
    except MatchingError as error:
        raise Permanent(error.problem, error.remedy) from error
