"""A market of two sellers for the tests of streams, and consumers of its stream."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from flows.pipeline.normalise.offers import Normaliser
from flows.pipeline.rules import Rules, read_rules
from flows.streams.consumer import Consumer, Pace
from flows.streams.data import DaysData
from flows.streams.database import Database
from flows.streams.lease import Lease
from flows.streams.ledger import Ledger
from flows.streams.minutes import Minutes
from flows.streams.patience import Patience
from flows.streams.queues import Queue
from flows.streams.telling import Teller
from flows.streams.work import Worker
from sdk import Store
from sdk.notices.notice import Notice
from sdk.notices.outbox import Entry, Outbox
from sdk.notices.settings import NoticeSettings
from sdk.storage import storage

OWN, OTHER = "Orchard Market", "Green Basket"
NOW = datetime(2026, 8, 15, 9, tzinfo=UTC)
RULES = """
alerts:
  - {name: undercut, kind: undercut, at_least_pct: 10, cool_down_days: 3}
"""


def gtin(number: int) -> str:
    """A valid GTIN of 13 digits from the range that no company has."""
    body = f"952{number:09}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return f"{body}{-total % 10}"


def price(seller: str, number: int, amount: str, *, at: int = 0, **more: Any) -> bytes:
    """An event: a seller's price of a product, so many seconds after nine o'clock."""
    moment = (NOW + timedelta(seconds=at)).isoformat()
    told = {"id": f"{seller}-{number}-{amount}-{at}", "at": moment, "seller": seller,
            "store_id": "1", "sku": gtin(number), "name": f"Oat drink {number}",
            "price": amount, "currency": "ILS", **more}  # fmt: skip
    return json.dumps(told).encode()


class Stream:
    """A stream with its store in a folder; consumers of it may come and go.

    Attributes:
        stop: what its consumers stop at.
        clock: what they take for now.
    """

    def __init__(self, folder: Path, queue: Queue, rules: str = RULES) -> None:
        self.folder, self.queue = folder, queue
        self.rules: Rules = read_rules(rules)
        self.store = Store(str(folder / "store"))
        self.clock = NOW
        self.stop = threading.Event()
        self.settings = NoticeSettings(slack_block="nowhere")
        self._open: list[Database] = []

    def database(self) -> Database:
        found = Database(f"sqlite:///{self.folder / 'ledger.db'}")
        self._open.append(found)
        return found

    def close(self) -> None:
        for database in self._open:
            database.close()

    def consumer(
        self,
        *,
        wrap: Callable[[Any, str], Any] = lambda thing, name: thing,
        pace: Pace | None = None,
        tell_after: float = 30.0,
        database: Database | None = None,
    ) -> Consumer:
        """A new consumer, as a new process would make it; `wrap` comes between its parts."""
        database = database or self.database()
        pace = pace or Pace(pause=0, wait=0, lease=0.5)
        ledger = wrap(Ledger(database, "orchard/prices"), "ledger")
        teller = wrap(
            Teller("orchard", self.store.url, "test", settings=self.settings, flow="follow"),
            "teller",
        )
        normaliser = Normaliser(currency="ILS")

        def today() -> date:
            return self.clock.date()

        data = DaysData(self.store, "orchard", OWN, ledger, normaliser, today)
        return Consumer(
            wrap(self.queue, "queue"),
            ledger,
            Lease(database, "orchard/prices", pace.lease),
            Worker(ledger, teller, normaliser, self.rules, today=today, now=lambda: self.clock),
            Patience(teller, self.stop, tell_after=tell_after, longest_pause=0.05),
            Minutes(self.store, "orchard", "prices"),
            data.load,
            fresher=data.is_stale,
            now=lambda: self.clock,
            pace=pace,
        )

    def consume(self, **options: Any) -> Consumer:
        """Consume what is there, to the end."""
        made = self.consumer(**options)
        assert made.run(until_idle=True) == "idle"
        return made

    def told(self) -> list[Notice]:
        """What is in the outbox."""
        outbox = Outbox(storage(self.store.url))
        return [e.notice for _, e in outbox.entries() if isinstance(e, Entry) and e.notice]

    def alerts(self) -> list[str]:
        """What the notices in the outbox tell of, each thing as often as it is told."""
        return sorted(text for n in self.told() if n.kind == "alert" for text in n.examples)
