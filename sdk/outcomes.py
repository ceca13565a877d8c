"""Outcomes: the states to which the bodies of tasks and flows lead.

With `sdk.prefect2` this is all that knows the inside of Prefect 2. A body that was served a
fallback ends Completed under the name Degraded; what Prefect would find failed stays failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from prefect import get_client
from prefect._internal.concurrency.api import create_call, from_async, from_sync
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.futures import resolve_futures_to_states
from prefect.states import Completed, Failed, get_state_exception, return_value_to_state
from prefect.utilities.engine import wait_for_task_runs_and_report_crashes

from sdk.prefect2 import TimeLimit

DEGRADED = "Degraded"
"""The name of the state of a run that completed on a fallback; its type is COMPLETED."""


def degraded(value: Any, message: str) -> State[Any]:
    """Return the final state of a run that completed on a fallback."""
    return Completed(name=DEGRADED, message=message, data=value)


def timed_out(error: TimeLimit) -> State[Any]:
    """Return the final state of a run of which the last attempt took too long."""
    return Failed(name="TimedOut", message=f"Task run: {error}", data=error)


def degraded_outcome(value: Any, message: str) -> Any:
    """Return the outcome of a flow body that completed on a fallback.

    Where Prefect would find the body failed (it returned nothing, and one of its futures
    failed), that stays so.
    """
    return in_loop(_outcome, value, message)


async def degraded_outcome_async(value: Any, message: str) -> Any:
    """Return the outcome of an async flow body; see `degraded_outcome`."""
    return await in_loop_async(_outcome, value, message)


async def _outcome(value: Any, message: str) -> Any:
    state = await _final_state(value)
    if state is None:
        return value
    if not state.is_completed() or state.name == DEGRADED:
        return state
    return state.copy(update={"name": DEGRADED, "message": message})


async def _final_state(value: Any) -> State[Any] | None:
    """Return the state to which Prefect would bring the running flow; None outside of one."""
    context = FlowRunContext.get()
    if context is None:
        return None
    result = value
    if result is None:
        result = [
            *context.task_run_futures,
            *context.task_run_states,
            *context.flow_run_states,
        ] or None
    return await return_value_to_state(
        await resolve_futures_to_states(result), result_factory=context.result_factory
    )


async def failure_of(value: Any) -> Exception | None:
    """Return the error in what a flow body returned: a state or future of it that failed."""
    state = await _final_state(value)
    if state is None or not (state.is_failed() or state.is_crashed()):
        return None
    error = await get_state_exception(state)
    return error if isinstance(error, Exception) else None


async def forget_attempt() -> None:
    """Wait for what a flow's failed attempt left running; it says nothing of the next one."""
    context = FlowRunContext.get()
    if context is None:
        return
    async with get_client() as client:
        await wait_for_task_runs_and_report_crashes(context.task_run_futures, client)
    for left in (context.task_run_futures, context.task_run_states, context.flow_run_states):
        left.clear()


def in_loop(function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    """Run a coroutine function where Prefect's client lives, from a plain function."""
    return from_sync.call_in_loop_thread(create_call(function, *arguments))


async def in_loop_async(function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    """Run a coroutine function where Prefect's client lives; see `in_loop`."""
    return await from_async.call_in_loop_thread(create_call(function, *arguments))
