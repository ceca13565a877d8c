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
"""Pairs computed at once: some 60 MB of sparse rows and texts."""


def pair_features(a: Encoded, b: Encoded, i: Ints, j: Ints, known: Vocabularies) -> Singles:
    """Return the features NAMES of pairs, shape (pairs, len(NAMES)), NaN where not known.

    Single precision: they are also kept in files, and must be the same when read back.

    Args:
        a: one table, encoded.
        b: the other.
        i: row in ``a`` of each pair.
        j: row in ``b``.
        known: the vocabularies of both.
    """
    weights = overlap.Weights(known)
    texts_a, texts_b = strings.comparable(a.texts), strings.comparable(b.texts)
    parts = [np.zeros((0, len(NAMES)), np.float32)]
    for start in range(0, len(i), BATCH):
        p, q = i[start : start + BATCH], j[start : start + BATCH]
        parts.append(
            np.hstack(
                [
                    overlap.overlap(a, b, p, q, weights),
                    strings.strings(texts_a, texts_b, p, q),
                    facts.facts(a, b, p, q),
                ]
            ).astype(np.float32)
        )
    return np.concatenate(parts)
