"""The database: SQLite in a file, or PostgreSQL; two kinds of transaction, one kind of error.

SQLite takes one writer at a time and tells the second one at its first write, in the middle of
its transaction, that it came too late. So a writing transaction says at once that it will write
(``BEGIN IMMEDIATE``) and waits there; readers go on beside it (write-ahead log). In PostgreSQL,
rows are locked where they are read for writing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from flows.pipeline.transactions import Transactions, engine_of
from flows.pipeline.verification import tables
from flows.pipeline.verification.errors import DatabaseUnavailable, DatabaseUnusable

ROOM: Final = 1 << 20
"""Bytes without which SQLite cannot be expected to write."""

Clock = Callable[[], datetime]

PATIENCE: Final = 15
"""Seconds that a writer waits for the one before it."""


def utc_now() -> datetime:
    """Return this instant: UTC, without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


class Database(Transactions):
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

    def failure(self, said: str, passing: bool) -> Exception:
        """Return the desk's error: unavailable, or unusable."""
        if self.is_sqlite and _is_full(self.engine.url.database):
            # SQLite calls it an I/O error where the disk is too full for its log.
            said = f"no space left on its disk ({said})"
            return DatabaseUnavailable(
                f"the review database {self.name}: {said}", "Free some space, then run it again."
            )
        said = f"the review database {self.name}: {said}"
        if passing:
            return DatabaseUnavailable(said, "See that it runs and can be reached.")
        return DatabaseUnusable(said, "See what it holds, and whose it is.")


def _is_full(database: str | None) -> bool:
    try:
        return shutil.disk_usage(Path(database or ".").parent).free < ROOM
    except OSError:
        return False


def _engine(url: sa.URL) -> Engine:
    pragmas = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")
    overflow = {} if url.get_backend_name() == "sqlite" else {"max_overflow": 10}
    return engine_of(url, pragmas, PATIENCE, pool_size=20, **overflow)


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
