"""A SQL database's table or query in as a dataset, and a dataset out into a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import polars as pl

from blocks.connectors import SqlDatabase
from flows.connecting.landing import landed
from sdk import WAREHOUSE, Dataset, record, task


@task(dataset="{dataset}", retry=WAREHOUSE)
def read_query(
    database: SqlDatabase,
    query: str,
    dataset: str = "rows",
    parameters: Mapping[str, Any] | None = None,
) -> pl.DataFrame:
    """Publish a query's rows as a dataset.

    Args:
        database: which.
        query: SQL, with ``:name`` for parameters.
        dataset: name of the dataset.
        parameters: of the query.
    """
    record(source=database.where())
    return landed(lambda file: database.export(query, file, parameters=parameters))


@task(dataset="{dataset}", retry=WAREHOUSE)
def read_table(
    database: SqlDatabase,
    table: str,
    dataset: str = "rows",
    columns: Sequence[str] = (),
    where: Mapping[str, Any] | None = None,
) -> pl.DataFrame:
    """Publish a table's rows as a dataset.

    Args:
        database: which.
        table: of which, perhaps with its schema.
        dataset: name of the dataset.
        columns: only these; all by default.
        where: column to the value that it must have, such as ``{"day": day}``.
    """
    record(source=f"{database.where()}, {table}")
    return landed(lambda file: database.export_table(table, file, columns=columns, where=where))


@task(retry=WAREHOUSE)
def write_table(
    database: SqlDatabase,
    table: str,
    rows: Dataset,
    how: Literal["replace", "upsert"] = "replace",
    keys: Sequence[str] = (),
    where: Mapping[str, Any] | None = None,
    part: str | None = None,
) -> int:
    """Write a dataset's rows into a table, in one transaction; return how many.

    Appending is not offered: a step may be tried again after a lost answer, and both ways here
    give the same table however often they are done.

    Args:
        database: which.
        table: which is there, perhaps with its schema.
        rows: the dataset.
        how: ``replace`` what `where` names (all, where it names nothing), or ``upsert`` by `keys`.
        keys: columns that are unique over there.
        where: column to value, of the rows that are replaced: ``{"day": day}``.
        part: which table of the dataset, where it has several.
    """
    record(target=f"{database.where()}, {table}")
    return database.write(table, rows.frame(part), how=how, keys=keys, where=where)
