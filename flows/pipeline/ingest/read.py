"""Reading price files: all that is good in them, and a fault for all that is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

from flows.pipeline.ingest.cells import prices_of
from flows.pipeline.ingest.decompress import LARGEST, too_large
from flows.pipeline.ingest.discover import SourceFile
from flows.pipeline.ingest.errors import IngestError, SourceUnavailable
from flows.pipeline.ingest.kinds import read_tables
from flows.pipeline.ingest.layout import INGESTED, Layout
from flows.pipeline.ingest.rows import BadRow
from flows.pipeline.ingest.table import Table
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

_Fault: TypeAlias = tuple[str, int | None, str | None, str | None, str, str]


@dataclass(frozen=True)
class DayResult:
    """A day's files: INGESTED, FAULTS and FILES."""

    prices: pl.DataFrame
    faults: pl.DataFrame
    files: pl.DataFrame


def read_day(files: Sequence[SourceFile], layouts: Sequence[Layout]) -> DayResult:
    """Read the files of a day.

    A file that cannot be used becomes a fault, and the others count.

    Raises:
        IngestError: none of them can be used; the first one's error.
        SourceUnavailable: one cannot be read at the moment.
    """
    prices, faults, summary = [], [], []
    refusal: IngestError | None = None
    for file in files:
        try:
            frame, wrong, line = read_file(file, layouts)
        except SourceUnavailable:
            raise  # a moment's failure must not cost a file for the day
        except IngestError as error:
            refusal = refusal or error
            fault = _fault(file.name, None, error.field, "", error.problem, error.action)
            faults.append(_faults([fault]))
            summary.append(_line(file, damage=error.problem))
            continue
        prices.append(frame)
        faults.append(wrong)
        summary.append(line)
    if not prices and refusal is not None:
        raise refusal
    return DayResult(
        pl.concat([empty(INGESTED), *prices]),
        pl.concat([empty(FAULTS), *faults]),
        pl.concat([empty(FILES), *summary]),
    )


def read_file(
    file: SourceFile, layouts: Sequence[Layout]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Read one file.

    Returns:
        Its INGESTED rows, its FAULTS and its rows of FILES: one for each table in it.

    Raises:
        IngestError: nothing of it can be used.
    """
    if file.size > LARGEST:
        raise too_large(file.name)
    prices, faults, summary = [empty(INGESTED)], [empty(FAULTS)], [empty(FILES)]
    for found in read_tables(file.read(), layouts, file.name):
        if isinstance(found, tuple):
            name, error = found
            fault = _fault(name, None, error.field, "", error.problem, error.action)
            faults.append(_faults([fault]))
            summary.append(_line(file, source_file=name, damage=error.problem))
            continue
        prices.append(prices_of(found, found.name))
        wrong, damage = _wrong(found)
        faults.append(_faults(wrong))
        summary.append(
            _line(
                file,
                source_file=found.name,
                layout=found.layout.name,
                encoding=found.encoding,
                rows=len(found.numbers),
                rows_set_aside=len(found.bad),
                damage=damage or None,
                columns="\n".join(sorted(found.header)),
            )
        )
    return pl.concat(prices), pl.concat(faults), pl.concat(summary)


def _wrong(table: Table) -> tuple[list[_Fault], str]:
    """Return the faults of a table, and its damage."""
    faults = [_bad_row(table.name, bad) for bad in table.bad]
    damage, rows = table.damage, len(table.numbers)
    if damage:
        action = f"the {rows:,} rows before that are used; ask for the file again"
        faults.insert(0, _fault(table.name, None, "", "", damage, action))
    elif not rows:
        damage = "the file has no usable rows"
        action = "nothing of it is used; ask for the file again"
        faults.insert(0, _fault(table.name, None, "", "", damage, action))
    return faults, damage


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
