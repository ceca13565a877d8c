"""Assignment: one partner for each record, where one-to-one is asked for.

The pairs with the largest sum of log-odds above even are chosen: exactly (Jonker-Volgenant) within
each connected group of pairs, and greedily, best first, in groups too large for that. Pairs
below ``least`` are never chosen. Equal sums are settled by row, so the result is one and the same
on every machine.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from flows.pipeline.matching.arrays import Flags, Floats, Ints

LARGEST: Final = 1_000_000
"""Cells of a group solved exactly (8 MB, well below a second); larger ones are greedy."""


def one_to_one(i: Ints, j: Ints, probability: Floats, least: float = 0.5) -> Flags:
    """Return which pairs are chosen.

    Args:
        i: row of one table.
        j: of the other; each pair once.
        probability: of each pair.
        least: below which a pair is never chosen.
    """
    chosen = np.zeros(len(i), bool)
    able = np.flatnonzero(probability >= least)
    if not len(able):
        return chosen
    rows, left = np.unique(i[able], return_inverse=True)
    columns, right = np.unique(j[able], return_inverse=True)
    count = len(rows) + len(columns)
    graph = sparse.coo_matrix((np.ones(len(able)), (left, right + len(rows))), (count, count))
    group = connected_components(graph, directed=False)[1][left]
    order = np.lexsort((right, left, group))
    for part in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        chosen[able[part[_best(left[part], right[part], probability[able[part]], least)]]] = True
    return chosen


def _best(left: Ints, right: Ints, probability: Floats, least: float) -> Ints:
    if len(left) == 1:
        return np.zeros(1, np.int64)
    rows, row = np.unique(left, return_inverse=True)
    columns, column = np.unique(right, return_inverse=True)
    if len(rows) * len(columns) > LARGEST:
        return _greedy(row, column, probability)
    odds = np.log(probability / (1 - np.minimum(probability, 1 - 1e-9)))
    worth = np.zeros((len(rows), len(columns)))  # zero: no pair, always allowed
    # Above the floor, so that every eligible pair is worth more than none.
    worth[row, column] = odds - np.log(least / (1 - least)) + 1e-6
    place = np.full(worth.shape, -1)
    place[row, column] = np.arange(len(left))
    picked = place[linear_sum_assignment(worth, maximize=True)]
    return np.asarray(picked[picked >= 0], np.int64)


def _greedy(row: Ints, column: Ints, probability: Floats) -> Ints:
    taken_row, taken_column, picked = set(), set(), []
    for pair in np.lexsort((column, row, -probability)):
        if row[pair] not in taken_row and column[pair] not in taken_column:
            taken_row.add(row[pair])
            taken_column.add(column[pair])
            picked.append(pair)
    return np.array(picked, np.int64)
