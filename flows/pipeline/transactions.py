"""Transactions on SQLite in a file or on PostgreSQL: how they begin, wait, and say what failed.

In SQLite writers say at once that they will write, so that two wait for each other instead of
failing in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError


class Transactions:
    """Transactions of an engine; whose tables they are about is the subclass's to say.

    Attributes:
        engine: of SQLAlchemy, as `engine_of` makes it.
    """

    engine: Engine

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

    def failure(self, said: str, passing: bool) -> Exception:
        """Return the error to raise.

        Args:
            said: the database's own words, on one line.
            passing: whether it may go by itself: no answer, no connection, no room.
        """
        raise NotImplementedError

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", error)).strip().splitlines() or [""]
            passing = isinstance(error, sa.exc.OperationalError | sa.exc.TimeoutError)
            lost = isinstance(error, DBAPIError) and error.connection_invalidated
            raise self.failure(cause[0], passing or lost) from error


def engine_of(url: sa.URL, pragmas: Sequence[str], patience: float, **pool: Any) -> Engine:
    """Return an engine whose transactions begin as `Transactions` has them begin.

    Args:
        url: of SQLite or PostgreSQL; the folder of a SQLite file is made.
        pragmas: of each SQLite connection.
        patience: seconds that a SQLite writer waits for the one before it.
        pool: how many connections are kept.

    Raises:
        OSError: the folder cannot be made.
        ImportError: the driver is not installed.
    """
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True, **pool)
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": patience}, **pool)

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
