"""Features of pairs: what the model sees of two records.

Pair features are computed from the two records and from how rare words are in the tables, from
nothing else; a pair scores the same whatever other pairs are asked. What depends on a record's
other candidates is in ``context`` and is always added and reported apart.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from flows.pipeline.matching.arrays import Ints, Singles
from flows.pipeline.matching.encode import Encoded, Vocabularies
from flows.pipeline.matching.features import facts, overlap, strings

NAMES: Final = (*overlap.NAMES, *strings.NAMES, *facts.NAMES)
BATCH: Final = 20_000
"""Pairs computed at once: some 30 MB of texts."""
_STRINGS: Final = slice(len(overlap.NAMES), len(overlap.NAMES) + len(strings.NAMES))
_FACTS: Final = slice(_STRINGS.stop, len(NAMES))
CHEAP: Final = np.array([*range(_STRINGS.start), *range(_FACTS.start, _FACTS.stop)])
"""Columns that cost a microsecond: the others, letter by letter, take twenty times as long."""


def cheap_features(a: Encoded, b: Encoded, i: Ints, j: Ints, known: Vocabularies) -> Singles:
    """Return the features NAMES of pairs, of which only the CHEAP are filled.

    Single precision: they are also kept in files, and must be the same when read back.

    Args:
        a: one table, encoded.
        b: the other.
        i: row in ``a`` of each pair.
        j: row in ``b``.
        known: the vocabularies of both.
    """
    features = np.full((len(i), len(NAMES)), np.nan, np.float32)
    features[:, : _STRINGS.start] = overlap.overlap(a, b, i, j, known)
    features[:, _FACTS] = facts.facts(a, b, i, j)
    return features


def add_strings(
    features: Singles, a: Encoded, b: Encoded, i: Ints, j: Ints, rows: Ints | None = None
) -> None:
    """Fill in, in place, the columns that ``cheap_features`` leaves, of some rows or of all."""
    rows = np.arange(len(i)) if rows is None else rows
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        features[some, _STRINGS] = strings.strings(a, b, i[some], j[some])


def pair_features(a: Encoded, b: Encoded, i: Ints, j: Ints, known: Vocabularies) -> Singles:
    """Return all features NAMES of pairs, shape (pairs, len(NAMES)), NaN where not known."""
    features = cheap_features(a, b, i, j, known)
    add_strings(features, a, b, i, j)
    return features
