"""Reading price files: all that is good in them, and a fault for all that is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

from flows.pipeline.ingest.decode import Decoded, decode
from flows.pipeline.ingest.decompress import LARGEST, too_large, unpack
from flows.pipeline.ingest.discover import SourceFile
from flows.pipeline.ingest.errors import IngestError, SourceUnavailable
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.rows import BadRow, Rows, read_rows
from flows.pipeline.schema import FAULTS, RAW_PRICES, Schema, conform, empty

FILES: Schema = {
    # One row for each file of the day, usable or not.
    "source_file": pl.String(),
    "layout": pl.String(),
    "encoding": pl.String(),
    "rows": pl.Int64(),
    "rows_set_aside": pl.Int64(),
    "damage": pl.String(),  # why the file is not whole or not usable; null when it is
    "bytes": pl.Int64(),
}

_NUMBERS = ("quantity", "price", "unit_price", "pack_size")
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_DECIMAL_COMMA = r"^[^0-9.,]*(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]*),[0-9]+[^0-9.,]*$"
_GROUPED_BY_DOTS = r"^[^0-9.,]*[1-9][0-9]{0,2}(?:\.[0-9]{3})+[^0-9.,]*$"


@dataclass(frozen=True)
class DayResult:
    """A day's files: RAW_PRICES, FAULTS and FILES."""

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
        pl.concat([empty(RAW_PRICES), *prices]),
        pl.concat([empty(FAULTS), *faults]),
        pl.concat([empty(FILES), *summary]),
    )


def read_file(
    file: SourceFile, layouts: Sequence[Layout]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Read one file.

    Returns:
        Its RAW_PRICES, its FAULTS and its row of FILES.

    Raises:
        IngestError: nothing of it can be used.
    """
    if file.size > LARGEST:
        raise too_large(file.name)
    unpacked = unpack(file.read(), file.name)
    decoded = decode(unpacked.data, layouts, file.name)
    rows = read_rows(
        decoded.lines,
        header=decoded.header,
        delimiter=decoded.layout.delimiter,
        undecodable=decoded.undecodable,
        cut_short=unpacked.cut_short,
    )
    damage = unpacked.damage
    faults = [_bad_row(file.name, bad) for bad in rows.bad]
    if damage:
        action = f"the {len(rows.good):,} rows before that are used; ask for the file again"
        faults.insert(0, _fault(file.name, None, "", "", damage, action))
    elif not rows.good:
        damage = "the file has no usable rows"
        action = "nothing of it is used; ask for the file again"
        faults.insert(0, _fault(file.name, None, "", "", damage, action))
    summary = _line(
        file,
        layout=decoded.layout.name,
        encoding=decoded.encoding.removesuffix("-sig"),
        rows=len(rows.good),
        rows_set_aside=len(rows.bad),
        damage=damage or None,
    )
    return _frame(decoded, rows, file.name), _faults(faults), summary


def _frame(decoded: Decoded, rows: Rows, name: str) -> pl.DataFrame:
    layout = decoded.layout
    fields = list(zip(*rows.good, strict=True)) if rows.good else []
    data: dict[str, pl.Series] = {}
    for column, place in layout.matched(decoded.header).items():
        data[column] = pl.Series(column, fields[place] if fields else [], dtype=pl.String)
    frame = pl.DataFrame(data)
    cleaned = [_cleaned(pl.col(column), column, layout) for column in frame.columns]
    others = [
        pl.lit(layout.constants.get(column), dtype=pl.String).alias(column)
        for column in RAW_PRICES
        if column not in data and column not in ("source_file", "source_row")
    ]
    # A constant stands in for a value that a row leaves out, too.
    filled = [
        pl.col(column).fill_null(value)
        for column, value in layout.constants.items()
        if column in data
    ]
    return conform(
        frame.with_columns(cleaned)
        .with_columns(filled)
        .with_columns(
            *others,
            pl.lit(name).alias("source_file"),
            pl.Series("source_row", rows.numbers, dtype=pl.Int64),
        ),
        RAW_PRICES,
    )


def _cleaned(value: pl.Expr, column: str, layout: Layout) -> pl.Expr:
    text = value.str.replace_all(_CONTROL, "").str.strip_chars()
    if layout.decimal == "," and column in _NUMBERS:
        # The dot groups thousands where the comma is the decimal separator: 1.299,00 and 1.299.
        # What fits neither form (1,299.00) stays, so that it is refused and not misread.
        ungrouped = text.str.replace_all(".", "", literal=True)
        text = (
            pl.when(text.str.contains(_DECIMAL_COMMA))
            .then(ungrouped.str.replace(",", ".", literal=True))
            .when(text.str.contains(_GROUPED_BY_DOTS))
            .then(ungrouped)
            .otherwise(text)
        )
    return pl.when(text.is_in(["", *layout.unknown])).then(None).otherwise(text).alias(column)


_Fault: TypeAlias = tuple[str, int | None, str | None, str | None, str, str]


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
