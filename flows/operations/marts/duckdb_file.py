"""A DuckDB file over a customer's marts: one view for each mart, all days together.

The Parquet parts stay where they are and what they are: the file holds views over the newest
version of each day, so that it is small, made in a moment, and thrown away without loss. Where the
store is not a local folder the rows are copied into it instead, since DuckDB would need the
store's credentials again.

A table ``days`` says which version of each day is shown, and whether it is fresh.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb

from flows.operations.marts.published import published
from sdk import Dataset, Store
from sdk.errors import ConfigurationError, StorageError


def path_of(store: Store, customer: str) -> Path:
    """Return where a customer's file is: in the store, or beside where we are."""
    home = Path(store.url) if store.storage.is_local else Path(".dataweave")
    return home / "_marts" / f"{customer}.duckdb"


def write(store: Store, customer: str, path: Path | None = None) -> Path:
    """Write the file anew, whole or not at all.

    Args:
        store: where the marts are.
        customer: whose.
        path: of the file; by default `path_of`.

    Raises:
        ConfigurationError: the customer has no marts.
        StorageError: the file cannot be written.
    """
    days = list(published(store, customer))
    if not days:
        raise ConfigurationError(
            f"customer {customer!r} has no marts in {store.url}",
            f"Run a day first: python -m flows run --customer {customer}",
        )
    path = path or path_of(store, customer)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".making-") as folder:
            made = Path(folder) / path.name
            with duckdb.connect(str(made)) as connection:
                _fill(connection, days, views=store.storage.is_local)
            made.replace(path)
    except (OSError, duckdb.IOException) as error:
        raise StorageError(
            f"{path} cannot be written: {error}", "Name another file with --out."
        ) from error
    return path


def _fill(connection: duckdb.DuckDBPyConnection, days: Sequence[Dataset], *, views: bool) -> None:
    connection.execute(
        "create table days (day date, version integer, source text, degraded text[])"
    )
    connection.executemany(
        "insert into days values (?, ?, ?, ?)",
        [(d.day, d.version, d.source, [str(reason) for reason in d.degraded]) for d in days],
    )
    names = sorted({name for dataset in days for name in dataset.tables})
    for name in names:
        parts = [dataset for dataset in days if name in dataset.tables]
        if views:
            # By name: a mart may have gained a column since.
            files = ", ".join(_quoted(dataset.url(name)) for dataset in parts)
            connection.execute(
                f'create view "{name}" as '  # noqa: S608 - names and paths of our own, quoted
                f"select * from read_parquet([{files}], union_by_name = true)"
            )
            continue
        for number, dataset in enumerate(parts):
            connection.register("rows_of_the_day", dataset.frame(name).to_arrow())
            how = "insert into" if number else "create table"
            by = "by name" if number else "as"
            connection.execute(f'{how} "{name}" {by} select * from rows_of_the_day')  # noqa: S608
            connection.unregister("rows_of_the_day")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
