"""`@flow`: Prefect's decorator with a customer's day around the body, asked for by keyword.

A flow made with none of our keywords behaves as Prefect's own. With one of them, its body runs
inside a `Run` (whose data, which day, which store), its steps' outcomes are summed up, and it
ends Degraded where a fallback was served to anything in it. A parameter ``day`` that is left
None becomes the run's day: the day on which the run was due, in the platform's time zone.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from types import CodeType
from typing import Any, ParamSpec, TypeVar, overload
from zoneinfo import ZoneInfo

import anyio
import prefect
from prefect import Flow

from sdk import prefect2
from sdk.errors import ConfigurationError
from sdk.execution import Execution
from sdk.fallback import Fallback, duration
from sdk.notices import announce
from sdk.policy import NONE, RetryPolicy
from sdk.run import Run, current_run, entered
from sdk.settings import Settings
from sdk.statistics import StepRecord, read_records
from sdk.step import Step, Walk, arguments_of, drive, drive_async
from sdk.summary import degradations, summarise
from sdk.tasks import is_within, within

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class FlowOptions:
    """What our keywords say of a flow.

    Attributes:
        customer: whose data it makes; None to take it from the parameter ``customer`` or from
            the flow that calls it.
        owner: the team that answers for it.
        tier: how much it matters: gold, silver or bronze.
        deadline: how long after its start it must have ended, such as ``"90m"``.
        retry: how its body is tried again.
        fallback: what a caller is served when it cannot deliver.
    """

    customer: str | None = None
    owner: str | None = None
    tier: str | None = None
    deadline: str | None = None
    retry: RetryPolicy = NONE
    fallback: Fallback | Iterable[Fallback] | None = None

    def __post_init__(self) -> None:
        if self.deadline is not None:
            duration(self.deadline)
        if self.tier not in (None, "gold", "silver", "bronze"):
            raise ConfigurationError(
                f"tier {self.tier!r} is not known", "Use gold, silver or bronze."
            )

    @property
    def fallbacks(self) -> tuple[Fallback, ...]:
        """The fallbacks in order."""
        if self.fallback is None:
            return ()
        return tuple(self.fallback) if isinstance(self.fallback, Iterable) else (self.fallback,)


FLOW_KEYWORDS = frozenset(field.name for field in fields(FlowOptions))


class FlowFunction:
    """A user's function that runs in a `Run` when the engine calls it.

    Args:
        function: the user's.
        options: of the flow.
        name: of the flow.
    """

    def __init__(self, function: Callable[..., Any], options: FlowOptions, name: str) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.options = options
        self.name = name

    @property
    def __code__(self) -> CodeType:
        return self.function.__code__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body as a customer's day when the engine calls; else call the function."""
        if not prefect2.flow_is_calling(self) or is_within(self):
            return self.function(*args, **kwargs)
        arguments = arguments_of(self.function, args, kwargs)
        run = self._enter(arguments)
        if run.day and "day" in arguments and arguments["day"] is None:
            arguments["day"] = run.day
        if inspect.iscoroutinefunction(self.function):
            return self._run_async(run, arguments)
        with within(self), self._announced(run):
            body = _Attempts(self.function, run)
            value = drive(self._walk(body, run, arguments), prefect2.call).value
            records = _records(body.run)
            if run.run_id == run.root_id and records:
                prefect2.publish_table_sync("run-summary", summarise(records), self._title(run))
            reasons = degradations(records)
            return prefect2.degraded_outcome(value, _why(reasons)) if reasons else value

    async def _run_async(self, run: Run, arguments: Mapping[str, Any]) -> Any:
        with within(self), self._announced(run):
            body = _Attempts(self.function, run)
            walk = self._walk(body, run, arguments)
            value = (await drive_async(walk, prefect2.call_async, anyio.sleep)).value
            records = _records(body.run)
            if run.run_id == run.root_id and records:
                await prefect2.publish_table("run-summary", summarise(records), self._title(run))
            reasons = degradations(records)
            if reasons:
                return await prefect2.degraded_outcome_async(value, _why(reasons))
            return value

    def _walk(self, body: _Attempts, run: Run, arguments: Mapping[str, Any]) -> Walk:
        step = Step(
            name=self.name,
            retry=self.options.retry,
            fallbacks=self.options.fallbacks,
            is_flow=True,
        )
        log = prefect2.run_logger()
        return Execution(step, body, arguments, run, log=log).walk()

    def _enter(self, arguments: Mapping[str, Any]) -> Run:
        """Return the run that the body is executed in."""
        parent, settings = current_run(), Settings()
        customer = (
            self.options.customer
            or arguments.get("customer")
            or (parent.customer if parent else None)
        )
        if not customer:
            raise ConfigurationError(
                f"flow {self.name} runs for no customer",
                "Say @flow(customer=…), give it a parameter customer, or call it from a flow.",
            )
        day = arguments.get("day") or (parent.day if parent else None)
        if not isinstance(day, date):
            due = prefect2.scheduled_start() or datetime.now(UTC)
            day = due.astimezone(ZoneInfo(settings.timezone)).date()
        run_id = prefect2.flow_run_id()
        return Run(
            customer=str(customer),
            day=day,
            store=parent.store if parent else settings.storage,
            run_id=run_id,
            root_id=parent.root_id if parent else run_id,
            path=(*(parent.path if parent else ()), run_id),
            flow=self.name,
            environment=parent.environment if parent else settings.environment,
            code_version=parent.code_version if parent else settings.code_version,
            refresh=parent.refresh if parent else settings.refresh,
        )

    def _title(self, run: Run) -> str:
        return f"{self.name}: {run.customer}, {run.day}"

    @contextmanager
    def _announced(self, run: Run) -> Iterator[None]:
        """Say how the outermost run ended, where that is worth saying."""
        failure: Exception | None = None
        try:
            yield
        except Exception as error:
            failure = error
            raise
        finally:
            if run.run_id == run.root_id:
                announce(run, _records(run), failure, owner=self.options.owner)


