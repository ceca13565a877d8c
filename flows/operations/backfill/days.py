"""What the store says of a day: its dataset, and how the newest run of its flow ended."""

from __future__ import annotations

from datetime import date, timedelta

from flows.operations.backfill.plan import DayState, Goal
from sdk import DatasetKey, Store
from sdk.errors import StorageError
from sdk.run import Run
from sdk.statistics import StepRecord, ledger, read_records


def day_state(store: Store, key: DatasetKey, flow: str) -> DayState:
    """Return what the store says of a day.

    Args:
        store: where the customer's datasets are.
        key: the dataset by which the day is judged.
        flow: the name of the customer's daily flow.

    Raises:
        StorageError: the store cannot be read.
    """
    return DayState(
        day=key.day,
        goal=goal_of(store, key),
        failure=newest_failure(store, key.customer, key.day, flow),
    )


def goal_of(store: Store, key: DatasetKey) -> Goal:
    """Return what there is of a day's dataset."""
    versions = store.versions(key)
    try:
        manifest = store.manifest(key, versions[-1]) if versions else None
    except StorageError:
        return "damaged"
    if manifest is None:
        return "none"
    return "fresh" if manifest.good else "degraded"


def newest_failure(store: Store, customer: str, day: date, flow: str) -> str | None:
    """Return of what the newest run of a day's flow failed; None if it did not, or there is none.

    A run that was killed left no failure: its day is missing, not failed.
    """
    for root_id in _newest_first(store, customer, day):
        run = Run(customer=customer, day=day, store=store.url, run_id=root_id, root_id=root_id)
        records = read_records(run)
        if any(record.flow == flow and len(record.path) == 1 for record in records):
            return failure_in(records)
    return None


def failure_in(records: list[StepRecord]) -> str | None:
    """Return of what the outermost flow of a run failed in the end.

    Prefect's own retries of a flow share its id: a failure after which something ran was not the
    end. A retry in which no step had to run again leaves no record; its day counts as failed, and
    to run it once more costs little and changes nothing.
    """
    failed = [
        record
        for record in records
        if record.is_flow and len(record.path) == 1 and record.outcome == "failed"
    ]
    if not failed:
        return None
    last = max(failed, key=lambda record: record.statistics.started)
    ended = last.statistics.started + timedelta(seconds=last.statistics.seconds)
    if any(record.statistics.started > ended for record in records):
        return None
    return (last.error or "no reason given").splitlines()[0]


def _newest_first(store: Store, customer: str, day: date) -> list[str]:
    """Return the root runs of a day; their records' names begin with the time."""
    newest: dict[str, str] = {}
    folder = ledger(Run(customer=customer, day=day, store=store.url, run_id="", root_id=""))
    for root_id in store.storage.names(folder.rstrip("/")):
        names = store.storage.names(f"{folder}{root_id}")
        moments = [name for name in names if name.endswith((".json", ".jsonl"))]
        if moments:
            newest[root_id] = max(moments)
    return sorted(newest, key=lambda root_id: newest[root_id], reverse=True)
