"""Context: how a pair stands among the other candidates of its two records.

One record is one product, so a pair that is beaten clearly by another pair of the same record is
doubtful, however alike its texts are. These features need both whole tables, not only the pair;
they use no labels. A second round asks the same of the lead itself: a rival that has a better
partner elsewhere is no rival.

Promised: the order of the pairs does not matter. Not done: assignment; see ``assign``.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from flows.pipeline.matching.arrays import Floats, Ints, Singles

NAMES: Final = (
    "score",
    *(
        f"{what}_{name}"
        for what in ("score", "lead", "cosine", "grams", "price")
        for name in ("a_gap", "b_gap", "least_gap", "a_rank", "b_rank")
    ),
)
ALONE: Final = 20.0
"""The gap where there is no rival: beyond any gap of log-odds (which are cut at 10)."""


def lead(group: Ints, values: Floats) -> tuple[Floats, Floats]:
    """Return, for each entry, its value less the best other of its group, and its rank from 0.

    Args:
        group: of each entry.
        values: no NaN.
    """
    if not len(group):
        return np.zeros(0), np.zeros(0)
    order = np.lexsort((-values, group))
    sorted_group, sorted_values = group[order], values[order]
    first = np.searchsorted(sorted_group, sorted_group)
    place = np.arange(len(order)) - first
    size = np.searchsorted(sorted_group, sorted_group, side="right") - first
    second = np.minimum(first + 1, len(order) - 1)
    rival = np.where(place == 0, sorted_values[second], sorted_values[first])
    gap = np.where(size > 1, sorted_values - rival, ALONE)
    # Equal values share the better rank, so that the order of the rows decides nothing.
    fresh = np.ones(len(order), bool)
    fresh[1:] = (sorted_group[1:] != sorted_group[:-1]) | (sorted_values[1:] != sorted_values[:-1])
    rank = place[np.maximum.accumulate(np.where(fresh, np.arange(len(order)), 0))]
    gaps, ranks = np.empty(len(order)), np.empty(len(order))
    gaps[order], ranks[order] = gap, rank
    return gaps, ranks


def context_features(
    i: Ints, j: Ints, score: Floats, cosine: Floats, grams: Floats, price: Floats
) -> Singles:
    """Return the features NAMES of all candidate pairs.

    Args:
        i: row of one table.
        j: of the other; every candidate of both tables, each once.
        score: log-odds of the pair model.
        cosine: of the words.
        grams: of the letter groups.
        price: distance of the logarithms of the prices; NaN where unknown.
    """
    columns = [np.clip(score, -10, 10)]
    first = _block(i, j, columns[0])
    columns += first
    columns += _block(i, j, first[2])
    columns += _block(i, j, cosine)
    columns += _block(i, j, grams)
    columns += _block(i, j, -np.nan_to_num(price, nan=1.0))
    return np.column_stack(columns).astype(np.float32)


def _block(i: Ints, j: Ints, values: Floats) -> list[Floats]:
    gap_a, rank_a = lead(i, values)
    gap_b, rank_b = lead(j, values)
    return [gap_a, gap_b, np.minimum(gap_a, gap_b), rank_a, rank_b]
