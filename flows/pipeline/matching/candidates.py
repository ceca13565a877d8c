"""Candidates: for each record of one table, the few of the other that may be the same product.

Two views find them, words and letter groups, each by the cosine of TF-IDF rows, the best ``k`` of
each; their union is scored by the model. Exact keys (the same GTIN; the same part number) come
beside, whatever the texts say.

Cost is bounded by what a query may read, not by a flat limit on how common a term may be: a flat
limit loses, in a table a hundred times as large, exactly the words that tell its products apart.
A query reads its rarest terms first, until it has read ``budget`` postings, and always its rarest
``LEAST_TERMS``. Recall thus holds as tables grow, and a million equal titles cost no more than any
others. A term that stands in more than ``COMMON`` of a large table is not read at all.

Promised: results do not depend on how the queries are divided into batches, nor on threads; equal
scores are ordered by row. Not done: approximate nearest neighbours over embeddings, which cost a
hundred times as much and gained nothing where tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from scipy import sparse  # type: ignore[import-untyped]

from flows.pipeline.matching.arrays import Ints, Singles, Sparse, distinct
from flows.pipeline.matching.compiled import compiled
from flows.pipeline.matching.encode import Encoded
from flows.pipeline.matching.shortlist import shortlist

BUDGET: Final = 15_000
"""Postings a query reads in each view. At 100,000 synthetic records the word view alone found
.95, .99 and 1.00 of the pairs for 3,000, 10,000 and 40,000 postings, the grams .64, .93 and 1.00,
for 81, 192 and 703 microseconds in both."""
LEAST_TERMS: Final = 3
"""Read whatever they cost, unless too common: one alone, if it is misspelt, finds nothing."""
COMMON: Final = 0.2
THOROUGH: Final = 5_000
"""Rows up to which every term is read: the cost is nothing, and small tables have few words. At
20,000 it would cost 1,000 microseconds a query, and 280 with ``BUDGET``, which finds as much."""
SMALL: Final = 20_000
"""Rows up to which both views are searched; above, see ``shortlist``."""
ROUND: Final = 100_000
"""Steps of a score that count: below, the order of a sum in single precision would."""
EVERYTHING: Final = 1 << 60


@dataclass(frozen=True)
class View:
    """One TF-IDF view of the standing table.

    Attributes:
        postings: CSR (terms, records) of unit-length TF-IDF columns, float32.
    """

    postings: Sparse

    @classmethod
    def of(cls, rows: Sparse) -> View:
        """Index rows of rarities."""
        weighted = sparse.csr_matrix((unit(rows), rows.indices, rows.indptr), rows.shape)
        return cls(weighted.T.tocsr())

    def nearest(self, rows: Sparse, k: int, budget: int = BUDGET) -> tuple[Ints, Ints, Singles]:
        """Return query row, record row and cosine of the best ``k`` for each query.

        Only what the query could afford to read counts in the cosine.
        """
        records, count = self.postings.shape[1], rows.shape[0]
        if records <= THOROUGH:
            budget = EVERYTHING
        found = np.zeros(count, np.int64)
        record = np.zeros((count, k), np.int32)
        score = np.zeros((count, k), np.int32)
        if count and records:
            _nearest(
                *(rows.indptr, rows.indices, unit(rows)),
                *(self.postings.indptr, self.postings.indices, self.postings.data),
                *(records, budget, int(COMMON * records) if records > THOROUGH else records),
                *(found, record, score),
            )
        query = np.repeat(np.arange(count), found)
        kept = np.arange(k)[None, :] < found[:, None]
        cosine = (score[kept] / ROUND).astype(np.float32)
        return query, record[kept].astype(np.int64), cosine


def unit(rows: Sparse) -> Singles:
    """Return the weights of rows of rarities, each row of unit length, float32."""
    lengths = np.sqrt(np.bincount(_row_of(rows), rows.data.astype(float) ** 2, rows.shape[0]))
    return np.asarray(rows.data / lengths[_row_of(rows)], np.float32)


def _row_of(rows: Sparse) -> Ints:
    return np.repeat(np.arange(rows.shape[0], dtype=np.int64), np.diff(rows.indptr))


@compiled
def _nearest(  # pragma: no cover - compiled
    starts: Any,
    terms: Any,
    weights: Any,
    places: Any,
    records: Any,
    values: Any,
    width: int,
    budget: int,
    common: int,
    found: Any,
    best: Any,
    scores: Any,
) -> None:
    """For each query: read postings, rarest term first, and keep the best by score, then row."""
    k = best.shape[1]
    total = np.zeros(width, np.float32)
    touched = np.empty(width, np.int32)
    for query in range(starts.shape[0] - 1):
        begin, end = starts[query], starts[query + 1]
        cost = places[terms[begin:end] + 1] - places[terms[begin:end]]
        order = np.argsort(cost, kind="mergesort")
        spent, seen = 0, 0
        for read, at in enumerate(order):
            if cost[at] > common or (spent + cost[at] > budget and read >= LEAST_TERMS):
                break
            if spent + cost[at] > LEAST_TERMS * budget:
                break
            spent += cost[at]
            term, weight = terms[begin + at], weights[begin + at]
            for place in range(places[term], places[term + 1]):
                record = records[place]
                if total[record] == 0:
                    touched[seen] = record
                    seen += 1
                total[record] += weight * values[place]
        held = 0
        for place in range(seen):
            record = touched[place]
            score = np.int32(total[record] * ROUND + np.float32(0.5))
            total[record] = 0
            if score <= 0 or (
                held == k
                and (
                    score < scores[query, k - 1]
                    or (score == scores[query, k - 1] and record > best[query, k - 1])
                )
            ):
                continue
            at = min(held, k - 1)
            while at > 0 and (
                scores[query, at - 1] < score
                or (scores[query, at - 1] == score and best[query, at - 1] > record)
            ):
                scores[query, at], best[query, at] = scores[query, at - 1], best[query, at - 1]
                at -= 1
            scores[query, at], best[query, at] = score, record
            held = min(held + 1, k)
        found[query] = held


@dataclass(frozen=True)
class Index:
    """The standing table, ready for queries of any batch."""

    records: Encoded
    words: View
    grams: View
    keys: pl.DataFrame

    @classmethod
    def of(cls, records: Encoded) -> Index:
        """Index an encoded table."""
        return cls(
            records,
            View.of(records.wide),
            View.of(records.grams),
            exact_keys(records.texts),
        )


def exact_keys(texts: pl.DataFrame) -> pl.DataFrame:
    """Return (key, row): the GTIN, and the brand with the part number, where there are such."""
    numbered = texts.with_row_index("row")
    gtin = numbered.drop_nulls("gtin").select(pl.format("g:{}", "gtin").alias("key"), "row")
    part = numbered.filter(pl.col("mpn").str.len_chars() > 3).select(
        pl.format("m:{}:{}", "brand", pl.col("mpn").str.replace_all(" ", "")).alias("key"), "row"
    )
    return pl.concat([gtin, part])


MOST_SHARING: Final = 50
"""Records that one key may point to: a key that hundreds share is a placeholder, not a key."""


def find(queries: Encoded, index: Index, k: int = 10, budget: int = BUDGET) -> tuple[Ints, Ints]:
    """Return the pairs (query row, index row) to be scored, sorted, each once.

    Args:
        queries: encoded with the vocabularies of the index.
        index: the standing table.
        k: best of each view.
        budget: postings read for a query in a view.
    """
    width = np.int64(max(len(index.records), 1))
    if len(index.records) > SMALL and budget == BUDGET:
        found = [
            shortlist(
                *(queries.wide, unit(queries.wide), queries.grams, index.words.postings),
                *(index.records.wide, index.records.grams, k, int(COMMON * width)),
            )
        ]
    else:
        found = [
            view.nearest(rows, k, budget)[:2]
            for view, rows in ((index.words, queries.wide), (index.grams, queries.grams))
        ]
    keys = index.keys.filter(pl.len().over("key") <= MOST_SHARING)
    same = exact_keys(queries.texts).join(keys, on="key", how="inner", suffix="_index")
    found.append(
        (same["row"].to_numpy().astype(np.int64), same["row_index"].to_numpy().astype(np.int64))
    )
    pairs = distinct(np.concatenate([query * width + record for query, record in found]))
    return pairs // width, pairs % width
