"""What the overview is made from, read from the store: ledgers, manifests, sites, notices."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl

from flows.operations.overview.standing import Standing, standings
from sdk import DatasetKey, Store
from sdk.errors import PlatformError
from sdk.notices.book import Book
from sdk.notices.fault_state import FaultState
from sdk.notices.outbox import DeadLetter, Entry, Outbox
from sdk.run import Run
from sdk.statistics import StepRecord, read_records

log = logging.getLogger(__name__)

REVIEWED = ("decided_matches", "matches")
"""Datasets that tell how many pairs wait for a person, the later stage first."""


@dataclass(frozen=True)
class Queue:
    """Pairs of a customer's latest day that wait for a person."""

    customer: str
    day: date
    waiting: int
    since: date


@dataclass(frozen=True)
class Platform:
    """Everything that the overview tells.

    Attributes:
        at: when it was looked at, UTC.
        looked_back: days of ledgers that were read.
        standings: of every customer's steps.
        idle: customers of whom no run was found in these days.
        queues: of reviewers.
        sites: of every customer's latest capture: customer, and SITES.
        dead: notices that were refused for good.
        waiting: notices that are still to go out.
        faults: that are open.
        unreadable: what could not be read, and why.
    """

    at: datetime
    looked_back: int
    standings: Sequence[Standing] = ()
    idle: Sequence[str] = ()
    queues: Sequence[Queue] = ()
    sites: pl.DataFrame = field(default_factory=pl.DataFrame)
    dead: Sequence[DeadLetter] = ()
    waiting: Sequence[Entry] = ()
    faults: Sequence[FaultState] = ()
    unreadable: Sequence[str] = ()


def gather(store: Store, known: Sequence[str], at: datetime, *, look_back: int = 14) -> Platform:
    """Read how the platform stands. What cannot be read is named; the rest is told.

    Args:
        store: the storage root.
        known: the customers that have a file; others with data are shown as well.
        at: the moment, UTC.
        look_back: days of ledgers.
    """
    root = store.storage
    there = [name for name in root.names("") if not name.startswith(("_", "."))]
    made: list[Standing] = []
    idle: list[str] = []
    queues: list[Queue] = []
    sites: list[pl.DataFrame] = []
    unreadable: list[str] = []
    for customer in sorted({*known, *there}):
        if "." in customer:
            continue  # a file in the store's folder, nobody's data
        try:
            found = standings(customer, _runs(store, customer, at, look_back))
            queues.extend(_queue(store, customer, at, look_back))
            sites.extend(_sites(store, customer, at, look_back))
        except PlatformError as error:
            unreadable.append(f"{customer}: {error.problem}")
            continue
        made.extend(found)
        if not found:
            idle.append(customer)
    outbox = Outbox(root)
    return Platform(
        at=at,
        looked_back=look_back,
        standings=made,
        idle=idle,
        queues=queues,
        sites=pl.concat(sites, how="diagonal_relaxed") if sites else pl.DataFrame(),
        dead=outbox.dead(),
        waiting=[entry for _, entry in outbox.entries() if isinstance(entry, Entry)],
        faults=sorted(
            (state for state in Book(root).states() if state.open),
            key=lambda state: (state.first_seen, state.fingerprint),
        ),
        unreadable=unreadable,
    )


def _runs(
    store: Store, customer: str, at: datetime, look_back: int
) -> Mapping[date, list[list[StepRecord]]]:
    """Return the records of each day's runs; of a run's earlier days by their own day."""
    found: dict[date, list[list[StepRecord]]] = defaultdict(list)
    for day in _last(_dates(store.storage.names(f"{customer}/_runs")), look_back):
        for run_id in store.storage.names(f"{customer}/_runs/{day}"):
            run = Run(customer=customer, day=day, store=store.url, run_id=run_id, root_id=run_id)
            records = read_records(run)
            for mine in {record.day for record in records}:
                found[mine].append(records)
    return found


def _dates(words: Sequence[str]) -> Iterator[date]:
    for word in words:
        try:
            yield date.fromisoformat(word)
        except ValueError:
            continue


def _last(days: Iterator[date], count: int) -> list[date]:
    """Return the latest days: of the data, so that a customer of last month shows its last."""
    return sorted(days)[-count:]


def _queue(store: Store, customer: str, at: datetime, look_back: int) -> Iterator[Queue]:
    until = at.date() + timedelta(days=2)
    for name in REVIEWED:
        days = [
            (manifest.day, int(manifest.statistics.recorded.get("reviews", 0)))
            for manifest in store.history(customer, name, before=until, limit=look_back)
            if manifest.statistics is not None and "reviews" in manifest.statistics.recorded
        ]
        if not days:
            continue
        day, waiting = days[0]
        since = day
        for earlier, count in days[1:]:
            if not count:
                break
            since = earlier
        if waiting:
            yield Queue(customer, day, waiting, since)
        return


def _sites(store: Store, customer: str, at: datetime, look_back: int) -> Iterator[pl.DataFrame]:
    until = at.date() + timedelta(days=2)
    for manifest in store.history(customer, "captured", before=until, limit=1):
        key = DatasetKey(customer=customer, name="captured", day=manifest.day)
        dataset = store.dataset(key)
        if dataset is not None and "sites" in dataset.tables:
            yield dataset.frame("sites").with_columns(customer=pl.lit(customer))
