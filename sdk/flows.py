"""`@flow`: Prefect's decorator with a customer's day around the body, asked for by keyword.

A flow made with none of our keywords behaves as Prefect's own. With one of them, its function
becomes a `FlowFunction` (see `sdk.body`). A parameter ``day`` that is left None becomes the
run's day: the day on which the run was due, in the platform's time zone.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar, overload

from prefect import Flow

from sdk import prefect2
from sdk.body import FLOW_KEYWORDS, FlowFunction, FlowOptions
from sdk.fallback import Fallback
from sdk.keywords import FLOW, split
from sdk.masking import keep_secret, masked_json
from sdk.notices.said import tell_failed
from sdk.policy import RetryPolicy

P = ParamSpec("P")
R = TypeVar("R")


class CustomerFlow(Flow[P, R]):
    """A Prefect flow that may run for a customer's day; see `sdk.flows.flow`."""

    options: FlowOptions | None = None

    @property
    def on_failure(self) -> list[Callable[..., None]] | None:
        """What Prefect calls when a run has failed; see `prefect.flow`, and `sdk.notices.said`."""
        given: list[Callable[..., None]] | None = self.__dict__.get("on_failure")
        return given if self.options is None else [*(given or []), tell_failed]

    @on_failure.setter
    def on_failure(self, hooks: list[Callable[..., None]] | None) -> None:
        self.__dict__["on_failure"] = hooks

    def become(self, options: FlowOptions) -> None:
        """Run for a customer's day from now on."""
        self.options = options
        self.fn = FlowFunction(prefect2.function_of(self), options, self.name)

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters in their types; see `prefect.Flow.validate_parameters`."""
        typed = super().validate_parameters(parameters)
        if self.options is not None:
            keep_secret(typed)
        return typed

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters as the server keeps them: without their secrets.

        A run that is started again from what the server keeps has lost them, so a deployment
        should be given the name of a secret block instead.
        """
        serialized = super().serialize_parameters(parameters)
        if self.options is None:
            return serialized
        keep_secret(parameters)
        with contextlib.suppress(Exception):  # what is not valid is said when the run begins
            self.validate_parameters(parameters)  # a plain text may be a secret by its type
        made: dict[str, Any] = masked_json(serialized)
        return made

    def with_options(self, **options: Any) -> CustomerFlow[P, R]:
        """Return a copy with other options: Prefect's, and those of `sdk.flows.flow`."""
        ours = {name: options.pop(name) for name in FLOW_KEYWORDS & options.keys()}
        plain = copy.copy(self)
        plain.fn, plain.options = prefect2.function_of(self), None
        made = Flow.with_options(plain, **options)
        new = copy.copy(self)
        new.__dict__.update(made.__dict__)
        prefect2.register(new, made)
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
    start_within: str | None = ...,
    cancel_overdue: bool = ...,
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
        start_within: how late it may begin, such as ``"10m"``.
        cancel_overdue: whether a run that is far beyond its deadline is cancelled.
        retry: how its body is tried again, with backoff and jitter.
        fallback: what a caller is served when it cannot deliver.
        options: Prefect's own.
    """
    ours, arguments = split(FLOW, FLOW_KEYWORDS, options)
    if not __fn:
        return functools.partial(flow, **options)
    made: CustomerFlow[Any, Any] = CustomerFlow(__fn, **arguments)
    if ours:
        made.become(FlowOptions(**ours))
    return made


# Whoever asks for the signature (Prefect's own tools do) sees what Prefect documents.
flow.__signature__ = FLOW  # type: ignore[attr-defined]
flow.from_source = Flow.from_source  # type: ignore[attr-defined]