class _Attempts:
    """The body of a flow; each attempt has a path of its own in the ledger.

    So a run that recovered at the second attempt is not degraded by the first.
    """

    def __init__(self, function: Callable[..., Any], run: Run) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.run = run
        self.count = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.count += 1
        if self.count > 1:
            path = (*self.run.path[:-1], f"{self.run.run_id}.{self.count}")
            self.run = self.run.model_copy(update={"path": path})
        if inspect.iscoroutinefunction(self.function):
            return self._await(*args, **kwargs)
        with entered(self.run):
            return self.function(*args, **kwargs)

    async def _await(self, *args: Any, **kwargs: Any) -> Any:
        with entered(self.run):
            return await self.function(*args, **kwargs)


def _records(run: Run) -> list[StepRecord]:
    """Return what the steps of a run, and of the runs below it, left in the ledger."""
    return [record for record in read_records(run) if record.path[: len(run.path)] == run.path]


def _why(reasons: Iterable[Any]) -> str:
    return "; ".join(str(reason) for reason in reasons)


class CustomerFlow(Flow[P, R]):
    """A Prefect flow that may run for a customer's day; see `sdk.flows.flow`."""

    options: FlowOptions | None = None

    def become(self, options: FlowOptions) -> None:
        """Run for a customer's day from now on."""
        self.options = options
        self.fn = FlowFunction(prefect2.function_of(self), options, self.name)

    def with_options(self, **options: Any) -> CustomerFlow[P, R]:
        """Return a copy with other options: Prefect's, and those of `sdk.flows.flow`."""
        ours = {name: options.pop(name) for name in FLOW_KEYWORDS & options.keys()}
        plain = copy.copy(self)
        plain.fn = prefect2.function_of(self)
        new = copy.copy(self)
        new.__dict__.update(Flow.with_options(plain, **options).__dict__)
        if ours or self.options is not None:
            new.become(replace(self.options or FlowOptions(), **ours))
        return new


@overload
def flow(__fn: Callable[P, R], /) -> CustomerFlow[P, R]: ...


@overload
def flow(
    *,
    customer: str | None = ...,
    owner: str | None = ...,
    tier: str | None = ...,
    deadline: str | None = ...,
    retry: RetryPolicy = ...,
    fallback: Fallback | Iterable[Fallback] | None = ...,
    **options: Any,
) -> Callable[[Callable[P, R]], CustomerFlow[P, R]]: ...


def flow(__fn: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Make a function a flow; with one of these keywords, a flow for a customer's day.

    Args:
        customer: whose data it makes.
        owner: the team that answers for it.
        tier: gold, silver or bronze.
        deadline: how long it may take, such as ``"90m"``.
        retry: how its body is tried again, with backoff and jitter.
        fallback: what a caller is served when it cannot deliver.
        options: Prefect's own.
    """
    if __fn is None:
        return functools.partial(flow, **options)
    ours = {name: options.pop(name) for name in FLOW_KEYWORDS & options.keys()}
    made: CustomerFlow[Any, Any] = CustomerFlow(__fn, **options)
    if ours:
        made.become(FlowOptions(**ours))
    return made


# Whoever asks for the signature (Prefect's own tools do) sees what Prefect documents.
flow.__signature__ = inspect.signature(prefect.flow)  # type: ignore[attr-defined]
flow.from_source = Flow.from_source  # type: ignore[attr-defined]
