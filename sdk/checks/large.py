"""Checks over a table in a file: the same results as over a frame, in bounded memory.

Conditions on single rows are computed by polars' streaming engine, which goes through the file
piece by piece and keeps one bit a row. Whether a key is unique is asked of DuckDB, which spills
to disk what it cannot hold. Table checks that look at shape or figures do so in both; another
gets the whole table as a frame if it is not too large for that, and else says that it cannot.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

import polars as pl

from sdk.checks.check import CheckContext, RowCheck, TableCheck
from sdk.errors import CheckFailed
from sdk.manifest import CheckResult
from sdk.table_file import TableFile, TableWriter

LOADED = 256 << 20
"""Bytes of a file, compressed, up to which a check that asks for a frame gets one."""
_DUCKDB_MEMORY = "300MB"


def masks(
    table: TableFile, checks: Sequence[RowCheck], context: CheckContext
) -> Sequence[pl.Series]:
    """Return for each row check which rows are bad.

    Raises:
        Exception: what polars or DuckDB raise for a condition that cannot be computed.
    """
    found: dict[int, pl.Series] = {}
    plain = {}
    for place, check in enumerate(checks):
        if check.key is None:
            plain[place] = check.bad(table.schema, context).alias(str(place))
        else:
            found[place] = _repeated(table, check.key)
    if plain:
        bad = table.lazy().select(*plain.values()).collect(engine="streaming")
        found.update((place, bad[str(place)]) for place in plain)
    return [found[place] for place in range(len(checks))]


def look(check: TableCheck, table: TableFile, context: CheckContext) -> CheckResult:
    """Return how a table check went.

    Raises:
        CheckFailed: it asks for the whole table, which is too large for that.
    """
    if check.look_at_file is not None:
        return check.look_at_file(table, context)
    if table.bytes > LOADED:
        raise CheckFailed(
            f"check {check.name!r} needs the whole table in memory, which has"
            f" {table.height:,} rows in {table.bytes:,} bytes",
            "Write it as a row check, as a measure, or as SQL: these work on tables of any size.",
        )
    return check.look(table.frame(), context)


def split(
    table: TableFile, aside: pl.Series, reasons: pl.Series
) -> tuple[TableFile | pl.DataFrame, pl.DataFrame]:
    """Return the rows that stay, and those set aside with their reasons.

    Args:
        table: all rows.
        aside: true for a row that is set aside.
        reasons: one for each of these.
    """
    start, apart = 0, []
    with TableWriter(table.schema, in_memory=0) as kept:
        for rows in table.slices():
            here = aside.slice(start, rows.height)
            start += rows.height
            kept.write(rows.filter(~here))
            apart.append(rows.filter(here))
        return kept.finish(), pl.concat(apart).with_columns(reasons)


def rows_at(table: TableFile, places: Sequence[int]) -> pl.DataFrame:
    """Return a few rows by their places."""
    return pl.concat(
        [pl.DataFrame(schema=table.schema)]
        + [table.lazy().slice(place, 1).collect() for place in places]
    )


def _repeated(table: TableFile, key: Sequence[str]) -> pl.Series:
    """Return which rows have a key that an earlier row has; nulls are values like others."""
    import duckdb

    absent = [name for name in key if name not in table.schema]
    if absent:
        raise pl.exceptions.ColumnNotFoundError(absent[0])
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in key or table.columns)
    path = str(table.path).replace("'", "''")
    with (
        tempfile.TemporaryDirectory(prefix="dataweave-") as spill,
        duckdb.connect(
            config={"memory_limit": _DUCKDB_MEMORY, "temp_directory": spill, "threads": 2}
        ) as connection,
    ):
        # Names and path are quoted above: DuckDB takes neither as a parameter.
        query = (
            "SELECT file_row_number AS place FROM (SELECT file_row_number, row_number() OVER"  # noqa: S608
            f" (PARTITION BY {names} ORDER BY file_row_number) AS nth"
            f" FROM read_parquet('{path}', file_row_number = true)) WHERE nth > 1"
        )
        places = connection.sql(query).to_arrow_table()
    repeated = pl.Series([False]).new_from_index(0, table.height)
    found = pl.Series(values=places.column("place").to_numpy(), dtype=pl.UInt32)
    return repeated.scatter(found, True) if found.len() else repeated
