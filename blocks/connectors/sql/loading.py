"""Rows into a table: appended, put in the place of others, or merged by key; one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow.parquet as pq
from sqlalchemy import inspect, text
from sqlalchemy.exc import NoSuchTableError

from blocks.connectors.errors import Refused
from blocks.connectors.parquet import BATCH
from blocks.connectors.sql.dialects import DIALECTS

if TYPE_CHECKING:
    from blocks.connectors.sql.database import How, SqlDatabase


def write(
    block: SqlDatabase,
    engine: Any,
    connection: Any,
    table: str,
    rows: pl.DataFrame | Path,
    how: How,
    keys: Sequence[str],
    where: Mapping[str, Any],
) -> int:
    """Write rows into a table on a connection's transaction; return how many; see `SqlDatabase`."""
    dialect = DIALECTS[block.dialect]
    quote = engine.dialect.identifier_preparer.quote
    names = _names(rows)
    _fits(block, connection, table, names, keys if how == "upsert" else None)
    named = ".".join(quote(part) for part in table.split("."))
    counted = _Counted(_rows(rows))
    columns = [quote(name) for name in names]
    if how == "replace":
        # A colon in a name would begin a parameter's.
        plain = [quote(name).replace(":", r"\:") for name in where]
        condition = " and ".join(f"{name} = :w{n}" for n, name in enumerate(plain))
        values = {f"w{n}": value for n, value in enumerate(where.values())}
        escaped = named.replace(":", r"\:")
        wanted = f" where {condition}" if where else ""
        connection.execute(text(f"delete from {escaped}{wanted}"), values)  # noqa: S608
    if how == "upsert":
        dialect.upsert(connection, named, columns, counted, [quote(name) for name in keys])
    else:
        dialect.insert(connection, named, columns, counted)
    return counted.rows


def _fits(
    block: SqlDatabase,
    connection: Any,
    table: str,
    names: Sequence[str],
    keys: Sequence[str] | None,
) -> None:
    """Raise `Refused` where the table, its columns or its keys are not as the rows need them."""
    marked = [name for name in (table, *names, *(keys or ())) if "%" in name]
    if marked:
        # The drivers take it for a mark of theirs, each in its own way.
        raise Refused(f"{block.where()}: {marked[0]!r} has a percent sign", "Rename it.")
    *schema, plain = table.split(".")
    inspector = inspect(connection)
    try:
        there = {column["name"] for column in inspector.get_columns(plain, *schema)}
    except NoSuchTableError as error:
        raise Refused(
            f"{block.where()} has no table {table}, or the user may not see it",
            "Make the table, or have the user granted what it lacks.",
        ) from error
    unknown = [name for name in names if name not in there]
    if unknown:
        raise Refused(
            f"{block.where()}: table {table} has no column {', '.join(unknown)}",
            f"It has: {', '.join(sorted(there))}.",
        )
    if keys is None:
        return
    unique = [inspector.get_pk_constraint(plain, *schema)["constrained_columns"]]
    unique += [c["column_names"] for c in inspector.get_unique_constraints(plain, *schema)]
    unique += [i["column_names"] for i in inspector.get_indexes(plain, *schema) if i["unique"]]
    if not keys or set(keys) not in [set(columns) for columns in unique if columns]:
        known = "; ".join(", ".join(map(str, c)) for c in unique if c) or "nothing"
        raise Refused(
            f"{block.where()}: table {table} is not unique by {', '.join(keys) or 'no columns'}",
            f"Upsert by what is (here: {known}), or make a unique index.",
        )


def _names(rows: pl.DataFrame | Path) -> list[str]:
    return list(rows.columns if isinstance(rows, pl.DataFrame) else pq.read_schema(rows).names)


def _rows(rows: pl.DataFrame | Path) -> Iterator[Sequence[Any]]:
    if isinstance(rows, pl.DataFrame):
        yield from rows.iter_rows(buffer_size=BATCH)
        return
    with pq.ParquetFile(rows) as file:
        for batch in file.iter_batches(BATCH):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


class _Counted:
    """Rows, and how many of them went through."""

    def __init__(self, rows: Iterator[Sequence[Any]]) -> None:
        self._all = rows
        self.rows = 0

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return self

    def __next__(self) -> Sequence[Any]:
        row = next(self._all)
        self.rows += 1
        return row
