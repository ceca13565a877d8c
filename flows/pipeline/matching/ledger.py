"""The ledger of decisions: what people said of pairs of offers, applied to a day's matches.

A decision wins over every score, on every later day, for as long as both offers are there: a pair
held to be one product is accepted even if no candidate search finds it again, a pair that was
turned down does not come back, and what competes with an accepted pair for the same two offers
steps back. The latest decision on a pair counts; its verdict is the pair's kind.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from flows.pipeline.matching.errors import PairsError
from flows.pipeline.schema import MATCHES, conform

VERDICTS: Final = ("exact", "variant", "different_pack", "equivalent", "no_match")
PAIR: Final = ("own_sku", "seller", "sku")


def latest(decided: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Return the decision that counts for each pair of the own sellers.

    Args:
        decided: DECISIONS.
        own: OFFERS of the own seller.

    Raises:
        PairsError: a verdict is none of VERDICTS.
    """
    wrong = decided.filter(~pl.col("verdict").is_in(VERDICTS).fill_null(False))
    if wrong.height:
        row = wrong.row(0, named=True)
        raise PairsError(
            f"decisions, own_sku {row['own_sku']!r} and {row['seller']!r} {row['sku']!r}: "
            f"verdict {row['verdict']!r}",
            f"A verdict is one of {', '.join(VERDICTS)}.",
        )
    return (
        decided.join(own.select(own_seller="seller").unique(), on="own_seller", how="semi")
        .sort(*PAIR, "at", "verdict", "by", nulls_last=False)
        .unique(PAIR, keep="last", maintain_order=True)
    )


def labels_of(decided: pl.DataFrame, theirs: pl.DataFrame, ours: pl.DataFrame) -> pl.DataFrame:
    """Return (a_id, b_id, label) of the decisions on offers of today: 1 for one product.

    Args:
        decided: DECISIONS.
        theirs: offers of the market, with ``id``.
        ours: own offers, with ``id``.
    """
    return (
        latest(decided, ours)
        .join(theirs.select("seller", "sku", a_id="id"), on=["seller", "sku"])
        .join(ours.select(own_sku="sku", b_id="id"), on="own_sku")
        .select("a_id", "b_id", label=(pl.col("verdict") == "exact").cast(pl.Int64))
        .sort("a_id", "b_id")
    )


def apply(
    matches: pl.DataFrame, decided: pl.DataFrame, own: pl.DataFrame, market: pl.DataFrame
) -> pl.DataFrame:
    """Return MATCHES in which what people decided stands.

    Args:
        matches: MATCHES of today.
        decided: DECISIONS of any day.
        own: OFFERS of the own seller.
        market: OFFERS of its competitors.

    Raises:
        PairsError: a verdict is none of VERDICTS.
    """
    said = latest(decided, own)
    if said.is_empty():
        return matches
    matches = pl.concat([matches, _absent(matches, said, own, market)])
    told = matches.join(
        said.select(*PAIR, "verdict", "by", "at"), on=PAIR, how="left", maintain_order="left"
    )
    held = (pl.col("verdict") != "no_match").fill_null(False)
    taken_own = held.any().over("own_sku", "seller")
    taken_other = held.any().over("seller", "sku")
    rival = pl.col("verdict").is_null() & (taken_own | taken_other)
    words = pl.format("{} decided on {}: {}", "by", pl.col("at").dt.date(), pl.col("verdict"))
    known = pl.col("verdict").is_not_null()
    return conform(
        told.with_columns(
            method=pl.when(known).then(pl.lit("decision")).otherwise("method"),
            kind=pl.when(held).then("verdict").otherwise("kind"),
            decision=pl.when(held)
            .then(pl.lit("accept"))
            .when(known)
            .then(pl.lit("reject"))
            .when(rival)
            .then(pl.lit("review"))
            .otherwise("decision"),
            reason=pl.when(held)
            .then(None)
            .when(known)
            .then(words)
            .when(rival)
            .then(pl.lit("another pair of one of the two offers was accepted by a person"))
            .otherwise("reason"),
            reasons=pl.when(known)
            .then(pl.concat_str(words, "reasons", separator="; ", ignore_nulls=True))
            .otherwise("reasons"),
        ),
        MATCHES,
    )


def _absent(
    matches: pl.DataFrame, said: pl.DataFrame, own: pl.DataFrame, market: pl.DataFrame
) -> pl.DataFrame:
    """Pairs that people held to be one, and that today's search did not find."""
    ours = own.sort("sku", "price", "store_id").unique("sku", keep="first", maintain_order=True)
    theirs = market.sort("seller", "sku", "price", "store_id").unique(
        ["seller", "sku"], keep="first", maintain_order=True
    )
    return conform(
        said.filter(pl.col("verdict") != "no_match")
        .join(matches, on=PAIR, how="anti")
        .join(
            ours.select("day", own_sku="sku", own_store_id="store_id", own_gtin="gtin"),
            on="own_sku",
        )
        .join(theirs.select("seller", "sku", "store_id", "gtin"), on=["seller", "sku"])
        .with_columns(
            gtin=pl.coalesce("own_gtin", "gtin"),
            method=pl.lit("decision"),
            kind=pl.lit("exact"),
            probability=pl.lit(1.0),
            decision=pl.lit("review"),
            reason=pl.lit(None, pl.String),
            reasons=pl.lit(None, pl.String),
        ),
        MATCHES,
    ).sort(*PAIR)
