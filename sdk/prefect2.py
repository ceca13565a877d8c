"""Everything that only Prefect 2 has, in one place.

The rest of the SDK uses what Prefect 2 and 3 share: the decorators, `Flow`, `Task`, states and
run contexts. What differs, or is internal to 2.20, is here: time limits inside a run, what is
running, artifacts and the logger; and in `sdk.outcomes` the states to which bodies lead. To move
to Prefect 3 is to write these two files again.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import CodeType
from typing import Any

from prefect import Flow, Task
from prefect._internal.concurrency.api import create_call, from_sync
from prefect._internal.concurrency.cancellation import (
    CancelledError,
    cancel_async_after,
    cancel_sync_after,
)
from prefect.context import FlowRunContext, PrefectObjectRegistry, TaskRunContext
from prefect.exceptions import CancelledRun, MissingContextError, PausedRun
from prefect.logging import get_run_logger
from prefect.utilities.annotations import quote
from prefect.utilities.asyncutils import is_async_fn

from sdk.step import Call, invoke


def register(made: Flow[Any, Any] | Task[Any, Any], replaced: object) -> None:
    """Have Prefect's loader find this flow or task, not the one from which it was made."""
    registry = PrefectObjectRegistry.get()
    if registry is None:
        return
    known = registry._instance_registry[type(replaced)]
    for position in reversed(range(len(known))):  # it is the last, or near the end
        if known[position] is replaced:
            del known[position]
            break
    registry.register_instance(made)  # type: ignore[no-untyped-call]


class Wrapper:
    """What stands in a task or flow in the place of the user's function, and keeps it.

    Args:
        function: the user's; name, signature and the rest are taken from it.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)  # type: ignore[arg-type]
        self.function = function

    @property
    def __code__(self) -> CodeType:  # cache keys come from the user's code, not from ours
        return self.function.__code__


class TimeLimit(TimeoutError):
    """One attempt took longer than it may."""


class Stopped(BaseException):
    """A run was paused or cancelled from outside: nothing that a retry or fallback is for.

    Args:
        error: what Prefect raised, and is to see again.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


@contextmanager
def restored() -> Iterator[None]:
    """Give Prefect its own error back when a run was stopped."""
    try:
        yield
    except Stopped as stop:
        raise stop.error from None


def call(action: Call) -> Any:
    """Call a plain function within its time limit.

    Raises:
        TimeoutError: the limit passed; a call into C code is only interrupted at its end.
    """
    try:
        with cancel_sync_after(action.time_limit) as scope:
            value = invoke(action.function, action.arguments)
            return _settled(value) if inspect.isawaitable(value) else value
    except (PausedRun, CancelledRun) as error:
        raise Stopped(error) from error
    except CancelledError as error:
        if scope.timedout():
            raise TimeLimit(f"no result within {action.time_limit:g} s") from error
        raise


def _settled(value: Awaitable[Any]) -> Any:
    """Await what a plain function around a coroutine function returned, as Prefect does."""

    async def wait() -> Any:
        return await value

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    return value


def is_async(function: Callable[..., Any]) -> bool:
    """Say whether Prefect takes a flow's function for a coroutine function."""
    return is_async_fn(function)


async def call_async(action: Call) -> Any:
    """Await a coroutine function (or call a plain one) within its time limit; see `call`."""
    try:
        with cancel_async_after(action.time_limit) as scope:
            value = invoke(action.function, action.arguments)
            return await value if inspect.isawaitable(value) else value
    except (PausedRun, CancelledRun) as error:
        raise Stopped(error) from error
    except CancelledError as error:
        if scope.timedout():
            raise TimeLimit(f"no result within {action.time_limit:g} s") from error
        raise


def task_is_calling(function: object) -> bool:
    """Say whether the engine is running the task of which this object is the function."""
    context = TaskRunContext.get()
    return context is not None and context.task.fn is function


