"""Workbooks: xlsx, xls and ods, each sheet that holds a price table.

Titles and notes may stand above the header: it is looked for in the first rows of each sheet. A
spreadsheet keeps numbers as binary fractions and eats the zeros before a barcode: cells are
written as text again as a person sees them there, and normalisation pads the barcodes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from flows.pipeline.ingest.errors import IngestError, UnreadableFile
from flows.pipeline.ingest.fit import Fit, best_of
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.records import text_of
from flows.pipeline.ingest.table import Cells, Table, chosen
from flows.pipeline.ingest.workbook_extent import refuse_too_large

HEADER_ROWS: Final = 30
"""Rows of a sheet in which its header is looked for."""


def read_workbook(data: bytes, layouts: Sequence[Layout], name: str) -> Iterator[Table]:
    """Yield the tables of a workbook: one for each sheet with the header of a layout.

    Raises:
        UnreadableFile: it is damaged, protected by a password, empty, or too large for memory.
        UnknownLayout: no sheet has such a header; about the sheet that comes closest.
        AmbiguousHeader: a sheet has a column that is needed twice.
    """
    refuse_too_large(BytesIO(data), name)
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(data))
        sheets = [(title, book.get_sheet_by_name(title).to_python()) for title in book.sheet_names]
    except PasswordError as error:
        raise UnreadableFile(
            f"file {name} is protected by a password", "Have it delivered without one.", file=name
        ) from error
    except (CalamineError, OSError, ValueError) as error:
        raise UnreadableFile(
            f"file {name} is a workbook that cannot be read: {error}",
            "Ask for it again, or have it delivered as csv.",
            file=name,
        ) from error
    found = [(title, rows, _header(rows, layouts)) for title, rows in sheets if rows]
    complete = [(title, rows, place) for title, rows, (place, fit) in found if not fit.missing]
    if not complete:
        raise _no_table(found, layouts, name)
    for title, rows, place in complete:
        whole = name if len(complete) == 1 else f"{name}/{title}"
        header = [_text(cell) or "" for cell in rows[place]]
        yield _table(rows[place + 1 :], header, chosen(header, layouts, whole).layout, whole)


def _header(rows: Sequence[Sequence[Any]], layouts: Sequence[Layout]) -> tuple[int, Fit]:
    """Return the place of the row that fits a layout best, and how."""
    fits = []
    for place, row in enumerate(rows[:HEADER_ROWS]):
        fit = best_of([_text(cell) or "" for cell in row], layouts)
        if fit is not None:
            fits.append((place, fit))
    empty = Layout(name="", description="", required=())
    return max(
        fits,
        key=lambda one: (not one[1].missing, one[1].known, -one[0]),
        default=(0, Fit(empty, [], 0, [""])),
    )


def _no_table(
    found: Sequence[tuple[str, Any, tuple[int, Fit]]], layouts: Sequence[Layout], name: str
) -> IngestError:
    if not found:
        return UnreadableFile(
            f"file {name} is a workbook without cells", "Ask for the file again.", file=name
        )
    title, rows, (place, _) = max(found, key=lambda one: one[2][1].known)
    try:
        chosen([_text(cell) or "" for cell in rows[place]], layouts, f"{name}/{title}")
    except IngestError as error:
        return error
    raise AssertionError("a sheet that fits was taken for one that does not")


def _table(rows: Sequence[Sequence[Any]], header: list[str], layout: Layout, name: str) -> Table:
    filled = [row for row in rows if any(cell not in ("", None) for cell in row)]

    def column(place: int) -> Cells:
        return [_text(row[place]) if place < len(row) else None for row in filled]

    return Table(name, layout, header, column, range(1, len(filled) + 1))


def _text(cell: Any) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    if isinstance(cell, dt.datetime | dt.date | dt.time):
        return cell.isoformat(sep=" ") if isinstance(cell, dt.datetime) else cell.isoformat()
    return text_of(cell)
