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
from typing import Final

import numpy as np
import polars as pl
from scipy import sparse  # type: ignore[import-untyped]
from sparse_dot_topn import sp_matmul_topn  # type: ignore[import-untyped]

from flows.pipeline.matching.arrays import Floats, Ints, Singles, Sparse, distinct
from flows.pipeline.matching.encode import Encoded, Vocabularies

BUDGET: Final = 15_000
"""Postings a query reads in each view. At 100,000 synthetic records the word view alone found
.95, .99 and 1.00 of the pairs for 3,000, 10,000 and 40,000 postings, the grams .64, .93 and 1.00,
for 81, 192 and 703 microseconds in both."""
LEAST_TERMS: Final = 3
"""Read whatever they cost, unless too common: one alone, if it is misspelt, finds nothing."""
COMMON: Final = 0.2
SMALL: Final = 20_000
"""Rows below which every term is read: the cost is nothing, and small tables have few words."""
ROUND: Final = 5
"""Decimals of a score that count: below, the order of a sum in single precision would."""


@dataclass(frozen=True)
class View:
    """One TF-IDF view of the standing table.

    Attributes:
        postings: CSR (terms, records) of unit-length TF-IDF columns, float32.
        rarity: of each term.
        documents: records in which each term stands.
    """

    postings: Sparse
    rarity: Floats
    documents: Ints

    @classmethod
    def of(cls, rows: Sparse, rarity: Floats) -> View:
        """Index binary rows."""
        postings = weigh(rows, rarity).T.tocsr()
        return cls(postings, rarity, np.diff(postings.indptr).astype(np.int64))

    def nearest(self, rows: Sparse, k: int, budget: int = BUDGET) -> tuple[Ints, Ints, Singles]:
        """Return query row, record row and cosine of the best ``k`` for each query."""
        records = self.postings.shape[1]
        if not rows.shape[0] or not records:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
        weighted = weigh(rows, self.rarity)
        if records > SMALL:
            weighted = self._affordable(weighted, budget)
        # Some more than asked for, so that which of equals are kept is decided here, by row.
        found = sp_matmul_topn(weighted, self.postings, top_n=k + 5, sort=False, n_threads=1)
        found = found.tocsr()
        query = np.repeat(np.arange(rows.shape[0]), np.diff(found.indptr))
        record, score = found.indices.astype(np.int64), np.round(found.data, ROUND)
        order = np.lexsort((record, -score, query))
        query, record, score = query[order], record[order], score[order]
        place = np.arange(len(query)) - np.searchsorted(query, query)
        kept = (place < k) & (score > 0)
        return query[kept], record[kept], score[kept]

    def _affordable(self, rows: Sparse, budget: int) -> Sparse:
        """Leave in each query the rarest terms that it can afford to read."""
        query = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        cost = self.documents[rows.indices]
        order = np.lexsort((rows.indices, cost, query))
        spent = np.cumsum(cost[order])
        first = np.searchsorted(query, query[order])
        spent -= np.where(first > 0, spent[first - 1], 0)
        place = np.arange(len(order)) - first
        common = cost[order] > COMMON * self.postings.shape[1]
        kept = ((spent <= budget) | (place < LEAST_TERMS)) & ~common
        chosen = np.sort(order[kept])
        indptr = np.searchsorted(chosen, rows.indptr)
        return sparse.csr_matrix(
            (rows.data[chosen], rows.indices[chosen], indptr), shape=rows.shape
        )


def weigh(rows: Sparse, rarity: Floats) -> Sparse:
    """Return binary rows as unit-length TF-IDF rows, float32."""
    weights = rarity[rows.indices]
    lengths = np.sqrt(np.bincount(_row_of(rows), weights**2, minlength=rows.shape[0]))
    data = (weights / lengths[_row_of(rows)]).astype(np.float32)
    return sparse.csr_matrix((data, rows.indices, rows.indptr), shape=rows.shape)


def _row_of(rows: Sparse) -> Ints:
    return np.repeat(np.arange(rows.shape[0], dtype=np.int64), np.diff(rows.indptr))


@dataclass(frozen=True)
class Index:
    """The standing table, ready for queries of any batch."""

    records: Encoded
    words: View
    grams: View
    keys: pl.DataFrame

    @classmethod
    def of(cls, records: Encoded, known: Vocabularies) -> Index:
        """Index an encoded table."""
        return cls(
            records,
            View.of(records.wide, known.words.rarity()),
            View.of(records.grams, known.grams.rarity()),
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
