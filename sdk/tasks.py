"""`@task`: Prefect's decorator with the platform's step semantics, asked for by keyword.

A task made with none of our keywords behaves as Prefect's own. With one of them, the task's
function becomes a `StepFunction`: outside a run it is the user's function as it is (so that
``my_step.fn(frame)`` works in a notebook), inside a run it executes the step around it. All that
Prefect derives from a function (name, key, version, signature) comes from the user's.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

import anyio
from prefect import Task

from sdk import outcomes, prefect2
from sdk.dataset import SINGLE_TABLE, Dataset
from sdk.errors import ConfigurationError
from sdk.events import emit_step
from sdk.execution import Execution
from sdk.fallback import Fallback
from sdk.keywords import TASK, split
from sdk.manifest import Input
from sdk.masking import keep_secret
from sdk.policy import COMPUTE, RetryPolicy
from sdk.run import Run, current_run, entered
from sdk.step import Result, Step, arguments_of, drive, drive_async

if TYPE_CHECKING:
    from sdk.checks import Check

P = ParamSpec("P")
R = TypeVar("R")

_inside: ContextVar[tuple[object, str] | None] = ContextVar("dataweave_inside", default=None)

STEP_KEYWORDS = frozenset(
    {"dataset", "retry", "fallback", "before", "checks", "inputs", "accept_schema_change"}
)


class StepFunction(prefect2.Wrapper):
    """A user's function that executes as a step when the engine calls it.

    Args:
        function: the user's.
        step: how it behaves.
        run: bound when the task is called, since a remote worker sees no context of its flow.
    """

    def __init__(self, function: Callable[..., Any], step: Step, run: Run | None = None) -> None:
        super().__init__(function)
        self.step = step
        self.run = run

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Execute the step when the engine calls; else call the user's function."""
        if not prefect2.task_is_calling(self) or is_within(self, prefect2.task_run_id()):
            return self.function(*args, **kwargs)
        run = self.run or current_run()
        arguments = arguments_of(self.function, args, kwargs)
        keep_secret(arguments)  # here too: this may be another process than the caller's
        execution = Execution(
            self.step, self.function, arguments, run, log=prefect2.run_logger(), emit=emit_step
        )
        if inspect.iscoroutinefunction(self.function):
            return self._run_async(execution, run)
        inside = within(self, prefect2.task_run_id())
        try:
            with prefect2.restored(), entered(run), inside, closing(execution.walk()) as walk:
                return _outcome(drive(walk, prefect2.call))
        except prefect2.TimeLimit as error:
            return outcomes.timed_out(error)

    async def _run_async(self, execution: Execution, run: Run | None) -> Any:
        inside = within(self, prefect2.task_run_id())
        try:
            with prefect2.restored(), entered(run), inside, closing(execution.walk()) as walk:
                return _outcome(await drive_async(walk, prefect2.call_async, anyio.sleep))
        except prefect2.TimeLimit as error:
            return outcomes.timed_out(error)


def _outcome(result: Result) -> Any:
    if not result.degraded:
        return result.value
    return outcomes.degraded(result.value, "; ".join(str(item) for item in result.record.degraded))


@contextmanager
def within(function: object, run_id: str) -> Iterator[None]:
    """Mark that a run has entered its function: a call of it from its own body is plain."""
    token = _inside.set((function, run_id))
    try:
        yield
    finally:
        _inside.reset(token)


def is_within(function: object, run_id: str) -> bool:
    """Say whether this run has entered this function already."""
    inside = _inside.get()
    return inside is not None and inside[0] is function and inside[1] == run_id


