"""The schema of our own tables: Alembic's scripts of a version, each bring in one transaction.

Prefect's own tables are Prefect's to migrate; see the how-to for releases of Prefect itself.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, create_engine, make_url, pool, text
from sqlalchemy.exc import OperationalError

from infra.release.migrations import FOLDER
from infra.release.model import Version
from infra.release.parts import Unanswered

TABLE: Final = "dataweave_schema"
"""Alembic's table of ours; Prefect has its own."""
LOCK_SECONDS: Final = 10
"""A migration that waits for a lock has every query behind it wait too: it gives up instead."""

IN_THE_WAY: Final = """
select pid, usename, application_name, state, extract(epoch from now() - xact_start)::int
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
  and xact_start < now() - make_interval(secs => :seconds)
order by xact_start limit 3
"""
"""Sessions that may hold a lock: by then nobody waits for it any more, so it cannot be asked who
was waited for."""

KEY: Final = int.from_bytes(TABLE.encode()[:7], "big")
"""Of PostgreSQL's lock over migrations: one may outlast its driver's lease, and the next driver
must not begin it beside."""


class AlembicSchema:
    """The schema of a database.

    Args:
        url: of the database, with any driver.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql+psycopg")

    def at(self) -> str:
        """Return its revision."""
        with self._connection(statement_seconds=20) as connection:
            context = MigrationContext.configure(connection, opts={"version_table": TABLE})
            return context.get_current_revision() or ""

    def bring(self, to: Version, scripts: Version) -> None:
        """Bring it to what a version knows; nothing happens where it is there."""
        target = to.schema or "base"
        with tempfile.TemporaryDirectory() as empty, self._connection() as connection:
            if not connection.scalar(text("select pg_try_advisory_xact_lock(:key)"), {"key": KEY}):
                raise Unanswered("somebody else migrates")
            config = Config()
            config.set_main_option("script_location", empty)
            config.set_main_option("path_separator", "os")
            config.set_main_option("version_locations", str(Path(scripts.where) / FOLDER))
            directory = ScriptDirectory.from_config(config)
            known = [one.revision for one in directory.walk_revisions()]  # the last one first
            here = MigrationContext.configure(
                connection, opts={"version_table": TABLE}
            ).get_current_revision()
            if (here or "base") == target:
                return
            rank = {revision: number for number, revision in enumerate(reversed(known), start=1)}
            up = rank.get(target, 0) > rank.get(here or "", 0)

            def steps(revision: Any, _context: Any) -> Any:
                if up:
                    return directory._upgrade_revs(target, revision)
                return directory._downgrade_revs(target, revision)

            with EnvironmentContext(config, directory, fn=steps, destination_rev=target) as env:
                env.configure(connection=connection, version_table=TABLE)
                with env.begin_transaction():
                    env.run_migrations()
            connection.commit()

    def _in_the_way(self) -> str:
        """Return which transactions are open for longer than a lock was waited for.

        What they do is left out: a query may hold what is nobody's business.
        """
        try:
            with self._connection(statement_seconds=5) as connection:
                found = connection.execute(text(IN_THE_WAY), {"seconds": LOCK_SECONDS}).all()
        except Unanswered:
            return ""
        if not found:
            return ""
        told = [f"session {pid} of {user} ({application or 'unnamed'}, {state}, {seconds} s)"
                for pid, user, application, state, seconds in found]  # fmt: skip
        return (
            f"; transactions in the way: {', '.join(told)}; have them end, or end one with "
            f"select pg_terminate_backend({found[0][0]})"
        )

    @contextlib.contextmanager
    def _connection(self, statement_seconds: int = 0) -> Iterator[Connection]:
        options = f"-c lock_timeout={LOCK_SECONDS}s"
        if statement_seconds:
            options += f" -c statement_timeout={statement_seconds}s"
        engine = create_engine(
            self._url,
            poolclass=pool.NullPool,
            connect_args={"connect_timeout": 10, "options": options,
                          "application_name": f"release-{os.getpid()}"},
        )  # fmt: skip
        try:
            with engine.connect() as connection:
                if connection.scalar(text("select 1")) == 1:
                    connection.rollback()
                yield connection
        except OperationalError as error:
            said = " ".join(str(error.orig).split())[:200]
            waited = isinstance(error.orig, LockNotAvailable)
            raise Unanswered(
                f"the database: {said}{self._in_the_way() if waited else ''}"
            ) from None
        finally:
            engine.dispose()
