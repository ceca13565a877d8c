"""Table: what any kind of file comes to: a layout, a header, cells as text, and bad rows.

Readers differ in what they know of a file; from here on a workbook is like a text. Cells are
asked for by the place of their header, so that of a file with hundreds of columns only those are
taken that the layout knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from flows.pipeline.ingest.errors import IngestError
from flows.pipeline.ingest.fit import Fit, ambiguous_header, best_of, unknown_layout
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.rows import BadRow

Cells = Sequence[str | None] | pl.Series


@dataclass(frozen=True)
class Table:
    """One table of a file.

    Attributes:
        name: of the file, and below it of the member or sheet where there are several.
        layout: by which it is read.
        header: its fields.
        column: the cells of the good rows under the header at a place.
        numbers: of the good rows; 1 is the first below the header, or the first record.
        bad: the other rows.
        encoding: of a text; empty for what is none.
        damage: why it is not whole; empty when it is.
        control: whether its cells may hold control characters.
    """

    name: str
    layout: Layout
    header: Sequence[str]
    column: Callable[[int], Cells]
    numbers: Sequence[int] | pl.Series
    bad: Sequence[BadRow] = ()
    encoding: str = ""
    damage: str = ""
    control: bool = True


@dataclass(frozen=True)
class LargeTable:
    """One table of a file that is too large for memory, in pieces.

    Attributes:
        name: as of a `Table`.
        layout: by which it is read.
        header: its fields.
        pieces: tables of the rows in their order, numbered through.
        encoding: of the text.
        damage: why it is not whole; empty when it is.
    """

    name: str
    layout: Layout
    header: Sequence[str]
    pieces: Iterator[Table]
    encoding: str = ""
    damage: str = ""


def chosen(header: Sequence[str], layouts: Sequence[Layout], name: str) -> Fit:
    """Return the layout by which a table with this header is read.

    Raises:
        UnknownLayout: it fits none; says what is there and what is missing.
        AmbiguousHeader: a column that is needed is there twice.
    """
    fit = best_of(header, layouts)
    error: IngestError | None = (
        unknown_layout(fit, name)
        if fit is None or fit.missing
        else ambiguous_header(fit, name)
    )  # fmt: skip
    if error is not None:
        raise error
    assert fit is not None
    return fit
