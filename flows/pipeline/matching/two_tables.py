"""Two tables, encoded with one vocabulary: their rows, and the pairs of rows worth comparing.

Promised: candidate pairs are sorted, each once, and do not depend on the order of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from flows.pipeline.matching import candidates
from flows.pipeline.matching.arrays import Ints, distinct
from flows.pipeline.matching.encode import Encoded, Vocabularies, encode_all
from flows.pipeline.matching.errors import PairsError
from flows.pipeline.matching.roles import ids_of_pairs
from flows.pipeline.matching.tables import canonical_pair
from flows.pipeline.matching.text import as_text

CANDIDATES: Final = 10
"""Best of each view for each record, asked from both tables."""
ASKED_BACK: Final = 50_000
"""Records of the larger table up to which candidates are asked from both tables. Above, A alone
asks: the other half of the work finds next to nothing more."""


@dataclass(frozen=True)
class Tables:
    """Two tables, encoded with common vocabularies.

    Attributes:
        a_records: one table, canonical; b_records: the other.
        a: encoded; b: encoded.
        known: the vocabularies of both.
        both: whether candidates are asked from both tables, or from A alone.
    """

    a_records: pl.DataFrame
    b_records: pl.DataFrame
    a: Encoded
    b: Encoded
    known: Vocabularies
    both: bool = True

    @classmethod
    def of(cls, a: pl.DataFrame, b: pl.DataFrame) -> Tables:
        """Encode two tables of any columns.

        Raises:
            TableError: a table has no titles, or ids that are missing or not unique.
        """
        return cls.of_records(*canonical_pair(a, b))

    @classmethod
    def of_records(cls, left: pl.DataFrame, right: pl.DataFrame) -> Tables:
        """Encode two canonical tables."""
        (one, two), known = encode_all(left, right)
        return cls(left, right, one, two, known, asks_both(left.height, right.height))

    def rows(self, pairs: pl.DataFrame, called: str = "pairs") -> tuple[Ints, Ints]:
        """Return the rows that pairs of ids point to.

        Args:
            pairs: the ids in A and in B, see ``roles.ids_of_pairs``.
            called: what errors call them.

        Raises:
            PairsError: an id is not in its table.
        """
        found = []
        names = ids_of_pairs(pairs)
        for name, records, table in zip(names, (self.a_records, self.b_records), "AB", strict=True):
            ids = as_text(pairs[name]).alias("id").to_frame()
            rows = ids.join(
                records.select("id").with_row_index("row"),
                on="id",
                how="left",
                maintain_order="left",
            )["row"]
            if rows.null_count():
                bad = int(rows.is_null().arg_true()[0])
                raise PairsError(
                    f"{called}, row {bad + 1}, column {name!r}: {ids['id'][bad]!r} is not in table "
                    f"{table}",
                    "Take the pair out, or give the table that holds it.",
                )
            found.append(rows.to_numpy().astype(np.int64))
        return found[0], found[1]

    def candidates(self, k: int = CANDIDATES) -> tuple[Ints, Ints]:
        """Return the candidate pairs, sorted, each once."""
        i, j = candidates.find(self.a, candidates.Index.of(self.b), k)
        if not self.both:
            return i, j
        back_j, back_i = candidates.find(self.b, candidates.Index.of(self.a), k)
        return unite((i, j), (back_i, back_j), len(self.b))


def asks_both(a: int, b: int) -> bool:
    """Return whether tables of so many rows are asked for candidates from both sides."""
    return max(a, b) <= ASKED_BACK


def unite(one: tuple[Ints, Ints], two: tuple[Ints, Ints], width: int) -> tuple[Ints, Ints]:
    """Return the pairs of both lists, sorted, each once."""
    width = max(width, 1)
    keys = distinct(np.concatenate([one[0] * width + one[1], two[0] * width + two[1]]))
    return keys // width, keys % width


def locate(all_i: Ints, all_j: Ints, i: Ints, j: Ints, width: int) -> Ints:
    """Return where pairs stand in a sorted list that holds them all."""
    width = max(width, 1)
    return np.searchsorted(all_i * width + all_j, i * width + j).astype(np.int64)
