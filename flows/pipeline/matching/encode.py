"""Encoding: a canonical table as the arrays that candidates and features are computed from.

A row is encoded without regard to any other row: a table may be encoded whole, in batches or on
many machines, and every row comes out the same. What all rows share, the rarity of terms, is in
the two vocabularies, which are counted first, in parts that may come in any order.

Three sparse views of a row: ``title`` (words of title, brand and part number), ``wide`` (the same
with joins, runs and the description: where the other side may look for a word) and ``grams``
(letter groups of the title). Memory: about 1 KB a row with short titles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from flows.pipeline.matching.arrays import Floats, Ints, Sparse
from flows.pipeline.matching.sizes import sizes
from flows.pipeline.matching.terms import Terms, grams, words
from flows.pipeline.matching.text import TEXT_LIMIT, fold
from flows.pipeline.matching.vocabulary import Vocabulary, count_terms, merge

BATCH: Final = 50_000
"""Rows of which terms are taken at once: some 100 MB while it lasts."""
GRAM: Final = 3


@dataclass(frozen=True)
class Vocabularies:
    """The terms of both tables."""

    words: Vocabulary
    grams: Vocabulary


@dataclass(frozen=True)
class Encoded:
    """A table, or a part of one, ready to be compared.

    Attributes:
        texts: folded columns ``title``, ``brand``, ``description``, and ``name`` (title with the
            brand), ``gtin`` and ``mpn`` (null where there is none).
        price: NaN where there is none.
        sizes: see ``sizes``.
        title: CSR over the word vocabulary, each word with its rarity.
        wide: the same.
        grams: CSR over the gram vocabulary, likewise.
    """

    texts: pl.DataFrame
    price: Floats
    sizes: Floats
    title: Sparse
    wide: Sparse
    grams: Sparse

    def __len__(self) -> int:
        return self.texts.height

    def take(self, rows: Ints) -> Encoded:
        """Return some rows, in that order."""
        return Encoded(
            self.texts[rows],
            self.price[rows],
            self.sizes[rows],
            self.title[rows],
            self.wide[rows],
            self.grams[rows],
        )


def folded(records: pl.DataFrame) -> pl.DataFrame:
    """Return the text columns of RECORDS, folded."""
    texts = records.select(
        fold("title").alias("title"),
        fold("brand", 100).alias("brand"),
        fold("description", TEXT_LIMIT).alias("description"),
        fold("category", 200).alias("category"),
        fold("mpn", 100).alias("mpn"),
        "gtin",
    )
    return texts.with_columns(
        name=pl.concat_str("brand", "title", "mpn", separator=" ")
        .str.strip_chars(" ")
        .str.replace_all("  ", " ", literal=True)
    )


def _title_terms(texts: pl.DataFrame) -> Terms:
    return words(texts["name"])


def _wide_terms(texts: pl.DataFrame) -> Terms:
    return words(texts["name"], joins=True, runs=True) + words(texts["description"], runs=True)


def count(records: pl.DataFrame) -> tuple[list, list]:  # type: ignore[type-arg]
    """Return the term counts of a table, a part for each batch: words, and grams."""
    found: tuple[list, list] = ([], [])  # type: ignore[type-arg]
    for batch in batches(records):
        texts = folded(batch)
        found[0].append(count_terms(_wide_terms(texts)))
        found[1].append(count_terms(grams(texts["name"], GRAM)))
    return found


def vocabularies(*tables: pl.DataFrame) -> Vocabularies:
    """Return the vocabularies of RECORDS tables, taken together."""
    counts = [count(records) for records in tables]
    size = sum(records.height for records in tables)
    return Vocabularies(
        merge([part for found, _ in counts for part in found], size),
        merge([part for _, found in counts for part in found], size),
    )


def encode(records: pl.DataFrame, known: Vocabularies) -> Encoded:
    """Return RECORDS encoded; a row's encoding does not depend on the other rows."""
    texts = folded(records)
    rows = records.height
    return Encoded(
        texts,
        records["price"].fill_null(float("nan")).to_numpy().astype(np.float64),
        sizes(texts["title"]),
        known.words.rows(_title_terms(texts), rows),
        known.words.rows(_wide_terms(texts), rows),
        known.grams.rows(grams(texts["name"], GRAM), rows),
    )


def batches(records: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows in batches; nothing for an empty table."""
    for start in range(0, records.height, BATCH):
        yield records[start : start + BATCH]
