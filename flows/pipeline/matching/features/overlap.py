"""What two records share and what each has alone, weighed by rarity: sorted terms, merged.

A word of one title counts as found when it stands anywhere in the other record, also joined,
split, or in its description. What is not found is the stronger evidence: two names of one brand
differ from each other by one number or one code. Words, numbers and codes are therefore counted
apart, and the rarest word that is missing stands for itself.

The rows of a pair are sorted by term, so that one walk along both finds what they share: compiled,
half a microsecond a pair, where sparse matrix products over pairs took ten times that.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from flows.pipeline.matching.arrays import Ints, Singles
from flows.pipeline.matching.compiled import compiled
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


def overlap(a: Encoded, b: Encoded, i: Ints, j: Ints, known: Vocabularies) -> Singles:
    """Return the features NAMES of pairs, shape (pairs, len(NAMES)).

    Args:
        a: one side.
        b: the other, of the same vocabularies.
        i: row in ``a`` of each pair.
        j: row in ``b``.
        known: the vocabularies.
    """
    out = np.zeros((len(i), len(NAMES)), np.float32)
    rows = [
        part
        for side in (a, b)
        for view in (side.title, side.wide, side.grams)
        for part in (view.indptr, view.indices, view.data)
    ]
    _overlap(
        np.asarray(i, np.int64), np.asarray(j, np.int64), known.words.column_classes(), *rows, out
    )
    return out


@compiled
def _side(  # pragma: no cover - compiled
    indices: Any,
    weights: Any,
    start: int,
    stop: int,
    others: Any,
    other: int,
    end: int,
    classes: Any,
    sums: Any,
) -> None:
    """Sum up the words of a title, and those of them that the other record has.

    Into ``sums``: rarity, numbers, codes of all; the same of those found; the rarest not found.
    """
    sums[:] = 0
    for place in range(start, stop):
        term, rarity, kind = indices[place], weights[place], classes[indices[place]]
        while other < end and others[other] < term:
            other += 1
        sums[0] += rarity
        sums[1] += kind == NUMBER
        sums[2] += kind == CODE
        if other < end and others[other] == term:
            sums[3] += rarity
            sums[4] += kind == NUMBER
            sums[5] += kind == CODE
        elif rarity > sums[6]:
            sums[6] = rarity


@compiled
def _both(  # pragma: no cover - compiled
    one: Any,
    weights: Any,
    start: int,
    stop: int,
    two: Any,
    other_weights: Any,
    other: int,
    end: int,
    classes: Any,
    sums: Any,
) -> None:
    """Sum up what two rows share: squares of rarity of each and of both, then counts.

    Into ``sums``: squares of the first, of the second, shared; number of terms shared, of numbers,
    of codes; the rarest shared. ``classes`` may be empty: then the last four are not counted.
    """
    sums[:] = 0
    for place in range(other, end):
        sums[1] += other_weights[place] * other_weights[place]
    for place in range(start, stop):
        term, rarity = one[place], weights[place]
        square = rarity * rarity
        sums[0] += square
        while other < end and two[other] < term:
            other += 1
        if other < end and two[other] == term:
            sums[2] += square
            if classes.shape[0]:
                sums[3] += 1
                sums[4] += classes[term] == NUMBER
                sums[5] += classes[term] == CODE
                sums[6] = max(sums[6], rarity)


@compiled
def _overlap(  # pragma: no cover - compiled
    i: Any,
    j: Any,
    classes: Any,
    a_title: Any,
    a_title_at: Any,
    a_title_weights: Any,
    a_wide: Any,
    a_wide_at: Any,
    a_wide_weights: Any,
    a_grams: Any,
    a_grams_at: Any,
    a_grams_weights: Any,
    b_title: Any,
    b_title_at: Any,
    b_title_weights: Any,
    b_wide: Any,
    b_wide_at: Any,
    b_wide_weights: Any,
    b_grams: Any,
    b_grams_at: Any,
    b_grams_weights: Any,
    out: Any,
) -> None:
    left, right, sums = np.zeros(7), np.zeros(7), np.zeros(7)
    no_classes = classes[:0]
    for pair in range(i.shape[0]):
        p, q = i[pair], j[pair]
        row = out[pair]
        _side(
            a_title_at, a_title_weights, a_title[p], a_title[p + 1],
            b_wide_at, b_wide[q], b_wide[q + 1], classes, left,
        )  # fmt: skip
        _side(
            b_title_at, b_title_weights, b_title[q], b_title[q + 1],
            a_wide_at, a_wide[p], a_wide[p + 1], classes, right,
        )  # fmt: skip
        for side in range(2):
            told = left if side == 0 else right
            first = side * 7
            row[first] = told[3] / max(told[0], 1e-9)
            row[first + 1] = told[3]
            row[first + 2] = told[0] - told[3]
            row[first + 3] = told[6]
            row[first + 4] = told[1] - told[4]
            row[first + 5] = told[2] - told[5]
            row[first + 6] = told[2]
        _both(
            a_title_at, a_title_weights, a_title[p], a_title[p + 1],
            b_title_at, b_title_weights, b_title[q], b_title[q + 1], classes, sums,
        )  # fmt: skip
        row[14] = sums[2] / np.sqrt(max(sums[0] * sums[1], 1e-12))
        row[17], row[18], row[19], row[20] = sums[3], sums[4], sums[5], sums[6]
        _both(
            a_grams_at, a_grams_weights, a_grams[p], a_grams[p + 1],
            b_grams_at, b_grams_weights, b_grams[q], b_grams[q + 1], no_classes, sums,
        )  # fmt: skip
        row[15] = sums[2] / np.sqrt(max(sums[0] * sums[1], 1e-12))
        _both(
            a_wide_at, a_wide_weights, a_wide[p], a_wide[p + 1],
            b_wide_at, b_wide_weights, b_wide[q], b_wide[q + 1], no_classes, sums,
        )  # fmt: skip
        row[16] = sums[2] / np.sqrt(max(sums[0] * sums[1], 1e-12))
        row[21] = min(row[0], row[7])
        row[22] = max(row[0], row[7])
        row[23] = min(row[2], row[9])
        row[24] = min(row[4], row[11])
        row[25] = min(row[5], row[12])
        row[26] = (a_title[p + 1] - a_title[p]) - (b_title[q + 1] - b_title[q])
