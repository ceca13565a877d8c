"""Explaining: what kind of match a pair is, and why, in words for the person who reviews it.

Kinds, by what differs: ``different_pack`` (sizes or counts disagree), ``variant`` (each side has
a number, a code or a rare word that the other lacks), ``equivalent`` (alike under another brand),
``exact`` (nothing that tells them apart). The kind says what the pair would be; the probability
says how likely it is one product.
"""

from __future__ import annotations

from math import exp
from typing import Final

import numpy as np
import polars as pl

from flows.pipeline.matching.arrays import Flags, Floats, Ints
from flows.pipeline.matching.features import NAMES

KINDS: Final = ("exact", "variant", "different_pack", "equivalent")
SAME_SIZE: Final = 0.03
"""Distance of logarithms within which two sizes are one: 330 ml is also sold as 0.33 l."""
TELLING: Final = 2.0
"""Rarity (ln of the inverse share, plus one) from which a word may tell two products apart: less
than 37 % of the records have it. Colours and flavours are common words."""
OTHER_BRAND: Final = 60.0
SURE: Final = 0.9
"""Probability from which a missing word no longer makes a variant: the model has weighed it."""
_AT: Final = {name: place for place, name in enumerate(NAMES)}
_READ: Final = (
    *("gtin_same", "mpn_ratio", "shared_codes", "codes_conflict", "a_found", "b_found"),
    *("brand_ratio", "size_distance", "multiplier_distance", "prices", "price_log_ratio"),
)
"""Features that the reasons are made of, in the order in which ``_reasons`` takes them."""
_COLUMNS: Final = [_AT[name] for name in _READ]
BATCH: Final = 10_000
"""Pairs put into words at once."""


def kinds(features: Floats, probability: Floats) -> pl.Series:
    """Return the kind of each pair.

    Args:
        features: pairs by ``features.NAMES`` (further columns are not read).
        probability: of each pair.
    """

    def of(name: str) -> Floats:
        return features[:, _AT[name]]

    pack = other_pack(features)
    with np.errstate(invalid="ignore"):
        brand = (of("brand_ratio") < OTHER_BRAND) & (of("brand_in_title") < OTHER_BRAND)
        told = (of("numbers_conflict") > 0) | (of("codes_conflict") > 0)
        told |= np.minimum(of("a_alone_rarest"), of("b_alone_rarest")) > TELLING
    numbers = np.select([pack, brand, told & (probability < SURE)], [2, 3, 1], 0)
    return pl.Series("kind", np.array(KINDS)[numbers] if len(numbers) else [], dtype=pl.String)


def other_pack(features: Floats) -> Flags:
    """Return of which pairs both sides say a size, or one side a count, that the other denies."""
    with np.errstate(invalid="ignore"):
        return np.asarray(
            (features[:, _AT["size_distance"]] > SAME_SIZE)
            | (features[:, _AT["multiplier_distance"]] > SAME_SIZE)
        )


def reasons(
    features: Floats,
    a: pl.DataFrame,
    b: pl.DataFrame,
    i: Ints,
    j: Ints,
    sides: tuple[str, str] = ("A", "B"),
) -> pl.Series:
    """Return, for each pair, what speaks for and against it.

    Args:
        features: pairs by ``features.NAMES``.
        a: folded texts of one table (``title``).
        b: of the other.
        i: row in ``a``.
        j: in ``b``.
        sides: what the two tables are called.
    """
    titles_a = a["title"].gather(i).to_list()
    titles_b = b["title"].gather(j).to_list()
    said = []
    for start in range(0, len(i), BATCH):
        cut = slice(start, start + BATCH)
        # As lists of numbers: one by one, numpy's scalars cost more than all the words.
        rows = features[cut, _COLUMNS].tolist()
        for row, left, right in zip(rows, titles_a[cut], titles_b[cut], strict=True):
            said.append("; ".join(_reasons(row, left, right, sides)))
    return pl.Series("reasons", said, dtype=pl.String)


def _reasons(row: list[float], left: str, right: str, sides: tuple[str, str]) -> list[str]:
    gtin, mpn, shared_codes, codes_conflict, a_found, b_found, *facts = row
    said = []
    if gtin == 1:
        said.append("same GTIN")
    elif gtin == 0:
        said.append("different GTINs")
    if mpn == 100:
        said.append("same part number")
    elif shared_codes > 0:
        said.append("a model number in common")
    elif codes_conflict > 0:
        said.append("different model numbers")
    said.append(f"{a_found:.0%} and {b_found:.0%} of the telling words found on the other side")
    words, others = left.split(), right.split()
    for side, mine, theirs, text in (
        (sides[0], words, set(others), right),
        (sides[1], others, set(words), left),
    ):
        alone = [word for word in mine if word not in theirs]
        if alone:
            # A code counts as found where it stands split or joined; a letter in a word does not.
            compact = text.replace(" ", "")
            alone = [word for word in alone if len(word) <= 3 or word not in compact]
        if alone:
            said.append(f"only in the title of {side}: {' '.join(alone[:6])}")
    return said + _facts(facts, sides)


def _facts(facts: list[float], sides: tuple[str, str]) -> list[str]:
    brand, size, multiplier, prices, ratio = facts
    said = []
    if brand == 100:
        said.append("same brand")
    elif brand < OTHER_BRAND:
        said.append("different brands")
    if size > SAME_SIZE or multiplier > SAME_SIZE:
        said.append("different pack sizes")
    elif size <= SAME_SIZE:
        said.append("same size")
    if prices == 2:
        said.append(f"the price of {sides[0]} is {exp(ratio):.2f} times that of {sides[1]}")
    return said
