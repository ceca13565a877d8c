"""A day's matching: exact keys first, then the matcher for what has none, then what people decided.

Order of proof. A common GTIN is proof, unless prices or titles contradict (``by_gtin``). Offers
without a GTIN, such as fruit, cheese from the counter and shops' own codes, are scored by a
matcher that the day's barcodes have taught (``lessons``), each seller for itself. What a person
decided stands above both.

Two offers with two different valid GTINs are two trade items by their makers' own word, and are
not proposed by themselves: on a real grocery day the best of them, looked at one by one, were
equals of other makers. Whoever wants to compare those asks for ``equivalents``: they go to review,
never further.

With a folder for a standing index (``standing``), the own offers stay encoded there, with the
matcher that the day of its making has taught, and only offers that are new or changed are searched
and scored again, until the own offers' texts change.

Promised: the same frames, and the same index if there is one, give the same bytes, whatever is
remembered of earlier days; at most one accepted partner at a seller for an own
offer, unless a common GTIN or a person says otherwise. Not done: comparing sellers with each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from flows.pipeline.matching.by_gtin import match_by_gtin
from flows.pipeline.matching.conflicts import far_titles
from flows.pipeline.matching.ledger import apply
from flows.pipeline.matching.matcher import Matcher
from flows.pipeline.matching.without_gtin import by_model
from flows.pipeline.schema import DECISIONS, empty

MOST_REVIEWS: Final = 300
"""Uncertain pairs of a day that people are asked about: the most probable; an hour's work."""
KEY: Final = ("own_store_id", "own_sku", "seller", "store_id", "sku")


@dataclass(frozen=True)
class DayOfMatching:
    """What was found, and how.

    Attributes:
        matches: MATCHES.
        by_model: pairs that the matcher found.
        left_out: uncertain pairs beyond the day's reviews.
        accept: probability from which the matcher's pairs were accepted; None when never.
        anew: offers searched, and pairs scored, that no standing index remembered; None without.
    """

    matches: pl.DataFrame
    by_model: int
    left_out: int
    accept: float | None
    anew: tuple[int, int] | None = None


def match_day(
    own: pl.DataFrame,
    market: pl.DataFrame,
    decided: pl.DataFrame | None = None,
    *,
    matcher: Matcher | None = None,
    most_reviews: int = MOST_REVIEWS,
    equivalents: bool = False,
    standing: Path | None = None,
) -> DayOfMatching:
    """Match the customer's offers with its competitors'.

    Args:
        own: OFFERS of the customer's own seller.
        market: OFFERS of its competitors.
        decided: DECISIONS of people; None when there are none.
        matcher: trained; None to learn from the day.
        most_reviews: uncertain pairs to ask people about.
        equivalents: also propose pairs whose GTINs differ, for review.
        standing: folder of a standing index, made where there is none; None to compute everything.
            A given ``matcher`` is not kept in it.
    """
    decided = empty(DECISIONS) if decided is None else decided
    market = market.join(own.select("seller").unique(), on="seller", how="anti")
    exact = far_titles(match_by_gtin(own, market), own, market)
    found, accept, anew = by_model(own, market, exact, decided, matcher, equivalents, standing)
    pairs = pl.concat([exact, found])
    settled = apply(pairs, decided, own, market)
    kept, left_out = _affordable(settled, most_reviews)
    return DayOfMatching(kept, found.height, left_out, accept, anew)


def _affordable(matches: pl.DataFrame, most: int) -> tuple[pl.DataFrame, int]:
    """Leave out the least probable of the matcher's uncertain pairs."""
    asked = (pl.col("method") == "model") & (pl.col("decision") == "review")
    rank = pl.col("probability").rank("ordinal", descending=True).over(asked)
    kept = matches.sort("probability", *KEY, descending=[True, *[False] * len(KEY)]).filter(
        ~asked | (rank <= most)
    )
    order = ("gtin", "seller", "own_seller", "own_sku", "sku", "own_store_id", "store_id")
    return kept.sort(*order), matches.height - kept.height
