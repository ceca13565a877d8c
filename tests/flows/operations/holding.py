"""A process that holds a day; apart, so that it starts without Prefect."""

from __future__ import annotations

from datetime import date
from multiprocessing.connection import Connection

from flows.operations.backfill.claims import claimed
from sdk.storage import storage


def hold(store_url: str, day: date, ready: Connection) -> None:
    with claimed(storage(store_url), "acme", day) as ours:
        ready.send(ours)
        ready.recv()
