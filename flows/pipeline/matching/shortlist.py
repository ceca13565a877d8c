"""Shortlist: candidates in a large table, for a fraction of what reading it would cost.

Two steps. Words are read rarest first, until the best record leads by more than all unread words
could add (most names carry a model number, and are settled by two or three words), or until the
budget is spent. Where that settles nothing, the ``LONG`` best so far are compared in full, by all
their words and letter groups, and the best ``k`` stay. Letter groups are thus compared but never
searched: in a million names each stands in thousands.

Promised: as ``candidates``, which uses this above ``SMALL`` rows. Not done: finding a record that
shares no affordable word with the query at all.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from flows.pipeline.matching.arrays import Ints, Sparse
from flows.pipeline.matching.compiled import compiled

DEEP: Final = 50_000
"""Postings of words that an unsettled query reads at the most."""
LONG: Final = 40
"""Records of a query that are compared in full."""
WORTH: Final = 0.5
"""Share of the best score below which a record is no candidate of a settled query."""


def shortlist(
    words: Sparse,
    weights: Any,
    grams: Sparse,
    postings: Sparse,
    table_words: Sparse,
    table_grams: Sparse,
    k: int,
    common: int,
    deep: int = DEEP,
) -> tuple[Ints, Ints]:
    """Return (query row, table row) of the best ``k`` at most for each query, by query and row.

    Args:
        words: of the queries, rarities.
        weights: the same at unit length.
        grams: letter groups of the queries, rarities.
        postings: of the table's words, unit length, (terms, records).
        table_words: the table's rows of words, rarities.
        table_grams: of its letter groups.
        k: candidates of a query.
        common: postings of a word above which it is never read.
        deep: postings that a query reads at the most.
    """
    count = words.shape[0]
    found, record = np.zeros(count, np.int64), np.zeros((count, k), np.int32)
    _shortlist(
        *(words.indptr, words.indices, words.data, weights),
        *(grams.indptr, grams.indices, grams.data),
        *(postings.indptr, postings.indices, postings.data),
        *(table_words.indptr, table_words.indices, table_words.data),
        *(table_grams.indptr, table_grams.indices, table_grams.data),
        *(common, deep, found, record),
    )
    query = np.repeat(np.arange(count), found)
    return query, record[np.arange(k)[None, :] < found[:, None]].astype(np.int64)


@compiled
def _cosine(  # pragma: no cover - compiled
    one: Any, weights: Any, start: int, stop: int, two: Any, others: Any, other: int, end: int
) -> Any:
    """The cosine of two rows of rarities, sorted by term."""
    mine, theirs, shared = 0.0, 0.0, 0.0
    for place in range(other, end):
        theirs += others[place] * others[place]
    for place in range(start, stop):
        square = weights[place] * weights[place]
        mine += square
        while other < end and two[other] < one[place]:
            other += 1
        if other < end and two[other] == one[place]:
            shared += square
    return shared / np.sqrt(max(mine * theirs, 1e-12))


@compiled
def _keep(  # pragma: no cover - compiled
    best: Any, scores: Any, held: int, record: int, score: float
) -> Any:
    """Insert into a list by score, falling, then row; return how many it holds."""
    size = best.shape[0]
    if held == size and (
        score < scores[size - 1] or (score == scores[size - 1] and record > best[size - 1])
    ):
        return held
    at = min(held, size - 1)
    while at > 0 and (
        scores[at - 1] < score or (scores[at - 1] == score and best[at - 1] > record)
    ):
        scores[at], best[at] = scores[at - 1], best[at - 1]
        at -= 1
    scores[at], best[at] = score, record
    return min(held + 1, size)


@compiled
def _read(  # pragma: no cover - compiled
    terms: Any,
    weights: Any,
    places: Any,
    records: Any,
    values: Any,
    common: int,
    deep: int,
    total: Any,
    touched: Any,
) -> Any:
    """Add up the postings of a query, rarest word first, until the leader is settled.

    Returns how many records were touched, the leader, its score (0 for none), and whether it is
    settled.
    """
    cost = places[terms + 1] - places[terms]
    order = np.argsort(cost, kind="mergesort")
    left = np.float32(0)
    for at in order:
        if cost[at] > 0:
            left += weights[at] * weights[at]
    spent, seen, leader = 0, 0, -1
    first, second = np.float32(0), np.float32(0)
    for at in order:
        if (first - second > left and first > 0) or cost[at] > common or spent + cost[at] > deep:
            break
        spent += cost[at]
        weight = weights[at]
        if cost[at]:
            left -= weight * weight
        for place in range(places[terms[at]], places[terms[at] + 1]):
            record = records[place]
            now = total[record] + weight * values[place]
            if total[record] == 0:
                touched[seen] = record
                seen += 1
            total[record] = now
            if record == leader:
                first = now
            elif now > first:
                second, first, leader = first, now, record
            elif now > second:
                second = now
    return seen, leader, first, first - second > left and first > 0


@compiled
def _shortlist(  # pragma: no cover - compiled
    starts: Any,
    terms: Any,
    rarities: Any,
    weights: Any,
    gram_starts: Any,
    gram_terms: Any,
    gram_rarities: Any,
    places: Any,
    records: Any,
    values: Any,
    table_starts: Any,
    table_terms: Any,
    table_rarities: Any,
    table_gram_starts: Any,
    table_gram_terms: Any,
    table_gram_rarities: Any,
    common: int,
    deep: int,
    found: Any,
    out: Any,
) -> None:
    k = out.shape[1]
    total = np.zeros(table_starts.shape[0] - 1, np.float32)
    touched = np.empty(table_starts.shape[0] - 1, np.int32)
    best, scores = np.empty(LONG, np.int32), np.empty(LONG, np.float64)
    full, full_scores = np.empty(k, np.int32), np.empty(k, np.float64)
    for query in range(starts.shape[0] - 1):
        begin, end = starts[query], starts[query + 1]
        seen, leader, first, settled = _read(
            terms[begin:end], weights[begin:end], places, records, values,
            common, deep, total, touched,
        )  # fmt: skip
        least = np.round(WORTH * first * 1e5) if settled else 1.0
        held = 0
        for place in range(seen):
            record = touched[place]
            raw = total[record] * 1e5
            total[record] = 0
            if held == LONG and raw + 1 < scores[held - 1]:  # most of them: not worth the rounding
                continue
            score = np.round(raw)
            if score >= least or record == leader:
                held = _keep(best, scores, held, record, score)
        kept = 0
        for place in range(held):
            record = best[place]
            score = scores[place]
            if held > k or not settled:
                score = _cosine(
                    terms, rarities, begin, end,
                    table_terms, table_rarities, table_starts[record], table_starts[record + 1],
                ) + _cosine(
                    gram_terms, gram_rarities, gram_starts[query], gram_starts[query + 1],
                    table_gram_terms, table_gram_rarities,
                    table_gram_starts[record], table_gram_starts[record + 1],
                )  # fmt: skip
                score = np.round(score * 1e5)
            kept = _keep(full, full_scores, kept, record, score)
        out[query, :kept] = np.sort(full[:kept])
        found[query] = kept
