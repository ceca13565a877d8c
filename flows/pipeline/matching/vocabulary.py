"""Vocabulary: which terms there are, how rare each is, and texts as sparse rows over them.

Rarity is counted on the tables at hand (smoothed inverse document frequency, Salton and Buckley
1988), so no list of stop words is needed in any language. A term that the vocabulary does not
know, as in tomorrow's offers against a standing index, falls into one of a fixed number of spare
columns of its class, as rare as the rarest: it still counts as a difference, and matches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from flows.pipeline.matching.arrays import Floats, Hashes, Ints, Sparse, distinct
from flows.pipeline.matching.terms import Terms

SPARE: Final = 4096
"""Spare columns for each of the three classes: two unknown words of a title rarely share one."""


@dataclass(frozen=True)
class Vocabulary:
    """Known terms.

    Attributes:
        hashes: sorted, unique.
        classes: of each term.
        documents: in how many texts each stands.
        size: number of texts counted.
    """

    hashes: Hashes
    classes: NDArray[np.int8]
    documents: Ints
    size: int

    @property
    def width(self) -> int:
        """Number of columns, the spare ones among them."""
        return len(self.hashes) + 3 * SPARE

    def rarity(self) -> Floats:
        """Return ln((1 + size) / (1 + documents)) + 1 for each column."""
        documents = np.concatenate([self.documents, np.zeros(3 * SPARE, np.int64)])
        return np.asarray(np.log((1 + self.size) / (1 + documents)) + 1)

    def column_classes(self) -> NDArray[np.int8]:
        """Return the class of each column."""
        return np.concatenate([self.classes, np.repeat(np.arange(3, dtype=np.int8), SPARE)])

    def rows(self, terms: Terms, count: int) -> Sparse:
        """Return the texts as a CSR matrix (count, width) of rarities, float32, indices sorted."""
        columns = self.columns(terms)
        keys = distinct(terms.rows * self.width + columns)
        indptr = np.searchsorted(keys, np.arange(count + 1) * self.width)
        indices = keys % self.width
        matrix = sparse.csr_matrix(
            (self.rarity().astype(np.float32)[indices], indices.astype(np.int32), indptr),
            shape=(count, self.width),
        )
        matrix.has_sorted_indices = True
        matrix.has_canonical_format = True
        return matrix

    def columns(self, terms: Terms) -> Ints:
        """Return the column of each term."""
        known = len(self.hashes)
        spare = known + terms.classes.astype(np.int64) * SPARE
        spare += (terms.hashes % np.uint64(SPARE)).astype(np.int64)
        if not known:
            return spare
        place = np.minimum(np.searchsorted(self.hashes, terms.hashes), known - 1)
        return np.where(self.hashes[place] == terms.hashes, place, spare)


def count_terms(terms: Terms) -> tuple[Hashes, NDArray[np.int8], Ints]:
    """Return the distinct terms of texts, their class, and in how many texts each stands."""
    order = np.lexsort((terms.hashes, terms.rows))
    rows, hashes, classes = terms.rows[order], terms.hashes[order], terms.classes[order]
    first = np.ones(len(rows), bool)
    first[1:] = (rows[1:] != rows[:-1]) | (hashes[1:] != hashes[:-1])
    found, where, documents = np.unique(hashes[first], return_index=True, return_counts=True)
    return found, classes[first][where], documents.astype(np.int64)


def merge(counts: list[tuple[Hashes, NDArray[np.int8], Ints]], size: int) -> Vocabulary:
    """Return one vocabulary from the counts of parts; the order of the parts does not matter.

    A term with two classes (a join reads as a code, the same text as a word) takes the higher.

    Args:
        counts: of parts, from ``count_terms``.
        size: number of texts in all parts.
    """
    hashes = np.concatenate([part[0] for part in counts] or [np.zeros(0, np.uint64)])
    classes = np.concatenate([part[1] for part in counts] or [np.zeros(0, np.int8)])
    documents = np.concatenate([part[2] for part in counts] or [np.zeros(0, np.int64)])
    order = np.lexsort((classes, hashes))
    hashes, classes, documents = hashes[order], classes[order], documents[order]
    if not len(hashes):
        return Vocabulary(hashes, classes, documents, size)
    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
    ends = np.concatenate([starts[1:], [len(hashes)]]) - 1
    return Vocabulary(hashes[starts], classes[ends], np.add.reduceat(documents, starts), size)
