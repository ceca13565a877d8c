"""Vocabulary: which terms there are, how rare each is, and texts as sparse rows over them.

Rarity is counted on the tables at hand (smoothed inverse document frequency, Salton and Buckley
1988), so no list of stop words is needed in any language. A term that the vocabulary does not
know, as in tomorrow's offers against a standing index, falls into one of a fixed number of spare
columns of its class, as rare as the rarest: it still counts as a difference, and matches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from flows.pipeline.matching.arrays import Floats, Hashes, Ints, Singles, Sparse
from flows.pipeline.matching.compiled import compiled
from flows.pipeline.matching.terms import Terms

Counts: TypeAlias = tuple[Hashes, NDArray[np.int8], Ints]
"""Terms, sorted by hash; the class of each; in how many texts each stands."""
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

    @cached_property
    def slots(self) -> NDArray[np.int32]:
        """The terms by hash, for looking up: an open table, half full at most; -1 is free."""
        slots = np.full(_room(len(self.hashes)), -1, np.int32)
        _fill(np.asarray(self.hashes), slots)
        return slots

    @cached_property
    def singles(self) -> Singles:
        """Rarity of each column, single precision."""
        return self.rarity().astype(np.float32)

    def rows(self, terms: Terms) -> Sparse:
        """Return the texts as a CSR matrix of rarities, float32, indices sorted."""
        starts, columns = np.zeros_like(terms.starts), np.empty(len(terms.hashes), np.int32)
        kept = _columns(
            *(terms.starts, terms.hashes, terms.classes),
            *(np.asarray(self.hashes), self.slots, starts, columns),
        )
        indices = columns[:kept]
        matrix = sparse.csr_matrix(
            (self.singles[indices], indices, starts), shape=(len(terms), self.width)
        )
        matrix.has_sorted_indices = True
        matrix.has_canonical_format = True
        return matrix


def count_terms(terms: Terms) -> Counts:
    """Return the distinct terms of texts, sorted, with class, and in how many texts each stands."""
    room = _room(len(terms.hashes))
    hashes, classes = np.zeros(room, np.uint64), np.zeros(room, np.int8)
    documents = np.zeros(room, np.int64)
    _count(terms.hashes, terms.classes, hashes, classes, documents)
    there = np.flatnonzero(documents)
    there = there[np.argsort(hashes[there])]
    return hashes[there], classes[there], documents[there]


def _room(count: int) -> int:
    return 1 << max(int(2 * count).bit_length(), 3)


@compiled
def _count(  # pragma: no cover - compiled
    terms: Any, kinds: Any, hashes: Any, classes: Any, documents: Any
) -> None:
    mask = np.uint64(hashes.shape[0] - 1)
    for place in range(terms.shape[0]):
        term = terms[place]
        at = (term ^ (term >> np.uint64(32))) & mask
        while documents[at] and hashes[at] != term:
            at = (at + np.uint64(1)) & mask
        hashes[at] = term
        classes[at] = max(classes[at], kinds[place])
        documents[at] += 1


@compiled
def _fill(hashes: Any, slots: Any) -> None:  # pragma: no cover - compiled
    mask = np.uint64(slots.shape[0] - 1)
    for place in range(hashes.shape[0]):
        at = (hashes[place] ^ (hashes[place] >> np.uint64(32))) & mask
        while slots[at] >= 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = place


@compiled
def _columns(  # pragma: no cover - compiled
    starts: Any, terms: Any, kinds: Any, hashes: Any, slots: Any, out: Any, columns: Any
) -> int:
    """Look up the terms of each text; write their columns, sorted, each once; return how many."""
    mask = np.uint64(slots.shape[0] - 1)
    kept = 0
    for row in range(starts.shape[0] - 1):
        first = kept
        for place in range(starts[row], starts[row + 1]):
            term = terms[place]
            at = (term ^ (term >> np.uint64(32))) & mask
            while slots[at] >= 0 and hashes[slots[at]] != term:
                at = (at + np.uint64(1)) & mask
            column = slots[at]
            if column < 0:
                spare = np.int64(term % np.uint64(SPARE))
                column = np.int32(hashes.shape[0] + np.int64(kinds[place]) * SPARE + spare)
            at_row = kept
            # Known terms come in the order of their hashes, which is that of the columns.
            while at_row > first and columns[at_row - 1] > column:
                columns[at_row] = columns[at_row - 1]
                at_row -= 1
            if at_row > first and columns[at_row - 1] == column:
                while at_row < kept:
                    columns[at_row] = columns[at_row + 1]
                    at_row += 1
                continue
            columns[at_row] = column
            kept += 1
        out[row + 1] = kept
    return kept


def merge(counts: Sequence[Counts], size: int) -> Vocabulary:
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
