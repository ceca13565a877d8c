"""Lexicon: what it means, in this assortment, that a word stands on one side only.

Rarity cannot say that ``upgrade`` tells two boxed programs apart while ``new`` tells nothing;
labelled pairs can. A logistic regression over the missing words, beside the pair features that
explain the rest, gives each word a weight; the sum is one more feature for the trees. Weights are
kept by the hash of the word, so they serve other tables, and in any language.

Promised: scores of training pairs come from folds that did not see them. Not done: weights for
words seen in fewer than ``LEAST`` training pairs; these are zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from flows.pipeline.matching.arrays import Floats, Hashes, Ints, Sparse
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

    def score(self, missing: Sparse, features: Floats, known: Vocabularies) -> Floats:
        """Return the log-odds of pairs, shape (pairs,)."""
        columns = np.zeros(known.words.width)
        if len(self.hashes) and len(known.words.hashes):
            place = np.minimum(
                np.searchsorted(known.words.hashes, self.hashes), len(known.words.hashes) - 1
            )
            there = known.words.hashes[place] == self.hashes
            columns[place[there]] = self.weights[there]
        # Not ``@``: its sums depend on how many rows are asked at once.
        standard = np.nan_to_num((features - self.centre) / self.scale)
        linear = np.einsum("ij,j->i", standard, self.slopes)
        return np.asarray(missing @ columns + linear + self.intercept)


def missing_words(a: Encoded, b: Encoded, i: Ints, j: Ints) -> Sparse:
    """Return, for each pair, the title words that the other record has nowhere (CSR)."""
    title_a, title_b = a.title[i], b.title[j]
    alone_a = title_a - title_a.multiply(b.wide[j])
    alone_b = title_b - title_b.multiply(a.wide[i])
    return (alone_a + alone_b).tocsr()


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
