"""The ledger's database: SQLite in a file, or PostgreSQL; what is committed is on the disk.

SQLite is told to wait for the disk at each commit (``synchronous=FULL``): a price that is taken
out of its queue must not be lost with the power.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from flows.pipeline.transactions import Transactions, engine_of
from flows.streams import tables
from sdk.errors import ConfigurationError, StorageError, Transient

PATIENCE: Final = 15
"""Seconds that a writer waits for the one before it."""


class Database(Transactions):
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
            self.engine = engine_of(parsed, ("journal_mode=WAL", "synchronous=FULL"), PATIENCE)
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

    def failure(self, said: str, passing: bool) -> Exception:
        """Return the error of the platform's: what may pass is tried again."""
        said = f"the streams' database {self.name}: {said}"
        if passing:
            # A full disk is one of these: it may be cleared, and nothing is lost meanwhile.
            return Transient(said, "See that it can be reached and has room.")
        return StorageError(said, "See what it holds, and whose it is.")


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
