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
from scipy import sparse  # type: ignore[import-untyped]

from flows.pipeline.matching.arrays import Floats, Ints, Sparse
from flows.pipeline.matching.roles import OTHERS
from flows.pipeline.matching.sizes import sizes
from flows.pipeline.matching.terms import Terms, grams, words
from flows.pipeline.matching.text import TEXT_LIMIT, fold
from flows.pipeline.matching.vocabulary import Vocabulary, count_terms, merge

BATCH: Final = 50_000
"""Rows of which terms are taken at once: some 100 MB while it lasts."""
GRAM: Final = 3
OTHER_LIMIT: Final = 200
"""Code points of a column of no role that are read."""


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
            brand), ``gtin`` and ``mpn`` (null where there is none); OTHERS where there are.
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
        *(fold(name, OTHER_LIMIT).alias(name) for name in OTHERS if name in records.columns),
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


@dataclass(frozen=True)
class Prepared:
    """A batch of a table before the vocabularies are known.

    Attributes:
        texts: folded.
        title: terms of each text; wide: the same with joins, runs and the description.
        grams: letter groups.
    """

    texts: pl.DataFrame
    title: Terms
    wide: Terms
    grams: Terms

    @classmethod
    def of(cls, records: pl.DataFrame) -> Prepared:
        """Fold RECORDS and take their terms."""
        texts = folded(records)
        return cls(texts, _title_terms(texts), _wide_terms(texts), grams(texts["name"], GRAM))

    def encode(self, records: pl.DataFrame, known: Vocabularies) -> Encoded:
        """Return the batch encoded; a row's encoding does not depend on the other rows."""
        return Encoded(
            self.texts,
            records["price"].fill_null(float("nan")).to_numpy().astype(np.float64),
            sizes(self.texts["title"]),
            known.words.rows(self.title),
            known.words.rows(self.wide),
            known.grams.rows(self.grams),
        )


def encode_all(*tables: pl.DataFrame) -> tuple[list[Encoded], Vocabularies]:
    """Return RECORDS tables encoded with vocabularies of all of them."""
    prepared = [[Prepared.of(batch) for batch in batches(records)] for records in tables]
    parts = [part for batch in prepared for part in batch]
    size = sum(records.height for records in tables)
    known = Vocabularies(
        merge([count_terms(part.wide) for part in parts], size),
        merge([count_terms(part.grams) for part in parts], size),
    )
    return [
        together(
            [part.encode(batch, known) for part, batch in zip(done, batches(records), strict=True)]
        )
        for done, records in zip(prepared, tables, strict=True)
    ], known


def encode(records: pl.DataFrame, known: Vocabularies) -> Encoded:
    """Return RECORDS encoded with vocabularies that are there, such as those of an index."""
    return together([Prepared.of(batch).encode(batch, known) for batch in batches(records)])


def together(parts: list[Encoded]) -> Encoded:
    """Return parts of a table as one."""
    if len(parts) == 1:
        return parts[0]
    return Encoded(
        pl.concat([part.texts for part in parts]),
        np.concatenate([part.price for part in parts]),
        np.concatenate([part.sizes for part in parts]),
        *(
            sparse.vstack([getattr(part, view) for part in parts], format="csr")
            for view in ("title", "wide", "grams")
        ),
    )


def batches(records: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows in batches; one for an empty table."""
    for start in range(0, max(records.height, 1), BATCH):
        yield records[start : start + BATCH]
