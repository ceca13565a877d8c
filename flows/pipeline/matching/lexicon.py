"""Lexicon: what it means, in this assortment, that a word stands on one side only.

Rarity cannot say that ``upgrade`` tells two boxed programs apart while ``new`` tells nothing;
labelled pairs can. A logistic regression over the missing words, beside the pair features that
explain the rest, gives each word a weight; the sum is one more feature for the trees. Weights are
kept by the hash of the word, so they serve other tables, and in any language.

Promised: scores of training pairs come from folds that did not see them. Not done: weights for
words seen in fewer than ``LEAST`` training pairs; these are zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from flows.pipeline.matching.arrays import Floats, Hashes, Ints, Sparse
from flows.pipeline.matching.compiled import compiled
from flows.pipeline.matching.encode import Encoded, Vocabularies

LEAST: Final = 2
STRENGTH: Final = 1.0
"""Inverse regularisation; 0.3 to 3 made no difference on training folds."""


@dataclass(frozen=True)
class Lexicon:
    """Weights of missing words and of the standardised pair features.

    Attributes:
        hashes: of the words, sorted.
        weights: of each.
        centre: of the pair features; scale: their spread; slopes: their weights.
        intercept: of the sum.
    """

    hashes: Hashes
    weights: Floats
    centre: Floats
    scale: Floats
    slopes: Floats
    intercept: float

    def columns(self, known: Vocabularies) -> Floats:
        """Return the weight of each column of a vocabulary."""
        columns = np.zeros(known.words.width)
        if len(self.hashes) and len(known.words.hashes):
            place = np.minimum(
                np.searchsorted(known.words.hashes, self.hashes), len(known.words.hashes) - 1
            )
            there = known.words.hashes[place] == self.hashes
            columns[place[there]] = self.weights[there]
        return columns

    def linear(self, features: Floats) -> Floats:
        """Return what the pair features add."""
        # Not ``@``: its sums depend on how many rows are asked at once.
        standard = np.nan_to_num((features - self.centre) / self.scale)
        return np.asarray(np.einsum("ij,j->i", standard, self.slopes) + self.intercept)

    def score(self, missing: Sparse, features: Floats, known: Vocabularies) -> Floats:
        """Return the log-odds of pairs, shape (pairs,), from ``missing_words``."""
        return np.asarray(missing @ self.columns(known) + self.linear(features))

    def score_pairs(
        self, a: Encoded, b: Encoded, i: Ints, j: Ints, features: Floats, known: Vocabularies
    ) -> Floats:
        """Return the same, without laying out the missing words first."""
        out = np.zeros(len(i))
        rows = [
            part
            for side in (a, b)
            for part in (side.title.indptr, side.title.indices, side.wide.indptr, side.wide.indices)
        ]
        _missing_sums(i, j, self.columns(known), *rows, out)
        return out + self.linear(features)


def mean_of(lexicons: Sequence[Lexicon]) -> Lexicon:
    """Return one lexicon whose scores are the mean of those of several."""
    hashes = np.unique(np.concatenate([each.hashes for each in lexicons]))
    weights = np.zeros(len(hashes))
    for each in lexicons:
        weights[np.searchsorted(hashes, each.hashes)] += each.weights / len(lexicons)
    steep = np.mean([each.slopes / each.scale for each in lexicons], axis=0)
    level = np.mean([each.slopes * each.centre / each.scale for each in lexicons], axis=0)
    used = np.abs(steep) > 1e-12
    # A feature that is not known counts nothing, which is why the levels stay with the features.
    centre = np.divide(level, steep, out=np.zeros_like(level), where=used)
    return Lexicon(
        hashes,
        weights,
        centre,
        np.ones_like(steep),
        np.where(used, steep, 0.0),
        float(np.mean([each.intercept for each in lexicons])),
    )


def missing_words(a: Encoded, b: Encoded, i: Ints, j: Ints) -> Sparse:
    """Return, for each pair, the title words that the other record has nowhere (CSR)."""
    title_a, title_b = _binary(a.title[i]), _binary(b.title[j])
    alone_a = title_a - title_a.multiply(_binary(b.wide[j]))
    alone_b = title_b - title_b.multiply(_binary(a.wide[i]))
    return (alone_a + alone_b).tocsr()


def _binary(rows: Sparse) -> Sparse:
    return sparse.csr_matrix((np.ones_like(rows.data), rows.indices, rows.indptr), rows.shape)


@compiled
def _missing_sum(  # pragma: no cover - compiled
    weights: Any, terms: Any, start: int, stop: int, others: Any, other: int, end: int
) -> float:
    total = 0.0
    for place in range(start, stop):
        while other < end and others[other] < terms[place]:
            other += 1
        if other == end or others[other] != terms[place]:
            total += weights[terms[place]]
    return total


@compiled
def _missing_sums(  # pragma: no cover - compiled
    i: Any,
    j: Any,
    weights: Any,
    a_title: Any,
    a_title_at: Any,
    a_wide: Any,
    a_wide_at: Any,
    b_title: Any,
    b_title_at: Any,
    b_wide: Any,
    b_wide_at: Any,
    out: Any,
) -> None:
    for pair in range(i.shape[0]):
        p, q = i[pair], j[pair]
        out[pair] = _missing_sum(
            weights, a_title_at, a_title[p], a_title[p + 1], b_wide_at, b_wide[q], b_wide[q + 1]
        ) + _missing_sum(
            weights, b_title_at, b_title[q], b_title[q + 1], a_wide_at, a_wide[p], a_wide[p + 1]
        )


def learn(missing: Sparse, features: Floats, labels: Ints, known: Vocabularies) -> Lexicon:
    """Return the lexicon of labelled pairs.

    Args:
        missing: from ``missing_words``.
        features: of the pairs.
        labels: 1 for the same product, 0 for another; both must occur.
        known: the vocabularies.
    """
    words = len(known.words.hashes)
    seen = np.flatnonzero(np.bincount(missing.indices, minlength=words)[:words] >= LEAST)
    there = ~np.isnan(features)
    count = np.maximum(there.sum(axis=0), 1)
    values = np.nan_to_num(features)
    centre = values.sum(axis=0) / count
    spread = np.sqrt((np.where(there, features - centre, 0.0) ** 2).sum(axis=0) / count)
    scale = np.where(spread > 1e-9, spread, 1.0)
    standard = np.nan_to_num((features - centre) / scale)
    matrix = sparse.hstack([missing[:, seen], sparse.csr_matrix(standard)]).tocsr()
    model = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=1000, random_state=0)
    model.fit(matrix, labels)
    weights = model.coef_[0]
    return Lexicon(
        known.words.hashes[seen],
        weights[: len(seen)],
        centre,
        scale,
        weights[len(seen) :],
        float(model.intercept_[0]),
    )
