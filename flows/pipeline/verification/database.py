"""The database: SQLite in a file, or PostgreSQL; two kinds of transaction, one kind of error.

SQLite takes one writer at a time and tells the second one at its first write, in the middle of
its transaction, that it came too late. So a writing transaction says at once that it will write
(``BEGIN IMMEDIATE``) and waits there; readers go on beside it (write-ahead log). In PostgreSQL,
rows are locked where they are read for writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from flows.pipeline.verification import tables
from flows.pipeline.verification.errors import DatabaseUnavailable, DatabaseUnusable

Clock = Callable[[], datetime]

PATIENCE: Final = 15
"""Seconds that a writer waits for the one before it."""


def utc_now() -> datetime:
    """Return this instant: UTC, without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


class Database:
    """The desk's database; tables are made when they are not there.

    Args:
        url: of SQLAlchemy, such as ``sqlite:///review.db`` or ``postgresql+psycopg://…``. A
            password in it is never shown.

    Raises:
        DatabaseUnavailable: it does not answer.
        DatabaseUnusable: the address cannot be read, or the tables are another version's.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            if parsed.drivername == "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")
            self.name = parsed.render_as_string(hide_password=True)
            self.engine = _engine(parsed)
        except (ArgumentError, NoSuchModuleError, ImportError, OSError, ValueError) as error:
            # The message of the error may quote the address, password and all.
            raise DatabaseUnusable(
                f"the review database's address cannot be used ({type(error).__name__})",
                "Write it as sqlite:///path/review.db or postgresql://user@host/name.",
            ) from None
        try:
            with self.writing() as connection:
                _prepare(connection, self.name)
        except Exception:
            self.close()
            raise

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite."""
        return self.engine.dialect.name == "sqlite"

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
            said = f"the review database {self.name}: {cause[0]}"
            passing = isinstance(error, DBAPIError) and (
                error.connection_invalidated or isinstance(error, sa.exc.OperationalError)
            )
            if passing or isinstance(error, sa.exc.TimeoutError):
                raise DatabaseUnavailable(said, "See that it runs and can be reached.") from error
            raise DatabaseUnusable(said, "See what it holds, and whose it is.") from error


def _engine(url: sa.URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True, pool_size=20, max_overflow=10)
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": PATIENCE}, pool_size=20)

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _prepare(connection: Connection, name: str) -> None:
    """Make the tables, or see that they are ours."""
    if connection.dialect.name == "postgresql":
        # Two servers that start at once would both find nothing and both make it.
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(7310527)"))
    tables.metadata.create_all(connection)
    found = connection.execute(sa.select(tables.versions.c.version)).scalars().all()
    if not found:
        connection.execute(tables.versions.insert().values(version=tables.VERSION))
    elif found != [tables.VERSION]:
        raise DatabaseUnusable(
            f"the review database {name} holds tables of version {found[0]}, this code uses"
            f" {tables.VERSION}",
            "Run the release that fits it, or name another database.",
        )
