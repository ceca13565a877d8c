"""Context: how a pair stands among the other candidates of its two records.

One record is one product, so a pair that is beaten clearly by another pair of the same record is
doubtful, however alike its texts are. These features need both whole tables, not only the pair;
they use no labels. A second round asks the same of the lead itself: a rival that has a better
partner elsewhere is no rival.

Promised: the order of the pairs does not matter. Not done: assignment; see ``assign``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np

from flows.pipeline.matching.arrays import Floats, Ints, Singles
from flows.pipeline.matching.compiled import compiled

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


class Groups:
    """Which entries belong together: found once, asked for many values."""

    def __init__(self, group: Ints) -> None:
        self.order = np.argsort(group, kind="stable")
        ordered = group[self.order]
        turn = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
        self.starts = np.concatenate([[0], turn, [len(group)]]).astype(np.int64)

    def lead(self, values: Floats) -> tuple[Floats, Floats]:
        """Return, for each entry, its value less the best other of its group, and its rank from 0.

        Equal values share the better rank, so that the order of the rows decides nothing.

        Args:
            values: no NaN.
        """
        gaps, ranks = np.empty(len(values)), np.empty(len(values))
        if len(values):
            _lead(self.order, self.starts, np.asarray(values, np.float64), gaps, ranks)
        return gaps, ranks


def lead(group: Ints, values: Floats) -> tuple[Floats, Floats]:
    """Return gaps and ranks of entries of the same number, see ``Groups.lead``."""
    return Groups(group).lead(values)


@compiled
def _lead(  # pragma: no cover - compiled
    order: Any, starts: Any, values: Any, gaps: Any, ranks: Any
) -> None:
    for group in range(starts.shape[0] - 1):
        begin, end = starts[group], starts[group + 1]
        mine = np.sort(values[order[begin:end]])
        size = end - begin
        best = mine[size - 1]
        second = mine[size - 2] if size > 1 else best - ALONE
        for place in range(begin, end):
            entry = order[place]
            value = values[entry]
            gaps[entry] = value - (second if value == best else best)
            ranks[entry] = size - np.searchsorted(mine, value, side="right")


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
    odds = np.clip(score, -10, 10)
    # Side by side: sorting and the compiled loops leave the interpreter free.
    with ThreadPoolExecutor(2) as threads:
        sides = tuple(threads.map(Groups, (i, j)))

        def block(values: Floats) -> list[Floats]:
            return _block(sides, values)

        plain = threads.map(block, (cosine, grams, -np.nan_to_num(price, nan=1.0)))
        first = block(odds)
        columns = [odds, *first, *block(first[2]), *(column for one in plain for column in one)]
    return np.column_stack([column.astype(np.float32) for column in columns])


def _block(sides: tuple[Groups, ...], values: Floats) -> list[Floats]:
    (gap_a, rank_a), (gap_b, rank_b) = (side.lead(values) for side in sides)
    return [gap_a, gap_b, np.minimum(gap_a, gap_b), rank_a, rank_b]
