"""Cells: from what stands in a file to INGESTED, as the layout says; still text, never judged."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import polars as pl

from flows.pipeline.ingest.layout import COLUMNS, INGESTED
from flows.pipeline.ingest.table import Cells, Table
from flows.pipeline.schema import conform

_NUMBERS = ("quantity", "price", "unit_price", "pack_size", "regular_price")
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_DECIMAL_COMMA = r"^[^0-9.,]*(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]*),[0-9]+[^0-9.,]*$"
_GROUPED_BY_DOTS = r"^[^0-9.,]*[1-9][0-9]{0,2}(?:\.[0-9]{3})+[^0-9.,]*$"


def prices_of(table: Table, file: str) -> pl.DataFrame:
    """Return the good rows of a table as INGESTED.

    Args:
        table: of a file.
        file: its name for ``source_file``.
    """
    layout = table.layout
    header = list(layout.widths) if layout.widths else table.header
    places = (
        {name: place for place, name in enumerate(layout.widths)}
        if layout.widths
        else layout.matched(header)
    )
    data = {column: _series(column, table.column(place)) for column, place in places.items()}
    frame = pl.DataFrame(data)
    cleaned = [_cleaned(pl.col(column), column, table) for column in frame.columns]
    others = [
        pl.lit(layout.constants.get(column), dtype=pl.String).alias(column)
        for column in COLUMNS
        if column not in data
    ]
    # A constant stands in for a value that a row leaves out, too.
    filled = [
        pl.col(column).fill_null(value)
        for column, value in layout.constants.items()
        if column in data
    ]
    rows = table.numbers if isinstance(table.numbers, pl.Series) else list(table.numbers)
    numbers = pl.Series("source_row", rows, dtype=pl.Int64)
    return conform(
        frame.with_columns(cleaned)
        .with_columns(filled)
        .with_columns(*others, pl.lit(file).alias("source_file"), numbers),
        INGESTED,
    )


def _series(column: str, cells: Cells) -> pl.Series:
    if isinstance(cells, pl.Series):
        return cells.alias(column)
    return pl.Series(column, cells, dtype=pl.String)


def _cleaned(value: pl.Expr, column: str, table: Table) -> pl.Expr:
    layout = table.layout
    text = value.str.replace_all(_CONTROL, "") if table.control else value
    text = text.str.strip_chars()
    if column in layout.extract:
        text = text.str.extract(layout.extract[column], 1)
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
    if column in layout.divide:
        by = layout.divide[column]
        text = text.map_elements(lambda cell: _divided(cell, by), return_dtype=pl.String)
    if column in layout.values:
        text = text.replace(layout.values[column])
    there = ~text.is_in(["", *layout.unknown]) if layout.unknown else text != ""
    known: pl.Expr = pl.when(there).then(text)
    if column in layout.prefix:
        known = pl.lit(layout.prefix[column]) + known
    return known.alias(column)


def _divided(cell: str, by: int) -> str:
    """Return a number divided exactly; what is no number stays, so that it is refused as such."""
    try:
        return format(Decimal(cell) / by, "f")
    except InvalidOperation:
        return cell
