"""Reading price files: all that is good in them, and a fault for all that is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import polars as pl

from flows.pipeline.ingest.ahead import ahead
from flows.pipeline.ingest.cells import prices_of
from flows.pipeline.ingest.contents import SMALL
from flows.pipeline.ingest.decompress import MOST, too_large
from flows.pipeline.ingest.discover import SourceFile
from flows.pipeline.ingest.errors import IngestError, SourceUnavailable
from flows.pipeline.ingest.kinds import read_tables
from flows.pipeline.ingest.layout import INGESTED, Layout
from flows.pipeline.ingest.rows import BadRow
from flows.pipeline.ingest.table import LargeTable, Table
from flows.pipeline.schema import FAULTS, Schema, empty

FILES: Schema = {
    # One row for each file of the day, usable or not.
    "source_file": pl.String(),
    "layout": pl.String(),
    "encoding": pl.String(),
    "rows": pl.Int64(),
    "rows_set_aside": pl.Int64(),
    "damage": pl.String(),  # why the file is not whole or not usable; null when it is
    "bytes": pl.Int64(),
    "columns": pl.String(),  # its header, sorted, one a line; null for a file that was not read
}

Take: TypeAlias = Callable[[pl.DataFrame], object]
"""Takes rows, and keeps or writes them."""
_Fault: TypeAlias = tuple[str, int | None, str | None, str | None, str, str]


@dataclass(frozen=True)
class DayResult:
    """A day's files: INGESTED, FAULTS and FILES."""

    prices: pl.DataFrame
    faults: pl.DataFrame
    files: pl.DataFrame


def read_day(files: Sequence[SourceFile], layouts: Sequence[Layout]) -> DayResult:
    """Read the files of a day into memory; see `read_day_into`."""
    prices, faults = [empty(INGESTED)], [empty(FAULTS)]
    summary = read_day_into(files, layouts, prices.append, faults.append)
    return DayResult(pl.concat(prices), pl.concat(faults), summary)


def read_day_into(
    files: Sequence[SourceFile],
    layouts: Sequence[Layout],
    prices: Take,
    faults: Take,
    *,
    scratch: Path | None = None,
    small: int = SMALL,
) -> pl.DataFrame:
    """Read the files of a day, of any size, piece by piece.

    A file that cannot be used becomes a fault, and the others count.

    Args:
        files: of the day.
        layouts: all that are known.
        prices: takes INGESTED rows.
        faults: takes FAULTS.
        scratch: folder of temporary files.
        small: bytes of a text that is read in memory as a whole.

    Returns:
        FILES.

    Raises:
        IngestError: none of them can be used; the first one's error.
        SourceUnavailable: one cannot be read at the moment, or there is no room for it.
    """
    summary = [empty(FILES)]
    refusal: IngestError | None = None
    used = False
    for file in files:
        try:
            summary.append(read_into(file, layouts, prices, faults, scratch=scratch, small=small))
            used = True
        except SourceUnavailable:
            raise  # a moment's failure must not cost a file for the day
        except IngestError as error:
            refusal = refusal or error
            fault = _fault(file.name, None, error.field, "", error.problem, error.action)
            faults(_faults([fault]))
            summary.append(_line(file, damage=error.problem))
    if not used and refusal is not None:
        raise refusal
    return pl.concat(summary)


def read_file(
    file: SourceFile, layouts: Sequence[Layout]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Read one file into memory.

    Returns:
        Its INGESTED rows, its FAULTS and its rows of FILES: one for each table in it.

    Raises:
        IngestError: nothing of it can be used.
    """
    prices, faults = [empty(INGESTED)], [empty(FAULTS)]
    summary = read_into(file, layouts, prices.append, faults.append)
    return pl.concat(prices), pl.concat(faults), summary


def read_into(
    file: SourceFile,
    layouts: Sequence[Layout],
    prices: Take,
    faults: Take,
    *,
    scratch: Path | None = None,
    small: int = SMALL,
) -> pl.DataFrame:
    """Read one file piece by piece; see `read_day_into`.

    Raises:
        IngestError: nothing of it can be used, and nothing of it was given out.
    """
    if file.size > MOST:
        raise too_large(file.name, MOST)
    summary = [empty(FILES)]
    with file.opened(scratch) as opened:
        tables = read_tables(opened, layouts, file.name, scratch=scratch, small=small)
        for found in tables:
            if isinstance(found, tuple):
                name, error = found
                fault = _fault(name, None, error.field, "", error.problem, error.action)
                faults(_faults([fault]))
                summary.append(_line(file, source_file=name, damage=error.problem))
            else:
                summary.append(_take(file, found, prices, faults))
    return pl.concat(summary)


def _take(file: SourceFile, table: Table | LargeTable, prices: Take, faults: Take) -> pl.DataFrame:
    """Give out what is in a table; return its row of FILES."""
    rows = aside = 0
    wrong: list[pl.DataFrame] = []
    for piece in ahead(table.pieces) if isinstance(table, LargeTable) else [table]:
        prices(prices_of(piece, table.name))
        wrong.append(_faults([_bad_row(table.name, bad) for bad in piece.bad]))
        rows, aside = rows + len(piece.numbers), aside + len(piece.bad)
        if isinstance(table, LargeTable):
            faults(wrong.pop())
    damage, fault = _of_all(table, rows)
    for one in ([] if fault is None else [_faults([fault])]) + wrong:
        faults(one)
    return _line(
        file,
        source_file=table.name,
        layout=table.layout.name,
        encoding=table.encoding,
        rows=rows,
        rows_set_aside=aside,
        damage=damage or None,
        columns="\n".join(sorted(table.header)),
    )


def _of_all(table: Table | LargeTable, rows: int) -> tuple[str, _Fault | None]:
    """Return a table's damage, and the fault that says so."""
    if table.damage:
        action = f"the {rows:,} rows before that are used; ask for the file again"
        return table.damage, _fault(table.name, None, "", "", table.damage, action)
    if not rows:
        damage = "the file has no usable rows"
        action = "nothing of it is used; ask for the file again"
        return damage, _fault(table.name, None, "", "", damage, action)
    return "", None


def _bad_row(name: str, bad: BadRow) -> _Fault:
    problem = f"the row cannot be read: {bad.problem}"
    return _fault(name, bad.number, bad.field, bad.text, problem, "the row is left out")


def _fault(name: str, row: int | None, field: str, value: str, problem: str, action: str) -> _Fault:
    return name, row, field or None, value or None, problem, action


def _faults(faults: Sequence[_Fault]) -> pl.DataFrame:
    return pl.DataFrame(faults, schema=FAULTS, orient="row")


def _line(file: SourceFile, **values: object) -> pl.DataFrame:
    known = {"source_file": file.name, "bytes": file.size, "rows": 0, "rows_set_aside": 0, **values}
    return pl.DataFrame([{name: known.get(name) for name in FILES}], schema=FILES)
