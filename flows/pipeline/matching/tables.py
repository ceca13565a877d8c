"""Tables of products: the one form that matching works on.

Which column is what is inferred (``roles``); here the columns are read: ids and texts as the source
has them, prices and trade item numbers as numbers are written anywhere.

Promised: ``canonical`` keeps the order and number of rows, and leaves ids as text. Ids must be
there and be unique: a pair of ids is all that is handed on. Not done: joining tables, dropping
rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

import polars as pl

from flows.pipeline.matching.errors import TableError
from flows.pipeline.matching.roles import OTHERS, Roles, infer_roles, others_in_common
from flows.pipeline.matching.text import as_text
from flows.pipeline.normalise.gtin import with_gtin

RECORDS: Final = {
    "id": pl.String(),
    "title": pl.String(),
    "brand": pl.String(),
    "description": pl.String(),
    "mpn": pl.String(),
    "gtin": pl.String(),
    "category": pl.String(),
    "price": pl.Float64(),
}
"""The canonical form: text as the source has it, null where it has none."""

_FIRST: Final = "(^|[^0-9.,])([1-9][0-9]{0,2})"
_THOUSANDS: Final = (
    (_FIRST + r"[.,'’]([0-9]{3})[.,'’]([0-9]{3})\b", "${1}${2}${3}${4}"),
    (_FIRST + r"[,'’]([0-9]{3})\b", "${1}${2}${3}"),
    (_FIRST + r"\.([0-9]{3}),", "${1}${2}${3},"),
)
"""Prices with groups of thousands, and without: 1,299.00; 1.299,00; 1'299.00. A lone point is a
decimal point: numbers are written so."""


def canonical_pair(a: pl.DataFrame, b: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return two tables as RECORDS, and what else they have in common as OTHERS.

    Raises:
        TableError: a table has no titles, or ids that are missing or not unique.
    """
    pairs = others_in_common(a, b)
    left, right = ([pair[side] for pair in pairs] for side in (0, 1))
    return (
        canonical(a, table="table A", others=left),
        canonical(b, table="table B", others=right),
    )


def canonical(
    frame: pl.DataFrame,
    roles: Roles | None = None,
    table: str = "table",
    others: Sequence[str] = (),
) -> pl.DataFrame:
    """Return the table as RECORDS, row for row.

    Args:
        frame: any table of products.
        roles: of its columns; inferred when None.
        table: how errors call it.
        others: columns that become ``other_1`` and so on, behind RECORDS.

    Raises:
        TableError: no title column, or ids that are missing or not unique.
    """
    roles = roles or infer_roles(frame)
    columns = {}
    for field in fields(Roles):
        column = getattr(roles, field.name)
        columns[field.name] = (
            pl.Series(field.name, [None] * frame.height, dtype=pl.String)
            if column is None
            else as_text(frame[column]).alias(field.name)
        )
    records = pl.DataFrame(columns)
    missing = records["id"].is_null().arg_true()
    if len(missing):
        raise TableError(
            f"{table}, row {missing[0] + 1}, column {roles.id!r}: no id ({len(missing)} such rows)",
            "Give every row an id, or leave these rows out.",
        )
    twice = records.with_row_index("row").filter(pl.col("id").is_duplicated())
    if twice.height:
        rows = twice.filter(pl.col("id") == twice["id"][0])["row"].head(3) + 1
        raise TableError(
            f"{table}, column {roles.id!r}: the id {twice['id'][0]!r} stands in rows "
            f"{', '.join(map(str, rows))}; {twice['id'].n_unique()} ids are not unique",
            "Keep one row for each id.",
        )
    if records["gtin"].null_count() < records.height:
        records = with_gtin(records, "gtin").drop("gtin_status")
    price = pl.col("price")
    for grouped, plain in _THOUSANDS:
        price = price.str.replace(grouped, plain)
    price = price.str.replace(",", ".", literal=True).str.extract(r"([0-9]{1,12}(?:\.[0-9]{0,9})?)")
    return records.with_columns(
        price=price.cast(pl.Float64, strict=False).replace(0.0, None)
    ).select(
        *(pl.col(name).cast(dtype) for name, dtype in RECORDS.items()),
        *(as_text(frame[column]).alias(name) for name, column in zip(OTHERS, others, strict=False)),
    )
