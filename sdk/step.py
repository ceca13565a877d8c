"""What a step is, and what its execution asks of whoever drives it.

A `Step` holds how a function behaves as a step: the decorators make it from their keywords.
An execution (`sdk.execution`) is walked action by action: it says `Call` this function or
`Wait`, and is told how it went. So the same semantics serve sync and async functions, and
tests walk them without a clock.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from sdk.errors import ConfigurationError
from sdk.fallback import Fallback, LastGood
from sdk.manifest import Input
from sdk.policy import COMPUTE, RetryPolicy
from sdk.statistics import StepRecord

if TYPE_CHECKING:
    from sdk.checks import Check


@dataclass(frozen=True)
class Step:
    """How a step behaves; made by the decorators from their keywords.

    Attributes:
        name: of the step.
        dataset: the name under which it publishes; None for a step that returns a plain value.
        retry: how it is tried again.
        fallbacks: asked in order when it cannot deliver.
        before: checks on what it takes, by parameter or ``parameter.table``.
        checks: on its table; or by table name for a step that makes several.
        inputs: from the step's parameters, the things outside the store that it reads.
        time_limit: seconds for one attempt.
        is_flow: it is the body of a flow, whose steps leave the records.
        accept_schema_change: its dataset may lose or retype a column.
    """

    name: str
    dataset: str | None = None
    retry: RetryPolicy = COMPUTE
    fallbacks: tuple[Fallback, ...] = ()
    before: Mapping[str, Sequence[Check]] = field(default_factory=dict)
    checks: Mapping[str, Sequence[Check]] = field(default_factory=dict)
    inputs: Callable[..., Sequence[Input]] | None = None
    time_limit: float | None = None
    is_flow: bool = False
    accept_schema_change: bool = False

    def __post_init__(self) -> None:
        if self.dataset is None and any(isinstance(item, LastGood) for item in self.fallbacks):
            raise ConfigurationError(
                f"step {self.name}: last_good() needs a dataset to look back on",
                "Give the step dataset=…, or another fallback.",
            )


@dataclass(frozen=True, slots=True)
class Call:
    """Call this function; answer with what it returns, or throw what it raises."""

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    time_limit: float | None


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait that many seconds before the next attempt."""

    seconds: float


Action: TypeAlias = Call | Wait


@dataclass(frozen=True)
class Result:
    """How a step ended: its value and its record."""

    value: Any
    record: StepRecord

    @property
    def degraded(self) -> bool:
        """Whether the value, or something it was built on, came from a fallback."""
        return bool(self.record.degraded)


def invoke(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call a function with arguments by name, whatever kinds of parameters it has.

    Arguments that it does not take are left out, so that an alternative may ask for less.
    """
    positional: list[Any] = []
    named: dict[str, Any] = {}
    parameters = inspect.signature(function).parameters
    variadic = any(item.kind is item.VAR_POSITIONAL for item in parameters.values())
    for name, parameter in parameters.items():
        if name not in arguments:
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY or (
            parameter.kind is parameter.POSITIONAL_OR_KEYWORD and variadic
        ):
            # Only these cannot be given by name; with *args, what comes before must not be.
            positional.append(arguments[name])
        elif parameter.kind is parameter.VAR_POSITIONAL:
            positional.extend(arguments[name])
        elif parameter.kind is parameter.VAR_KEYWORD:
            named.update(arguments[name])
        else:
            named[name] = arguments[name]
    return function(*positional, **named)


def arguments_of(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a call's arguments by parameter name, defaults included."""
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)


Walk: TypeAlias = Generator[Action, Any, Result]


def drive(walk: Walk, call: Callable[[Call], Any]) -> Result:
    """Walk an execution of a plain function.

    Args:
        walk: of `Execution.walk`.
        call: calls the function within its time limit.
    """
    try:
        action = next(walk)
        while True:
            if isinstance(action, Wait):
                time.sleep(action.seconds)
                action = walk.send(None)
                continue
            try:
                value = call(action)
            except Exception as error:
                action = walk.throw(error)
            else:
                action = walk.send(value)
    except StopIteration as stop:
        result: Result = stop.value
        return result


async def drive_async(
    walk: Walk,
    call: Callable[[Call], Awaitable[Any]],
    sleep: Callable[[float], Awaitable[None]],
) -> Result:
    """Walk an execution of a coroutine function; see `drive`."""
    try:
        action = next(walk)
        while True:
            if isinstance(action, Wait):
                await sleep(action.seconds)
                action = walk.send(None)
                continue
            try:
                value = await call(action)
            except Exception as error:
                action = walk.throw(error)
            else:
                action = walk.send(value)
    except StopIteration as stop:
        result: Result = stop.value
        return result