def flow_is_calling(function: object) -> bool:
    """Say whether the engine is running the flow of which this object is the function."""
    context = FlowRunContext.get()
    return context is not None and context.flow is not None and context.flow.fn is function


def flow_run_id() -> str:
    """Return the id of the flow run whose body is running."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise MissingContextError("no flow is running here")
    return str(context.flow_run.id)


def deployment_id() -> str | None:
    """Return the id of the deployment of which the running flow run is one; None outside."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    return str(run.deployment_id) if run and run.deployment_id else None


def task_run_id() -> str:
    """Return the id of the task run whose function is running."""
    context = TaskRunContext.get()
    if context is None:
        raise MissingContextError("no task is running here")
    return str(context.task_run.id)


def task_run_id_or_none() -> str | None:
    """Return the id of the task run whose function is running; None outside any."""
    context = TaskRunContext.get()
    return str(context.task_run.id) if context else None


def run_count() -> int:
    """Return how often the running flow run was started; Prefect counts its own retries."""
    context = FlowRunContext.get()
    return (context.flow_run.run_count or 1) if context and context.flow_run else 1


def scheduled_start() -> datetime | None:
    """Return when the running flow was meant to start: a late run is of the day it was due."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    due = (run.expected_start_time or run.start_time) if run else None
    # Prefect 2's own kind of instant cannot be taken to a standard time zone.
    return datetime.fromtimestamp(due.timestamp(), UTC) if due else None


def run_logger() -> logging.Logger | logging.LoggerAdapter[Any]:
    """Return the logger of the task or flow run, or a plain one outside of any."""
    try:
        logger: logging.Logger | logging.LoggerAdapter[Any] = get_run_logger()
    except MissingContextError:
        return logging.getLogger("sdk")
    return logger


async def publish_table(key: str, rows: Sequence[Mapping[str, Any]], description: str) -> None:
    """Leave a table artifact on the running flow."""
    from prefect.artifacts import create_table_artifact

    await create_table_artifact(key=key, table=[dict(row) for row in rows], description=description)


def publish_table_sync(key: str, rows: Sequence[Mapping[str, Any]], description: str) -> None:
    """Leave a table artifact on the running flow, from a plain function."""
    from_sync.call_in_loop_thread(create_call(publish_table, key, rows, description))


def function_of(callable_or_task: Any) -> Callable[..., Any]:
    """Return the user's function behind a task, a flow, or itself."""
    is_theirs = isinstance(callable_or_task, Task | Flow)
    function: Callable[..., Any] = callable_or_task.fn if is_theirs else callable_or_task
    return function.function if isinstance(function, Wrapper) else function


def as_task_run(name: str, body: Callable[[], Any]) -> Any:
    """Run a body as a task run of the running flow; outside of any flow, or in a task, as it is."""
    if FlowRunContext.get() is None or TaskRunContext.get() is not None:
        return body()
    return Task(fn=body, name=name, persist_result=False)()


def submit_each(name: str, function: Callable[[Any], Any], values: Sequence[Any]) -> Iterator[Any]:
    """Yield what a function makes of each value, as task runs of the flow's task runner."""
    if FlowRunContext.get() is None:
        yield from map(function, values)
        return
    made: Task[Any, Any] = Task(fn=_apply, name=name, persist_result=False)
    # Quoted: Prefect would look into every item for futures to wait for.
    wrap: Any = quote  # untyped: a named tuple made by a class method
    futures = [made.submit(wrap(function), wrap(value)) for value in values]
    for future in futures:
        yield future.result()


def _apply(function: Callable[[Any], Any], value: Any) -> Any:
    return function(value)


def show_progress(name: str, row: Mapping[str, Any]) -> None:
    """Renew the progress artifact of the running flow; Prefect 2 has no kind of its own for it."""
    context = FlowRunContext.get() or TaskRunContext.get()
    if context is not None:
        key = "progress-" + "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")
        publish_table_sync(key, [row], f"progress of {name}")
