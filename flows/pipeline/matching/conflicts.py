"""Identity conflicts: one trade item number under two names that have nothing in common.

Codes are mistyped, reused, and printed on the wrong shelf label. Where the two names of a pair
share neither words nor letters in a row, a person looks; names in two scripts (``Pampers`` and
its Hebrew spelling) cannot be compared this way and are no conflict.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from rapidfuzz import fuzz, process

from flows.pipeline.matching.arrays import Flags
from flows.pipeline.matching.text import fold
from flows.pipeline.schema import MATCHES

FAR: Final = 25.0
"""Likeness, 0 to 100, below which two names have nothing in common: on a real day of 14,500 pairs
some 50 lie below, among them an aubergine sold as mushrooms."""
SCRIPTS: Final = ("Latin", "Hebrew", "Arabic", "Cyrillic", "Greek")
REASON: Final = "same barcode, names with nothing in common: {} against {}"


def far_titles(matches: pl.DataFrame, own: pl.DataFrame, market: pl.DataFrame) -> pl.DataFrame:
    """Return MATCHES by GTIN with those under far names sent to review.

    Args:
        matches: MATCHES of pairs that share a GTIN.
        own: OFFERS of the own seller.
        market: OFFERS of its competitors.
    """
    key = ["seller", "store_id", "sku"]
    own_key = [f"own_{name}" for name in key]
    named = matches.join(market.select(*key, theirs="name"), on=key, how="left").join(
        own.select(*[pl.col(name).alias(f"own_{name}") for name in key], ours="name"),
        on=own_key,
        how="left",
    )
    far = pl.Series(_far(named.select(fold("ours"), fold("theirs")))) & (
        named["decision"] == "accept"
    )
    words = pl.format(REASON, "ours", "theirs")
    return named.with_columns(
        decision=pl.when(far).then(pl.lit("review")).otherwise("decision"),
        reason=pl.when(far).then(words).otherwise("reason"),
    ).select(*MATCHES)


def _far(names: pl.DataFrame) -> Flags:
    comparable = pl.any_horizontal(
        pl.all_horizontal(pl.col("ours", "theirs").str.contains(rf"\p{{{script}}}"))
        for script in SCRIPTS
    )
    there = names.select(comparable).to_series().to_numpy()
    ours, theirs = names["ours"].to_list(), names["theirs"].to_list()
    closed = [[text.replace(" ", "") for text in side] for side in (ours, theirs)]
    likeness = np.maximum(
        process.cpdist(ours, theirs, scorer=fuzz.token_set_ratio),
        process.cpdist(*closed, scorer=fuzz.partial_ratio),
    )
    return np.asarray(there & (likeness < FAR))
