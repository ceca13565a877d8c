"""The runs that have not ended, or crashed, as Prefect's API and the ledgers tell.

A run that never began is only there: none of its Python ran; nor did any when its process was
killed. A run's signs of life are what its steps leave in its ledger; a run that has left nothing
gives none, and is not called stuck for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sdk.notices.deadlines import Limits, State, WatchedRun
from sdk.run import Run
from sdk.statistics import ledger
from sdk.storage import storage

STATES: dict[str, State] = {
    "SCHEDULED": "scheduled",
    "PENDING": "pending",
    "RUNNING": "running",
    "CANCELLING": "cancelling",
    "CRASHED": "crashed",
}
PAGE = 200
"""Runs asked for at a time: Prefect's own limit."""
RECENT = timedelta(hours=2)
"""How old a crash may be and still be news: a watch that was away for longer finds that the
automation on crashes has spoken."""


def watched(flows: Collection[str], now: datetime) -> list[WatchedRun]:
    """Return the runs of some flows that were due and have not ended, and those that crashed.

    Args:
        flows: their names; subflows are left out, and so is who the customer is (`with_life`).
        now: UTC; what is due later is not late.
    """
    return asyncio.run(_watched(sorted(flows), now)) if flows else []


async def _watched(flows: list[str], now: datetime) -> list[WatchedRun]:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    theirs = filters.FlowFilter(name=filters.FlowFilterName(any_=flows))

    def which(*states: str, **more: Any) -> filters.FlowRunFilter:
        types = filters.FlowRunFilterStateType(any_=[StateType(name) for name in states])
        return filters.FlowRunFilter(
            state=filters.FlowRunFilterState(name=None, type=types),
            parent_task_run_id=filters.FlowRunFilterParentTaskRunId(is_null_=True),
            **more,
        )

    found: list[Any] = []
    async with get_client() as client:
        names = {flow.id: flow.name for flow in await client.read_flows(flow_filter=theirs)}
        due = filters.FlowRunFilterExpectedStartTime(before_=now)
        unfinished = which(*(n for n in STATES if n != "CRASHED"), expected_start_time=due)
        while names:
            page = await client.read_flow_runs(
                flow_filter=theirs, flow_run_filter=unfinished, limit=PAGE, offset=len(found)
            )
            found += page
            if len(page) < PAGE:
                break
        crashed = await client.read_flow_runs(
            flow_filter=theirs,
            flow_run_filter=which("CRASHED"),
            sort=FlowRunSort.END_TIME_DESC,
            limit=PAGE,
        )
    made = [_made(run, names[run.flow_id]) for run in [*found, *crashed] if run.flow_id in names]
    return [run for run in made if run.state != "crashed" or now - run.changed <= RECENT]


def _made(run: Any, flow: str) -> WatchedRun:
    changed = _moment(run.state.timestamp)
    state = STATES[run.state.type.value]
    return WatchedRun(
        run_id=str(run.id),
        name=str(run.name),
        flow=flow,
        customer=str((run.parameters or {}).get("customer") or flow),
        state=state,
        due=_moment(run.expected_start_time or run.created),
        # A run that waited for a person, or was started again, begins anew.
        begun=changed if state == "running" else None,
        changed=changed,
        message=str(run.state.message or ""),
        deployment_id=str(run.deployment_id or ""),
        flow_id=str(run.flow_id),
    )


def with_life(
    runs: Iterable[WatchedRun], store: str, limits: Mapping[str, Limits]
) -> list[WatchedRun]:
    """Return the runs with their customers, and their latest sign of life.

    Args:
        runs: of `watched`.
        store: the storage root.
        limits: by flow; they say which run for one customer.
    """
    return [_lively(run, store, limits[run.flow].customer or run.customer) for run in runs]


def _lively(run: WatchedRun, store: str, customer: str) -> WatchedRun:
    if run.begun is None:
        return replace(run, customer=customer)
    written = []
    # The day of the data is one of these, whatever the time zone.
    for day in sorted({(run.due + timedelta(days=shift)).date() for shift in (-1, 0, 1)}):
        of_day = Run(customer=customer, day=day, store=store, run_id=run.run_id, root_id=run.run_id)
        entries = storage(store).entries(ledger(of_day))
        written += [entry.modified for entry in entries if entry.modified is not None]
    return replace(run, customer=customer, alive=max(written, default=None))


def cancel(run: WatchedRun) -> bool:
    """Ask Prefect to cancel a run; where it has begun, its worker stops its process.

    Returns:
        Whether Prefect took it up: a run that has ended meanwhile is left as it is.
    """
    return asyncio.run(_cancel(run.run_id))


async def _cancel(run_id: str) -> bool:
    from uuid import UUID

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.responses import SetStateStatus
    from prefect.states import Cancelling

    state: Any = Cancelling(message="cancelled: far beyond its deadline")
    async with get_client() as client:
        answer = await client.set_flow_run_state(UUID(run_id), state)
        if answer.status == SetStateStatus.REJECT and answer.state is not None:
            # One that never began has nothing to be stopped: it is Cancelled at once.
            return bool(answer.state.type == StateType.CANCELLED)
        return bool(answer.status == SetStateStatus.ACCEPT)


def _moment(value: Any) -> datetime:
    return datetime.fromtimestamp(value.timestamp(), UTC)
