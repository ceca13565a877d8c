"""The lease of a stream: one consumer at a time, whoever dies, and a hand-over without a gap.

The holder raises a counter, its *beat*; who wants the lease watches it. A beat that did not move
for `seconds` by the watcher's own stopwatch is a holder that is gone. No clock is compared with
another, so none of them needs to be right.

Each holding has an epoch, and whatever a consumer commits checks it in the same transaction: one
that was asleep beyond its time cannot commit, and finds out that it has `Lost`.

Hand-over: a newcomer says that it waits (it becomes the *heir*; heirs have a beat, too). A holder
that sees an heir alive finishes what it has, and releases. So a release starts the new consumer,
and the old one ends when the new one is ready for it. A holder whose heir died meanwhile takes the
lease back.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flows.streams.database import Database
from flows.streams.tables import leases


class Lost(Exception):
    """Another consumer has the stream."""


@dataclass
class _Watch:
    """Since when something has not moved, by this process' own stopwatch."""

    value: object
    since: float


class Lease:
    """The right to consume a stream.

    Args:
        database: the ledger's.
        stream: its name.
        seconds: without a beat after which a holder counts as gone.
        clock: a stopwatch, in seconds.
    """

    def __init__(
        self,
        database: Database,
        stream: str,
        seconds: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.database, self.stream, self.seconds, self.clock = database, stream, seconds, clock
        self.me = uuid.uuid4().hex
        self.epoch = 0
        self._watch: _Watch | None = None
        self._heir: int | None = None

    def take(self) -> bool:
        """Take the lease if it is free or its holder is gone; else say that we wait."""
        with self.database.writing() as connection:
            row = self._row(connection)
            watched = (row.holder, row.epoch, row.beat)
            if self._watch is None or self._watch.value != watched:
                self._watch = _Watch(watched, self.clock())
            gone = self.clock() - self._watch.since >= self.seconds
            if row.holder in (None, self.me) or gone:
                self.epoch = row.epoch + 1
                self._set(
                    connection, holder=self.me, epoch=self.epoch, beat=row.beat + 1, heir=None
                )
                self._watch = self._heir = None
                return True
            self._set(connection, heir=self.me, heir_beat=row.heir_beat + 1)
            return False

    def beat(self) -> bool:
        """Say that we are there; return whether an heir is waiting.

        Raises:
            Lost: another has it.
        """
        with self.database.writing() as connection:
            return self.keep(connection)

    def keep(self, connection: Connection) -> bool:
        """As `beat`, within a transaction of the caller's, which is then only ours to commit."""
        row = self._row(connection)
        if row.holder != self.me or row.epoch != self.epoch:
            raise Lost
        self._set(connection, beat=row.beat + 1)
        if row.heir is None:
            self._heir = None
            return False
        # One that does not move may be dead: waiting for one more move shows that it is not.
        if self._heir is None:
            self._heir = int(row.heir_beat)
        return bool(self._heir != row.heir_beat)

    def release(self) -> None:
        """Give it up, if it is ours."""
        with self.database.writing() as connection:
            row = self._row(connection)
            if row.holder == self.me and row.epoch == self.epoch:
                self._set(connection, holder=None, beat=row.beat + 1)

    def is_taken(self) -> bool:
        """Say whether somebody took it after we released it."""
        with self.database.reading() as connection:
            query = sa.select(leases).where(leases.c.stream == self.stream)
            row = connection.execute(query).one_or_none()
            return row is not None and bool(row.epoch != self.epoch)

    def _row(self, connection: Connection) -> sa.Row[tuple[object, ...]]:
        query = sa.select(leases).where(leases.c.stream == self.stream).with_for_update()
        row = connection.execute(query).one_or_none()
        if row is None:
            begun = {"epoch": 0, "beat": 0, "heir_beat": 0}
            with_row = leases.insert().values(stream=self.stream, **begun)
            if connection.dialect.name == "postgresql":
                from sqlalchemy.dialects.postgresql import insert

                with_row = insert(leases).values(stream=self.stream, **begun)
                with_row = with_row.on_conflict_do_nothing()
            connection.execute(with_row)
            row = connection.execute(query).one()
        return row

    def _set(self, connection: Connection, **values: object) -> None:
        connection.execute(leases.update().where(leases.c.stream == self.stream).values(values))
