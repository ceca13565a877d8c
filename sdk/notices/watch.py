"""The runs that have not ended, as Prefect's API and the ledgers tell; and how one is cancelled.

A run that never began is only there: none of its Python ran. Its signs of life are the records of
its steps; a run that has left none gives none, and is not called stuck for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sdk.notices.deadlines import State, WatchedRun
from sdk.run import Run
from sdk.statistics import read_records

STATES: dict[str, State] = {"SCHEDULED": "scheduled", "PENDING": "pending", "RUNNING": "running"}
PAGE = 200
"""Runs asked for at a time: Prefect's own limit."""


def unfinished(flows: Collection[str], now: datetime) -> list[WatchedRun]:
    """Return the runs of some flows that were due and have not ended; subflows are left out.

    Args:
        flows: their names, with the customer of each run still unknown.
        now: UTC; what is due later is not late.
    """
    return asyncio.run(_unfinished(sorted(flows), now)) if flows else []


async def _unfinished(flows: list[str], now: datetime) -> list[WatchedRun]:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType

    found: list[WatchedRun] = []
    states = [StateType(name) for name in sorted(STATES)]
    async with get_client() as client:
        names = {
            flow.id: flow.name
            for flow in await client.read_flows(
                flow_filter=filters.FlowFilter(name=filters.FlowFilterName(any_=flows))
            )
        }
        offset = 0
        while names:
            page = await client.read_flow_runs(
                flow_filter=filters.FlowFilter(name=filters.FlowFilterName(any_=flows)),
                flow_run_filter=filters.FlowRunFilter(
                    state=filters.FlowRunFilterState(
                        name=None, type=filters.FlowRunFilterStateType(any_=states)
                    ),
                    expected_start_time=filters.FlowRunFilterExpectedStartTime(before_=now),
                    parent_task_run_id=filters.FlowRunFilterParentTaskRunId(is_null_=True),
                ),
                limit=PAGE,
                offset=offset,
            )
            found += [_watched(run, names[run.flow_id]) for run in page if run.flow_id in names]
            offset += PAGE
            if len(page) < PAGE:
                break
    return found


def _watched(run: Any, flow: str) -> WatchedRun:
    due = _moment(run.expected_start_time) or _moment(run.created)
    assert due is not None
    return WatchedRun(
        run_id=str(run.id),
        name=str(run.name),
        flow=flow,
        customer=str((run.parameters or {}).get("customer") or flow),
        state=STATES[run.state_type.value],
        due=due,
        begun=_moment(run.start_time) if run.state_type.value == "RUNNING" else None,
    )


def with_life(
    runs: Iterable[WatchedRun], store: str, customers: dict[str, str], now: datetime
) -> list[WatchedRun]:
    """Return the runs with their customers, and the latest record of a step of each.

    Args:
        runs: of `unfinished`.
        store: the storage root.
        customers: flow to customer, for flows that run for one.
        now: UTC.
    """
    return [_lively(run, store, customers.get(run.flow, run.customer), now) for run in runs]


def _lively(run: WatchedRun, store: str, customer: str, now: datetime) -> WatchedRun:
    latest: datetime | None = None
    if run.begun is not None:
        # The day of the data is one of these, whatever the time zone.
        days = {(run.due + timedelta(days=shift)).date() for shift in (-1, 0, 1)}
        for day in sorted(days):
            ledger = Run(
                customer=customer, day=day, store=store, run_id=run.run_id, root_id=run.run_id
            )
            for record in read_records(ledger):
                ended = record.statistics.started + timedelta(seconds=record.statistics.seconds)
                latest = ended if latest is None or ended > latest else latest
    return WatchedRun(
        run_id=run.run_id,
        name=run.name,
        flow=run.flow,
        customer=customer,
        state=run.state,
        due=run.due,
        begun=run.begun,
        alive=min(latest, now) if latest else None,
    )


def cancel(run: WatchedRun) -> None:
    """Have Prefect cancel a run; where it has begun, its worker stops its process."""
    asyncio.run(_cancel(run.run_id, begun=run.begun is not None))


async def _cancel(run_id: str, *, begun: bool) -> None:
    from uuid import UUID

    from prefect.client.orchestration import get_client
    from prefect.states import Cancelled, Cancelling

    why = "cancelled past its deadline"
    state: Any = Cancelling(message=why) if begun else Cancelled(message=why)
    async with get_client() as client:
        await client.set_flow_run_state(UUID(run_id), state, force=True)


def _moment(value: Any) -> datetime | None:
    return datetime.fromtimestamp(value.timestamp(), UTC) if value is not None else None
