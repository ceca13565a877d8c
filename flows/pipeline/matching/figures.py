"""Figures of merit: precision, recall, F1 with an interval, calibration error, ranking.

Pure functions over labels and scores; ``evaluation`` says on which data.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from flows.pipeline.matching.arrays import Flags, Floats, Ints

RESAMPLES: Final = 1000
"""Of the bootstrap: the ends of a 95 % interval then move by some tenths of a point."""
BINS: Final = 10


def quality(labels: Ints, taken: Flags, missed: int = 0) -> dict[str, float]:
    """Return precision, recall and F1.

    Args:
        labels: 1 for true pairs.
        taken: the pairs held to be matches.
        missed: true pairs that are not among ``labels`` at all.
    """
    hits, asked = int(labels[taken].sum()), int(taken.sum())
    true = int(labels.sum()) + missed
    return {
        "precision": hits / asked if asked else 0.0,
        "recall": hits / true if true else 0.0,
        "f1": 2 * hits / (asked + true) if asked + true else 0.0,
    }


def interval(labels: Ints, taken: Flags, missed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of F1 (Efron 1979) over pairs."""
    chance = np.random.default_rng(11)
    all_labels = np.concatenate([labels, np.ones(missed, np.int64)])
    all_taken = np.concatenate([taken, np.zeros(missed, bool)])
    # Counts of the four kinds of pair are all that F1 needs: a resample is one multinomial draw.
    kinds = np.bincount(2 * all_labels + all_taken, minlength=4)
    if not kinds.sum():
        return 0.0, 0.0
    draws = chance.multinomial(kinds.sum(), kinds / kinds.sum(), RESAMPLES)
    f1 = 2 * draws[:, 3] / np.maximum(2 * draws[:, 3] + draws[:, 2] + draws[:, 1], 1)
    return float(np.quantile(f1, 0.025)), float(np.quantile(f1, 0.975))


def best_threshold(labels: Ints, probability: Floats) -> float:
    """Return the threshold of the largest F1, half way to the next lower probability."""
    order = np.argsort(-probability, kind="stable")
    if not len(order):
        return 0.5
    f1 = 2 * np.cumsum(labels[order]) / (np.arange(len(order)) + 1 + labels.sum())
    last = int(f1.argmax())
    below = order[min(last + 1, len(order) - 1)]
    return float((probability[order[last]] + probability[below]) / 2)


def calibration_error(labels: Ints, probability: Floats) -> float:
    """Return the expected calibration error over ten equal bins (Naeini et al. 2015)."""
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    apart = np.bincount(bins, labels - probability, minlength=BINS)
    return float(np.abs(apart).sum() / max(len(labels), 1))


def recall_at(
    i: Ints, j: Ints, score: Floats, true_i: Ints, true_j: Ints, width: int, k: int
) -> float:
    """Return the share of true pairs that stand among the best ``k`` of their record of A.

    Equal scores are ranked by row of B.

    Args:
        i: row of A.
        j: of B.
        score: of each candidate.
        true_i: row of A of the true pairs.
        true_j: of B.
        width: rows of B.
        k: places that count.
    """
    order = np.lexsort((j, -score, i))
    place = np.arange(len(order)) - np.searchsorted(i[order], i[order])
    kept = order[place < k]
    found = np.isin(true_i * width + true_j, i[kept] * width + j[kept])
    return float(found.mean()) if len(found) else 0.0
