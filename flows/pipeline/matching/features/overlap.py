"""What two records share and what each has alone, weighed by rarity: sparse algebra over pairs.

A word of one title counts as found when it stands anywhere in the other record, also joined,
split, or in its description. What is not found is the stronger evidence: two names of one brand
differ from each other by one number or one code. Words, numbers and codes are therefore counted
apart, and the rarest word that is missing stands for itself.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]

from flows.pipeline.matching.arrays import Floats, Ints, Singles, Sparse
from flows.pipeline.matching.encode import Encoded, Vocabularies
from flows.pipeline.matching.terms import CODE, NUMBER

_SIDE: Final = (
    "found",
    "found_rare",
    "alone",
    "alone_rarest",
    "alone_numbers",
    "alone_codes",
    "codes",
)
NAMES: Final = (
    *(f"{side}_{name}" for side in ("a", "b") for name in _SIDE),
    "word_cosine",
    "gram_cosine",
    "wide_cosine",
    "shared_words",
    "shared_numbers",
    "shared_codes",
    "shared_rarest",
    "words_least_found",
    "words_most_found",
    "alone_both",
    "numbers_conflict",
    "codes_conflict",
    "words_difference",
)


class Weights:
    """Weights of the columns of the vocabularies, prepared once for many batches of pairs."""

    def __init__(self, known: Vocabularies) -> None:
        rarity = known.words.rarity()
        classes = known.words.column_classes()
        self.words = np.column_stack(
            [np.ones_like(rarity), rarity, rarity**2, classes == NUMBER, classes == CODE]
        )
        self.rarity = rarity.astype(np.float32)
        self.square = rarity**2
        self.gram_square = known.grams.rarity() ** 2


def _row_maximum(rows: Sparse, rarity: Singles) -> Floats:
    weighted = sparse.csr_matrix((rarity[rows.indices], rows.indices, rows.indptr), rows.shape)
    return np.asarray(weighted.max(axis=1).todense(), dtype=np.float64).ravel()


def _cosine(a: Sparse, b: Sparse, square: Floats) -> Floats:
    return np.asarray((a.multiply(b) @ square) / _root((a @ square) * (b @ square)))


def _root(values: Floats) -> Floats:
    return np.sqrt(np.maximum(values, 1e-12))


def overlap(a: Encoded, b: Encoded, i: Ints, j: Ints, weights: Weights) -> Floats:
    """Return the features NAMES of pairs, shape (pairs, len(NAMES)).

    Args:
        a: one side.
        b: the other, of the same vocabularies.
        i: row in ``a`` of each pair.
        j: row in ``b``.
        weights: of the vocabularies.
    """
    title_a, title_b, wide_a, wide_b = a.title[i], b.title[j], a.wide[i], b.wide[j]
    columns: list[Floats] = []
    totals, found, alone = [], [], []
    for title, other in ((title_a, wide_b), (title_b, wide_a)):
        common = title.multiply(other).tocsr()
        missing = (title - common).tocsr()
        missing.eliminate_zeros()
        whole, part = title @ weights.words, common @ weights.words
        rest = whole - part
        share = part[:, 1] / np.maximum(whole[:, 1], 1e-9)
        columns += [
            share,
            part[:, 1],
            rest[:, 1],
            _row_maximum(missing, weights.rarity),
            rest[:, 3],
            rest[:, 4],
            whole[:, 4],
        ]
        totals.append(whole)
        found.append(share)
        alone.append(rest)
    both = title_a.multiply(title_b).tocsr()
    shared = both @ weights.words
    columns += [
        shared[:, 2] / _root(totals[0][:, 2] * totals[1][:, 2]),
        _cosine(a.grams[i], b.grams[j], weights.gram_square),
        _cosine(wide_a, wide_b, weights.square),
        shared[:, 0],
        shared[:, 3],
        shared[:, 4],
        _row_maximum(both, weights.rarity),
        np.minimum(*found),
        np.maximum(*found),
        np.minimum(alone[0][:, 1], alone[1][:, 1]),
        np.minimum(alone[0][:, 3], alone[1][:, 3]),
        np.minimum(alone[0][:, 4], alone[1][:, 4]),
        totals[0][:, 0] - totals[1][:, 0],
    ]
    return np.column_stack(columns)