class StepTask(Task[P, R]):
    """A Prefect task that may behave as a step; see `sdk.tasks.task`."""

    step: Step | None = None

    def become(self, step: Step) -> None:
        """Behave as a step from now on."""
        function = prefect2.function_of(self)
        self.step = step
        self.fn = StepFunction(function, step)

    def with_options(self, **options: Any) -> StepTask[P, R]:
        """Return a copy with other options: Prefect's, and those of `sdk.tasks.task`."""
        ours = {name: options.pop(name) for name in STEP_KEYWORDS & options.keys()}
        plain = copy.copy(self)
        plain.fn = prefect2.function_of(self)
        made = Task.with_options(plain, **options)
        new = copy.copy(self)
        new.__dict__.update(made.__dict__)
        prefect2.register(new, made)
        if ours or self.step is not None:
            base = self.step or Step(name=new.name)
            new.become(replace(base, name=new.name, time_limit=new.timeout_seconds, **_read(ours)))
        return new

    def _bound(self, *arguments: Any) -> StepTask[P, R]:
        """Return a copy that knows the run it is called from."""
        if self.step is None:
            return self
        keep_secret(arguments)
        bound = copy.copy(self)
        bound.fn = StepFunction(prefect2.function_of(self), self.step, current_run())
        # A step limits each attempt; the engine's limit would also cut off waits and fallbacks.
        bound.timeout_seconds = None
        return bound

    def __call__(self, *args: Any, **kwargs: Any) -> R:  # type: ignore[override]
        """Run the task and return its result; see `prefect.Task`."""
        made: R = Task.__call__(self._bound(args, kwargs), *args, **kwargs)
        return made

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        return Task._run(self._bound(args, kwargs), *args, **kwargs)

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        """Submit a run of the task to the task runner; see `prefect.Task.submit`."""
        return Task.submit(self._bound(args, kwargs), *args, **kwargs)

    def map(self, *args: Any, **kwargs: Any) -> Any:
        """Submit a run for each item; see `prefect.Task.map`, and `sdk.fanning` for many."""
        return Task.map(self._bound(args, kwargs), *args, **kwargs)


@overload
def task(__fn: Callable[P, R], /) -> StepTask[P, R]: ...


@overload
def task(
    *,
    dataset: str,
    retry: RetryPolicy = ...,
    fallback: Fallback | Iterable[Fallback] | None = ...,
    before: Mapping[str, Sequence[Check]] | None = ...,
    checks: Sequence[Check] | Mapping[str, Sequence[Check]] | None = ...,
    inputs: Callable[..., Sequence[Input]] | None = ...,
    **options: Any,
) -> Callable[[Callable[P, Any]], StepTask[P, Dataset]]: ...


@overload
def task(
    *,
    retry: RetryPolicy | None = ...,
    fallback: Fallback | Iterable[Fallback] | None = ...,
    before: Mapping[str, Sequence[Check]] | None = ...,
    checks: Sequence[Check] | Mapping[str, Sequence[Check]] | None = ...,
    **options: Any,
) -> Callable[[Callable[P, R]], StepTask[P, R]]: ...


def task(__fn: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Make a function a task; with one of these keywords, a step.

    Args:
        dataset: publish what it returns (a polars frame, or a mapping of names to frames and
            bytes) under this name, and return the `Dataset` instead.
        retry: a policy such as `sdk.NETWORK`; `sdk.COMPUTE` by default.
        fallback: what is served when it cannot deliver: `last_good`, `alternative`, `default`,
            or several in order.
        before: checks on the frames and datasets it takes, by parameter; ``offers.rejected`` is
            the table ``rejected`` of parameter ``offers``.
        checks: on the frame it returns, or by name of the frame.
        inputs: a function of the step's own parameters that returns `Input` values for what it
            reads outside the store; they decide with the parameters whether a run is identical.
        accept_schema_change: let the dataset lose or retype a column this once.
        options: Prefect's own. ``timeout_seconds`` limits each attempt of a step.
    """
    ours, arguments = split(TASK, STEP_KEYWORDS, options)
    if not __fn:
        return functools.partial(task, **options)
    made: StepTask[Any, Any] = StepTask(__fn, **arguments)
    if ours:
        made.become(Step(name=made.name, time_limit=made.timeout_seconds, **_read(ours)))
    return made


# Whoever asks for the signature (Prefect's own tools do) sees what Prefect documents.
task.__signature__ = TASK  # type: ignore[attr-defined]


def _read(ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `Step` that our keywords ask for."""
    fields: dict[str, Any] = {}
    for name, value in ours.items():
        if name == "fallback":
            items = () if value is None else value if isinstance(value, Iterable) else (value,)
            fields["fallbacks"] = tuple(items)
        elif name == "before":
            fields["before"] = _by_parameter(value or {})
        elif name == "checks":
            given = value or {}
            fields["checks"] = dict(given) if isinstance(given, Mapping) else {SINGLE_TABLE: given}
        elif name == "retry":
            if value is not None and not isinstance(value, RetryPolicy):
                raise ConfigurationError(
                    f"retry={value!r} is no retry policy", "Use sdk.NETWORK, WAREHOUSE, COMPUTE…"
                )
            fields["retry"] = value or COMPUTE
        else:
            fields[name] = value
    return fields


def _by_parameter(before: Any) -> dict[str, Sequence[Check]]:
    if not isinstance(before, Mapping):
        raise ConfigurationError(
            f"before={before!r} does not say on which parameter",
            "Give the checks by parameter: before={'offers': [checks.rows(1)]}.",
        )
    return dict(before)
