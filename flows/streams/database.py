"""The ledger's database: SQLite in a file, or PostgreSQL; what is committed is on the disk.

SQLite is told to wait for the disk at each commit (``synchronous=FULL``): a price that is taken
out of its queue must not be lost with the power. Writers say at once that they will write, so that
two wait for each other instead of failing in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from flows.streams import tables
from sdk.errors import ConfigurationError, StorageError, Transient

PATIENCE: Final = 15
"""Seconds that a writer waits for the one before it."""


class Database:
    """The database; tables are made when they are not there.

    Args:
        url: of SQLAlchemy, such as ``sqlite:///streams.db`` or ``postgresql://…``. A password in
            it is never shown.

    Raises:
        ConfigurationError: the address cannot be read, or the tables are another version's.
        Transient: it does not answer.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            if parsed.drivername == "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")
            self.name = parsed.render_as_string(hide_password=True)
            self.engine = _engine(parsed)
        except (ArgumentError, NoSuchModuleError, ImportError, OSError, ValueError) as error:
            raise ConfigurationError(
                f"the address of the streams' database cannot be used ({type(error).__name__})",
                "Write it as sqlite:///path/streams.db or postgresql://user@host/name.",
            ) from None  # the message may quote the address, password and all
        try:
            with self.writing() as connection:
                _prepare(connection, self.name)
        except Exception:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._explained(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may write; in SQLite the only one of its time."""
        with (
            self._explained(),
            self.engine.connect().execution_options(writing=True) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", error)).strip().splitlines() or [""]
            said = f"the streams' database {self.name}: {cause[0]}"
            passing = isinstance(error, sa.exc.OperationalError | sa.exc.TimeoutError)
            if passing or (isinstance(error, DBAPIError) and error.connection_invalidated):
                # A full disk is one of these: it may be cleared, and nothing is lost meanwhile.
                raise Transient(said, "See that it can be reached and has room.") from error
            raise StorageError(said, "See what it holds, and whose it is.") from error


def _engine(url: sa.URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True)
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": PATIENCE})

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _prepare(connection: Connection, name: str) -> None:
    """Make the tables, or see that they are ours."""
    if connection.dialect.name == "postgresql":
        # Two consumers that start at once would both find nothing and both make it.
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(7310528)"))
    tables.metadata.create_all(connection)
    found = connection.execute(sa.select(tables.versions.c.version)).scalars().all()
    if not found:
        connection.execute(tables.versions.insert().values(version=tables.VERSION))
    elif found != [tables.VERSION]:
        raise ConfigurationError(
            f"the streams' database {name} holds tables of version {found[0]}, this code uses"
            f" {tables.VERSION}",
            "Run the release that fits it, or name another database.",
        )
