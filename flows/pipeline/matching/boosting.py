"""Boosted trees in folds, with calibrated probabilities.

Each fold's trees are trained on the other folds; their mean scores new pairs, and the scores of
the training pairs, each by the trees that did not see it, are what calibration and thresholds are
taken from. Calibration is Platt's sigmoid (Platt 1999), with his smoothed targets: two numbers,
monotone, and steady on a few hundred matches where a step function would tie.

Promised: the same pairs give the same bytes, on any number of threads (LightGBM is made to be
deterministic and to build histograms by rows).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import lightgbm as lgb
import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.special import expit, logit  # type: ignore[import-untyped]

from flows.pipeline.matching.arrays import Floats, Ints
from flows.pipeline.matching.forest import Forest, forest_of, join

FOLDS: Final = 5
ROUNDS: Final = 300
RATE: Final = 0.03
SEED: Final = 7
PARAMETERS: Final[dict[str, Any]] = {
    "objective": "binary",
    "num_leaves": 15,
    "min_data_in_leaf": 10,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 2.0,
    "verbose": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
}
"""Small trees, strongly sampled: some thousand labelled pairs carry no more. Chosen on folds of
train and valid of two public benchmarks; 150 to 500 rounds gave the same within sampling error."""
CUT: Final = 1e-6
"""Probabilities are kept this far from 0 and 1 before their log-odds are taken."""


@dataclass(frozen=True)
class Trees:
    """Trees of the folds, and the sigmoid over the mean of their log-odds.

    Attributes:
        forest: the trees of all folds; None says nothing.
        folds: how many.
        slope: of the sigmoid; offset: of the sigmoid.
    """

    forest: Forest | None = None
    folds: int = 1
    slope: float = 1.0
    offset: float = 0.0

    def raw(self, features: Floats) -> Floats:
        """Return the mean log-odds of the folds' trees, not calibrated."""
        if self.forest is None:
            return np.zeros(len(features))
        return self.forest.sums(features) / self.folds

    def calibrated(self, raw: Floats) -> Floats:
        """Return probabilities."""
        return np.asarray(np.clip(expit(self.slope * raw + self.offset), CUT, 1 - CUT))


def log_odds(probability: Floats) -> Floats:
    """Return ln(p / (1 - p))."""
    return np.asarray(logit(np.clip(probability, CUT, 1 - CUT)))


def folds_of(groups: Ints, labels: Ints, folds: int = FOLDS) -> Ints:
    """Return a fold, 0 to ``folds`` - 1, for each pair: the pairs of one record stay together.

    Groups are dealt out in the order of a hash of their number, those with matches first, so that
    every fold has its share of matches. Where a few records hold all pairs of a kind, that would
    leave nothing to learn that kind from beside some fold: then the pairs are dealt out singly.
    """
    dealt = _deal(groups, labels, folds)
    for value in (0, 1):
        if len(np.unique(dealt[labels == value])) < 2:
            return _deal(np.arange(len(labels)), labels, folds)
    return dealt


def _deal(groups: Ints, labels: Ints, folds: int) -> Ints:
    found, where = np.unique(groups, return_inverse=True)
    matched = np.bincount(where, labels) > 0
    shuffled = np.random.default_rng(7).permutation(len(found))
    order = np.lexsort((shuffled, ~matched))
    fold = np.empty(len(found), np.int64)
    fold[order] = np.arange(len(found)) % folds
    return fold[where]


def grow(
    features: Floats,
    labels: Ints,
    fold: Ints,
    *,
    rounds: int = ROUNDS,
    rate: float = RATE,
    folds: int = FOLDS,
) -> tuple[Trees, Floats]:
    """Return the trees, and for each training pair the log-odds by trees that did not see it.

    Args:
        features: shape (pairs, features); NaN is "not known".
        labels: 0 or 1.
        fold: of each pair, 0 to ``folds`` - 1.
        rounds: trees of each fold.
        rate: how much each tree adds.
        folds: how many.
    """
    held_out = np.zeros(len(labels))

    def of_fold(number: int) -> Forest:
        rest = fold != number
        data = lgb.Dataset(features[rest], labels[rest])
        chosen = {"learning_rate": rate, "seed": SEED + number}
        forest = forest_of(lgb.train({**PARAMETERS, **chosen}, data, rounds))
        if not rest.all():
            held_out[~rest] = forest.sums(features[~rest])
        return forest

    # Side by side: each fold's trees are its own, whoever is ready first.
    with ThreadPoolExecutor(min(folds, os.cpu_count() or 1)) as threads:
        grown = list(threads.map(of_fold, range(folds)))
    slope, offset = platt(held_out, labels)
    return Trees(join(grown), folds, slope, offset), held_out


def platt(raw: Floats, labels: Ints) -> tuple[float, float]:
    """Return slope and offset of the sigmoid that fits the labels best (Platt 1999)."""
    matches = int(labels.sum())
    others = len(labels) - matches
    target = np.where(labels == 1, (matches + 1) / (matches + 2), 1 / (others + 2))

    def loss(values: Floats) -> float:
        z = values[0] * raw + values[1]
        return float((np.logaddexp(0, z) - target * z).sum())

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return max(float(slope), 0.01), float(offset)
