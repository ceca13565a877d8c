"""`tell_of_the_day`: the daily digest of each channel."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from flows.operations.limits import declared_limits
from sdk import Settings, flow
from sdk.errors import PlatformError
from sdk.notices.channels import rooms, sender
from sdk.notices.digest import RanRun, digest, ran
from sdk.notices.outbox import Outbox
from sdk.notices.overview import overview
from sdk.notices.settings import NoticeSettings
from sdk.run import Run
from sdk.statistics import read_records
from sdk.storage import Storage, storage

DAYS = 7
"""Whose ledgers are looked through for runs of the last day: a backfill of older ones has a
summary of its own."""


@flow(name="notices-digest")
def tell_of_the_day(until: datetime | None = None) -> list[str]:
    """Post in each channel what ran in the 24 hours before; schedule it once a day.

    Args:
        until: the end of those hours, UTC; by default now.

    Returns:
        The keys of the digests; each is posted once, whoever writes it again.
    """
    settings, chosen = Settings(), NoticeSettings()
    now = until or datetime.now(UTC)
    channels = rooms(chosen)
    if channels is None:
        return []
    root = storage(settings.storage)
    owners = {name: limit.owner for name, limit in declared_limits().items()}
    listed = runs_between(root, now - timedelta(days=1), now)
    known = overview(root, now)
    posted = []
    for route in channels.spoken_in:
        letter = digest(
            route,
            now,
            runs=[run for run in listed if channels.route(owners.get(run.flow)) == route],
            broken=[fault for fault in known.broken if channels.route(fault.owner) == route],
            dead=known.dead if route == channels.default else (),
        )
        Outbox(root).post(letter)
        posted.append(letter.key)
    sender(settings.storage, chosen).deliver()
    return posted


def runs_between(root: Storage, since: datetime, until: datetime) -> list[RanRun]:
    """Return how the runs ended that had their last word between two moments, by their ledgers."""
    found = []
    days = [until.date() + timedelta(days=1) - timedelta(days=back) for back in range(DAYS + 2)]
    for customer in root.names(""):
        if customer.startswith(("_", ".")):
            continue
        for day in days:
            found += _runs_of(root, customer, day)
    return [run for run in found if since < run.ended <= until]


def _runs_of(root: Storage, customer: str, day: date) -> list[RanRun]:
    found = []
    for run_id in root.names(f"{customer}/_runs/{day}"):
        ledger = Run(customer=customer, day=day, store=root.url, run_id=run_id, root_id=run_id)
        try:
            entry = ran(customer, run_id, read_records(ledger))
        except PlatformError:
            continue
        if entry is not None:
            found.append(entry)
    return found
