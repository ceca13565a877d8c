"""The body of a flow made with our keywords: a customer's day around the user's function.

The body runs inside a `Run` (whose data, which day, which store) and is itself executed like a
step: tried again as its policy says, its fallback served when it cannot deliver. Its steps'
outcomes are summed up, and it ends Degraded where a fallback was served to anything in it.

The budget of a flow's policy bounds everything below: from the flow's first attempt on, nothing
in it waits for another attempt beyond that moment, its own steps and subflows included.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import anyio

from sdk import outcomes, prefect2
from sdk.cancellation import stopping_what_runs_elsewhere
from sdk.errors import ConfigurationError
from sdk.execution import Execution
from sdk.fallback import Fallback, duration
from sdk.masking import keep_secret
from sdk.notices import announce
from sdk.policy import NONE, RetryPolicy
from sdk.run import Run, current_run, entered
from sdk.settings import Settings
from sdk.statistics import StepRecord, read_records
from sdk.step import Step, Walk, arguments_of, drive, drive_async
from sdk.summary import degradations, summarise
from sdk.tasks import is_within, within


@dataclass(frozen=True)
class FlowOptions:
    """What our keywords say of a flow.

    Attributes:
        customer: whose data it makes; None to take it from the parameter ``customer`` or from
            the flow that calls it.
        owner: the team that answers for it.
        tier: how much it matters: gold, silver or bronze.
        deadline: how long after its start it must have ended, such as ``"90m"``.
        start_within: how long after it was due it must have begun; ten minutes by default.
        cancel_overdue: whether the last level of escalation cancels it.
        retry: how its body is tried again.
        fallback: what a caller is served when it cannot deliver.
    """

    customer: str | None = None
    owner: str | None = None
    tier: str | None = None
    deadline: str | None = None
    start_within: str | None = None
    cancel_overdue: bool = False
    retry: RetryPolicy = NONE
    fallback: Fallback | Iterable[Fallback] | None = None

    def __post_init__(self) -> None:
        for limit in (self.deadline, self.start_within):
            if limit is not None:
                duration(limit)
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


class FlowFunction(prefect2.Wrapper):
    """A user's function that runs in a `Run` when the engine calls it.

    Args:
        function: the user's.
        options: of the flow.
        name: of the flow.
    """

    def __init__(self, function: Callable[..., Any], options: FlowOptions, name: str) -> None:
        super().__init__(function)
        self.options = options
        self.name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body as a customer's day when the engine calls; else call the function."""
        if not prefect2.flow_is_calling(self) or is_within(self, prefect2.flow_run_id()):
            return self.function(*args, **kwargs)
        arguments = arguments_of(self.function, args, kwargs)
        keep_secret(arguments)
        run = self._enter(arguments)
        if run.day and "day" in arguments and arguments["day"] is None:
            arguments["day"] = run.day
        if prefect2.is_async(self.function):
            return self._run_async(run, arguments)
        with self._entered(run):
            body = self._body(run)
            with closing(self._walk(body, run, arguments)) as walk:
                value = drive(walk, prefect2.call).value
            records = _records(body.run)
            if run.run_id == run.root_id and records:
                prefect2.publish_table_sync("run-summary", summarise(records), self._title(run))
            reasons = degradations(records)
            return outcomes.degraded_outcome(value, _why(reasons)) if reasons else value

    async def _run_async(self, run: Run, arguments: Mapping[str, Any]) -> Any:
        with self._entered(run):
            body = self._body(run)
            with closing(self._walk(body, run, arguments)) as walk:
                value = (await drive_async(walk, prefect2.call_async, anyio.sleep)).value
            records = _records(body.run)
            if run.run_id == run.root_id and records:
                await prefect2.publish_table("run-summary", summarise(records), self._title(run))
            reasons = degradations(records)
            if reasons:
                return await outcomes.degraded_outcome_async(value, _why(reasons))
            return value

    def _body(self, run: Run) -> _Attempts:
        expecting = self.options.retry.attempts > 1 or bool(self.options.fallbacks)
        return _Attempts(self.function, run, expecting=expecting)

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
            starts=(parent.starts if parent else 0) + prefect2.run_count(),
            retry_until=self._retry_until(parent),
        )

    def _retry_until(self, parent: Run | None) -> datetime | None:
        """Return until when anything below may wait for another attempt."""
        ends = [parent.retry_until] if parent and parent.retry_until else []
        if self.options.retry.budget is not None:
            ends.append(datetime.now(UTC) + timedelta(seconds=self.options.retry.budget))
        return min(ends, default=None)

    def _title(self, run: Run) -> str:
        return f"{self.name}: {run.customer}, {run.day}"

    @contextmanager
    def _entered(self, run: Run) -> Iterator[None]:
        """Be the body of a run: what ends it is announced, and stops what it began elsewhere."""
        with (
            within(self, run.run_id),
            prefect2.restored(),
            self._announced(run),
            stopping_what_runs_elsewhere(),
        ):
            yield

    @contextmanager
    def _announced(self, run: Run) -> Iterator[None]:
        """Say how the outermost run ended, where that is worth saying.

        A run that is paused, cancelled or killed has not ended so: it says nothing, and Prefect's
        server (`blocks.automations`) and the watch say what is to be said.
        """
        try:
            yield
        except Exception as error:
            self._announce(run, error)
            raise
        self._announce(run, None)

    def _announce(self, run: Run, failure: Exception | None) -> None:
        if run.run_id == run.root_id:
            # Of all attempts; which of them counts is for the notices to tell.
            records = read_records(run)
            announce(run, records, failure, owner=self.options.owner, tier=self.options.tier)


class _Attempts:
    """The body of a flow; each attempt has a path of its own in the ledger.

    So a run that recovered at the second attempt is not degraded by the first.

    Args:
        function: the user's.
        run: that it is entered with.
        expecting: a retry or a fallback waits for failures, also for those that the function
            does not raise: of a task that it submitted and did not wait for.
    """

    def __init__(self, function: Callable[..., Any], run: Run, *, expecting: bool) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.run = run
        self.expecting = expecting
        self.count = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.count += 1
        if self.count > 1:
            path = (*self.run.path[:-1], f"{self.run.run_id}.{self.count}")
            self.run = self.run.model_copy(update={"path": path})
        if prefect2.is_async(self.function):
            return self._await(*args, **kwargs)
        if self.count > 1:
            outcomes.in_loop(outcomes.forget_attempt)
        with entered(self.run):
            value = self.function(*args, **kwargs)
        if self.expecting and (error := outcomes.in_loop(outcomes.failure_of, value)) is not None:
            raise error
        return value

    async def _await(self, *args: Any, **kwargs: Any) -> Any:
        if self.count > 1:
            await outcomes.in_loop_async(outcomes.forget_attempt)
        with entered(self.run):
            value = await self.function(*args, **kwargs)
        if self.expecting:
            error = await outcomes.in_loop_async(outcomes.failure_of, value)
            if error is not None:
                raise error
        return value


def _records(run: Run) -> list[StepRecord]:
    """Return what the steps of a run, and of the runs below it, left in the ledger."""
    return [record for record in read_records(run) if record.path[: len(run.path)] == run.path]


def _why(reasons: Iterable[Any]) -> str:
    return "; ".join(str(reason) for reason in reasons)
