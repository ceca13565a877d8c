"""The canary: a flow like the real ones, every half hour on every queue, that watches itself.

It takes the way that a customer's day takes: a parent on a light queue, a heavy step as a run of
its own on `work`, a Dask map, a dataset published and read, and a notice put through every stage
but its delivery. It costs less than a minute of a worker, and leaves a record of what it measured;
what is wrong with it, `canary.watch` sees from outside.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import polars as pl
from prefect_dask.task_runners import DaskTaskRunner

from canary.load import PARTS, expected, numbers, part_sum
from canary.record import FOLDER, CanaryRecord
from sdk import NONE, Dataset, Settings, checks, elsewhere, fanout, flow, prefect2, task
from sdk.notices.build_plain import plain
from sdk.notices.notice import Notice, event_id
from sdk.storage import storage


@task(dataset="canary_numbers", retry=NONE, checks=[checks.rows(1)])
def make_numbers(seed: int, started: str) -> pl.DataFrame:
    """Make the rows; `started` has each run make its own."""
    return numbers(seed)


@task(dataset="canary_sums", retry=NONE, checks=[checks.rows(PARTS)])
def sum_parts(given: Dataset) -> pl.DataFrame:
    """Sum each part: the heavy step, that runs elsewhere."""
    frame = given.frame()
    sums = [part_sum(frame, part) for part in range(PARTS)]
    return pl.DataFrame({"part": list(range(PARTS)), "sum": sums})


@task(retry=NONE)
def sum_part(part: int, given: Dataset) -> int:
    """Sum one part: an item of the map."""
    return part_sum(given.frame(), part)


@flow(
    name="canary",
    customer="canary",
    owner="platform",
    tier="bronze",
    deadline="10m",
    task_runner=DaskTaskRunner(
        cluster_kwargs={"n_workers": 1, "threads_per_worker": 2, "dashboard_address": None}
    ),
)
def canary(name: str = "work", heavy: bool = True, day: date | None = None) -> int:
    """Do what the real load does, a little of it.

    Args:
        name: of this canary: the queue that it is on.
        heavy: send the heavy step to the queue `work` as a run of its own.
        day: of the data; by default the day on which the run was due.

    Raises:
        AssertionError: the platform computed something else than arithmetic does.
    """
    begun = datetime.now(UTC)
    due = prefect2.scheduled_start() or begun
    seed = int(begun.timestamp())
    given = make_numbers(seed, begun.isoformat())
    summed = (elsewhere(sum_parts) if heavy else sum_parts)(given)
    mapped = fanout(sum_part, range(PARTS), how="tasks", given=given)
    results = {
        "elsewhere": int(summed.frame()["sum"].sum()),
        "mapped": sum(mapped.values()),
    }
    record = CanaryRecord(
        name=name,
        run=prefect2.flow_run_id(),
        due=due,
        begun=begun,
        ended=datetime.now(UTC),
        expected=expected(seed),
        results=results,
        notice=_notice(begun),
    )
    root = storage(Settings().storage)
    root.put(f"{FOLDER}/{name}/{begun:%Y%m%dT%H%M%S}.json", record.model_dump_json().encode())
    assert record.right, f"expected {record.expected}, got {json.dumps(results)}"
    return record.expected


def _notice(now: datetime) -> bool:
    """Say whether a notice can be made and kept; it is told to nobody."""
    notice = Notice(
        event=event_id("canary", now),
        fault="canary",
        kind="failed",
        severity="info",
        environment=Settings().environment,
        flow="canary",
        customer="canary",
        headline="a notice in test mode",
        happened=now,
    )
    root = storage(Settings().storage)
    path = f"{FOLDER}/notices/{notice.event}"
    root.put(path, plain(notice).encode())
    kept = root.read(path).decode()
    root.delete(path)
    return notice.headline in kept


__all__ = ["canary"]
