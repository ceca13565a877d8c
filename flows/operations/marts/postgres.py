"""Marts in PostgreSQL, the hands: one customer's day at a time, whole or not at all.

A day is loaded in one transaction: its rows are removed and copied anew, so that loading it twice
changes nothing and a reader never sees half of it. Loads of one customer wait for one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
import polars as pl

from flows.operations.marts.postgres_plan import LOADS, change, named
from sdk.dataset import Dataset
from sdk.errors import ConfigurationError, Permanent, Transient


@dataclass(frozen=True)
class Loaded:
    """What was loaded.

    Attributes:
        rows: of each mart.
        fresh: it was not there before, in that version.
    """

    rows: Mapping[str, int]
    fresh: bool


async def load(url: str, schema: str, dataset: Dataset) -> Loaded:
    """Load the marts of a customer's day.

    Args:
        url: of the database, ``postgresql://user:password@host/name``.
        schema: of the tables; made where it is missing.
        dataset: the marts.

    Raises:
        ConfigurationError: the address cannot be understood, or nobody is let in with it.
        Transient: the database does not answer.
        Permanent: a column there has another type than the mart's.
    """
    connection = await _connected(url)
    try:
        async with connection.transaction():
            return await _load(connection, schema, dataset)
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
        raise Transient(f"the marts' database broke off: {type(error).__name__}") from error
    finally:
        connection.terminate() if connection.is_closed() else await connection.close()


async def _connected(url: str) -> asyncpg.Connection:
    # Addresses as SQLAlchemy writes them are common in settings.
    plain = url.replace("postgresql+asyncpg://", "postgresql://", 1)
    try:
        return await asyncpg.connect(plain, timeout=20)
    except (
        ValueError,
        asyncpg.InvalidCatalogNameError,
        asyncpg.InvalidAuthorizationSpecificationError,
    ) as error:
        # Never the address itself: it holds a password.
        raise ConfigurationError(
            f"the marts' database refuses the address it is given ({type(error).__name__})",
            "Set DATAWEAVE_MARTS_DATABASE to postgresql://user:password@host/database.",
        ) from None
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise Transient(
            f"the marts' database does not answer ({type(error).__name__})",
            "See whether it runs and may be reached from here.",
        ) from None


async def _load(connection: asyncpg.Connection, schema: str, dataset: Dataset) -> Loaded:
    home = named(schema)
    # Before anything is made: two first loads at once must not both make the tables.
    await connection.execute("select pg_advisory_xact_lock(hashtext($1))", f"marts {schema}")
    await connection.execute(f"create schema if not exists {home}")
    await connection.execute(f"create table if not exists {home}.loads ({LOADS})")
    version = await connection.fetchval(
        f"select version from {home}.loads where customer = $1 and day = $2",  # noqa: S608
        dataset.customer,
        dataset.day,
    )
    rows: dict[str, int] = {}
    for name in dataset.tables:
        # PostgreSQL's text cannot hold the character 0, which strangers' files can.
        frame = dataset.frame(name).with_columns(
            pl.col(pl.String).str.replace_all("\0", "", literal=True)
        )
        await _prepare(connection, schema, name, frame)
        await connection.execute(
            f"delete from {home}.{named(name)} where customer = $1 and day = $2",  # noqa: S608
            dataset.customer,
            dataset.day,
        )
        await connection.copy_records_to_table(
            name,
            schema_name=schema,
            columns=["customer", *frame.columns],
            records=((dataset.customer, *row) for row in frame.iter_rows()),
        )
        rows[name] = frame.height
    await connection.execute(
        f"""
        insert into {home}.loads (customer, day, version, source, degraded, rows)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (customer, day) do update set version = excluded.version,
            source = excluded.source, degraded = excluded.degraded, rows = excluded.rows,
            loaded_at = now()
        """,  # noqa: S608
        dataset.customer,
        dataset.day,
        dataset.version,
        dataset.source,
        [str(reason) for reason in dataset.degraded],
        sum(rows.values()),
    )
    return Loaded(rows, fresh=version != dataset.version)


async def _prepare(
    connection: asyncpg.Connection, schema: str, table: str, frame: pl.DataFrame
) -> None:
    there = await connection.fetch(
        """
        select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute a
        join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped
        """,
        schema,
        table,
    )
    needed = change(schema, table, frame.schema, dict(there))
    if needed.refused:
        column, is_there, wanted = needed.refused[0]
        raise Permanent(
            f"{schema}.{table}.{column} is {is_there} there and {wanted} in the marts",
            f"Drop the table {schema}.{table} and load the days again: the marts are in the store.",
        )
    for statement in needed.statements:
        await connection.execute(statement)
