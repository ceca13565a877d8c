"""The ledger of a stream: what was done with which event, in the same transaction as its effects.

An event's effects are rows: that it was handled, the price it brought, the alerts it raised, the
notices to be put out, the counts of its minute. They are committed at once or not at all, and only
by the holder of the lease. A message is taken out of its queue afterwards. So after a death
between any two steps the message comes again, is found here, and has no second effect; what was to
be said and was not put out yet is put out by whoever comes next, under the same name.

Forgetting: the newest `REMEMBERED` events are known by their ids. One that comes again after that
brings a price that is not newer than the one that stands, and so has no effect either; it is
merely counted anew.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from flows.pipeline.mart_schema import ALERTS
from flows.pipeline.schema import conform
from flows.streams.compare import Item
from flows.streams.counts import Counts
from flows.streams.database import Database
from flows.streams.lease import Lease
from flows.streams.tables import alerts, handled, minutes, notices, prices

REMEMBERED = 1_000_000
"""Events known by their ids: over an hour at 200 a second, and 100 MB of a database."""
_FORGOTTEN_AT_ONCE = 50_000
_ASKED_AT_ONCE = 400
"""Values in one question: below what any database takes."""


@dataclass
class Effects:
    """What a batch does.

    Attributes:
        handled: ids of its events, each with the reason where the message is set aside.
        prices: by offer, when its price was seen, its day, and the event's fields.
        alerts: ALERTS that are new or changed.
        notices: to be put out, as JSON.
        counts: of its minute.
        minute: which.
    """

    handled: dict[str, str | None] = field(default_factory=dict)
    prices: dict[str, tuple[datetime, date, dict[str, Any]]] = field(default_factory=dict)
    alerts: pl.DataFrame | None = None
    notices: list[str] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    minute: datetime | None = None


class Ledger:
    """What was done with the events of a stream.

    Args:
        database: where it is.
        stream: its name.
    """

    def __init__(self, database: Database, stream: str) -> None:
        self.database, self.stream = database, stream

    def known(self, events: Collection[str]) -> dict[str, str | None]:
        """Return those events that were handled, with the reason where they were set aside."""
        found: dict[str, str | None] = {}
        with self.database.reading() as connection:
            for part in _parts(events):
                query = sa.select(handled.c.event, handled.c.dead).where(
                    handled.c.stream == self.stream, handled.c.event.in_(part)
                )
                found.update((row.event, row.dead) for row in connection.execute(query))
        return found

    def seen_at(self, offers: Collection[str]) -> dict[str, datetime]:
        """Return when the latest known price of each offer was seen."""
        found: dict[str, datetime] = {}
        with self.database.reading() as connection:
            for part in _parts(offers):
                query = sa.select(prices.c.offer, prices.c.at).where(
                    prices.c.stream == self.stream, prices.c.offer.in_(part)
                )
                found.update((row.offer, row.at) for row in connection.execute(query))
        return found

    def prices(self, since: date) -> list[tuple[date, dict[str, Any]]]:
        """Return the fields of the latest event of each offer, with its day; none before a day."""
        query = sa.select(prices.c.day, prices.c.fields).where(
            prices.c.stream == self.stream, prices.c.day >= since
        )
        with self.database.reading() as connection:
            return [(row.day, json.loads(row.fields)) for row in connection.execute(query)]

    def alerts(self, items: Collection[Item]) -> pl.DataFrame:
        """Return ALERTS that are known of some things."""
        rows: list[dict[str, Any]] = []
        wanted = set(items)
        with self.database.reading() as connection:
            for part in _parts({item for _, item in wanted}):
                query = sa.select(alerts.c.rule, alerts.c.item, alerts.c.row).where(
                    alerts.c.stream == self.stream, alerts.c.item.in_(part)
                )
                rows.extend(
                    json.loads(row.row)
                    for row in connection.execute(query)
                    if (row.rule, row.item) in wanted
                )
        return _alerts(rows)

    def standing(self, rule: str, group: str) -> int:
        """Return how many things of a rule's group stand."""
        query = sa.select(sa.func.count()).where(
            alerts.c.stream == self.stream,
            alerts.c.rule == rule,
            alerts.c.group == group,
            alerts.c.state != "ended",
        )
        with self.database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def commit(self, effects: Effects, lease: Lease) -> bool:
        """Make effects so, all or none; return whether an heir is waiting for the stream.

        Raises:
            Lost: the stream is another's by now.
            Transient: the database does not answer, or its disk is full.
        """
        with self.database.writing() as connection:
            heir = lease.keep(connection)
            self._insert(connection, handled, ("stream", "event"), [
                {"stream": self.stream, "event": event, "dead": dead}
                for event, dead in effects.handled.items()
            ])  # fmt: skip
            self._insert(connection, prices, ("stream", "offer"), [
                {"stream": self.stream, "offer": offer, "at": at, "day": day,
                 "fields": json.dumps(fields, ensure_ascii=False)}
                for offer, (at, day, fields) in effects.prices.items()
            ], replacing=("at", "day", "fields"))  # fmt: skip
            if effects.alerts is not None:
                self._insert(connection, alerts, ("stream", "rule", "item"), [
                    {"stream": self.stream, "rule": row["rule"], "item": row["item"],
                     "group": row["group"], "state": row["state"], "row": json.dumps(row)}
                    for row in _plain(effects.alerts)
                ], replacing=("group", "state", "row"))  # fmt: skip
            if effects.notices:
                connection.execute(notices.insert(), [
                    {"stream": self.stream, "content": content} for content in effects.notices
                ])  # fmt: skip
            if effects.minute is not None:
                self._count(connection, effects.minute, effects.counts)
        return heir

    def _insert(
        self,
        connection: Connection,
        table: sa.Table,
        key: Sequence[str],
        rows: Sequence[Mapping[str, Any]],
        replacing: Sequence[str] = (),
    ) -> None:
        if not rows:
            return
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        made = dialect.insert(table)
        if replacing:
            made = made.on_conflict_do_update(
                index_elements=list(key), set_={name: made.excluded[name] for name in replacing}
            )
        else:
            made = made.on_conflict_do_nothing(index_elements=list(key))
        connection.execute(made, list(rows))

    def _count(self, connection: Connection, minute: datetime, counts: Counts) -> None:
        where = (minutes.c.stream == self.stream, minutes.c.minute == minute)
        before = connection.execute(sa.select(minutes.c.counts).where(*where)).scalar_one_or_none()
        total = counts if before is None else Counts.of_json(before) + counts
        row = {"stream": self.stream, "minute": minute, "counts": total.as_json()}
        self._insert(connection, minutes, ("stream", "minute"), [row], replacing=("counts",))

    def unsaid(self, most: int = 100) -> list[tuple[int, str]]:
        """Return notices that are not put out yet, oldest first, with their numbers."""
        query = (
            sa.select(notices.c.number, notices.c.content)
            .where(notices.c.stream == self.stream)
            .order_by(notices.c.number)
            .limit(most)
        )
        with self.database.reading() as connection:
            return [(row.number, row.content) for row in connection.execute(query)]

    def said(self, numbers: Iterable[int]) -> None:
        """Note that notices are put out."""
        with self.database.writing() as connection:
            for part in _parts(list(numbers)):
                connection.execute(notices.delete().where(notices.c.number.in_(part)))

    def minutes(self, before: datetime) -> list[tuple[datetime, Counts]]:
        """Return the minutes that are over and not published yet."""
        query = (
            sa.select(minutes.c.minute, minutes.c.counts)
            .where(minutes.c.stream == self.stream, minutes.c.minute < before)
            .order_by(minutes.c.minute)
        )
        with self.database.reading() as connection:
            return [(row.minute, Counts.of_json(row.counts)) for row in connection.execute(query)]

    def published(self, minute: datetime) -> None:
        """Note that a minute is published."""
        where = (minutes.c.stream == self.stream, minutes.c.minute == minute)
        with self.database.writing() as connection:
            connection.execute(minutes.delete().where(*where))

    def forget(self, before: date, remembered: int = REMEMBERED) -> int:
        """Forget old events, and prices and ended alerts of days before; return how many events."""
        mine = handled.c.stream == self.stream
        with self.database.writing() as connection:
            newest = connection.execute(sa.select(sa.func.max(handled.c.number)).where(mine))
            oldest = connection.execute(sa.select(sa.func.min(handled.c.number)).where(mine))
            last, first = newest.scalar_one() or 0, oldest.scalar_one() or 0
            until = min(last - remembered, first + _FORGOTTEN_AT_ONCE)
            gone = connection.execute(handled.delete().where(mine, handled.c.number <= until))
            old = (prices.c.stream == self.stream, prices.c.day < before)
            connection.execute(prices.delete().where(*old))
            return int(gone.rowcount)


def offer_name(key: Sequence[str]) -> str:
    """Return the name under which the ledger knows an offer."""
    return json.dumps(list(key), ensure_ascii=False)


def _plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads(frame.write_json())
    return made


def _alerts(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    texts = {
        name: pl.Series(
            name,
            [row.get(name) for row in rows],
            dtype=kind if kind == pl.Float64 else pl.String,
        )
        for name, kind in ALERTS.items()
    }
    return conform(
        pl.DataFrame(texts).with_columns(
            pl.col("day", "first_day", "told_day").str.to_date("%Y-%m-%d")
        ),
        ALERTS,
    )


def _parts(values: Collection[Any]) -> Iterable[list[Any]]:
    found = list(values)
    for start in range(0, len(found), _ASKED_AT_ONCE):
        yield found[start : start + _ASKED_AT_ONCE]
