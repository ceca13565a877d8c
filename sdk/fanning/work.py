"""The work on one chunk of items: each is executed as a step.

This module runs in threads, in spawned processes and on Dask workers. It imports Prefect only
where an attempt is limited in time.
"""

from __future__ import annotations

import asyncio
import inspect
import pickle
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sdk.errors import Permanent, PlatformError
from sdk.execution import Execution
from sdk.fanning.outcome import ItemOutcome
from sdk.masking import keep_secret
from sdk.redaction import redacted, remembered
from sdk.run import Run, entered
from sdk.statistics import StepRecord
from sdk.step import Call, Result, Step, drive, drive_async, invoke


@dataclass(frozen=True)
class Item:
    """One item: its key, and the arguments of its call."""

    key: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Work:
    """What is done to every item; can be pickled.

    Attributes:
        step: how the function behaves.
        function: the user's.
        run: that it is part of.
    """

    step: Step
    function: Callable[..., Any]
    run: Run | None

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function."""
        return inspect.iscoroutinefunction(self.function)

    def do(
        self, items: Sequence[Item], stopped: Callable[[], bool] = lambda: False
    ) -> list[ItemOutcome]:
        """Execute the items one after the other, until it is stopped."""
        with entered(self.run):
            return [self._do_one(item, self.function) for item in items if not stopped()]

    async def do_async(self, items: Sequence[Item], concurrency: int) -> list[ItemOutcome]:
        """Execute the items in one event loop, so many at a time."""
        gate = asyncio.Semaphore(concurrency)

        async def guarded(item: Item) -> ItemOutcome:
            async with gate:
                records: list[StepRecord] = []
                execution = self._execution(item, self.function, records)
                try:
                    with closing(execution.walk()) as walk:
                        ended = await drive_async(walk, _call_async, asyncio.sleep)
                    return _delivered(item, ended)
                except Exception as error:
                    return self._failed(item, error, records)

        with entered(self.run):
            return list(await asyncio.gather(*(guarded(item) for item in items)))

    def give_up(self, item: Item, problem: str) -> ItemOutcome:
        """Return the outcome of an item whose process died: its fallback, or a failure."""

        def die(**_: Any) -> Any:
            raise Permanent(problem, "See its memory use, or give it a process of its own.")

        with entered(self.run):
            return self._do_one(item, die)

    def _do_one(self, item: Item, function: Callable[..., Any]) -> ItemOutcome:
        records: list[StepRecord] = []
        try:
            with closing(self._execution(item, function, records).walk()) as walk:
                return _delivered(item, drive(walk, self._call))
        except Exception as error:
            return self._failed(item, error, records)

    # Whoever does a part of the work in another process, this machine's or Dask's, keeps the
    # secrets of the run out of logs and records too: those that the flow was given, not the item.
    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "secrets": remembered()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        keep_secret(state.pop("secrets"))
        vars(self).update(state)

    @cached_property
    def _by_name(self) -> bool:
        """Whether all arguments may be given by name; found out once, not for every item."""
        parameters = inspect.signature(self.function).parameters.values()
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        return all(parameter.kind in named for parameter in parameters)

    def _call(self, action: Call) -> Any:
        if action.time_limit is not None:
            from sdk import prefect2

            return prefect2.call(action)
        if action.function is self.function and self._by_name:
            value = action.function(**action.arguments)
        else:
            value = invoke(action.function, action.arguments)
        # A plain function may hand on what a coroutine function, such as a fallback, began.
        return asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value

    def pack(self, item: Item, outcome: ItemOutcome) -> tuple[ItemOutcome, bytes]:
        """Return an outcome without its value, and the value as it travels between processes.

        A value that cannot be pickled is its own item's failure, and takes no other with it.
        """
        try:
            return replace(outcome, value=None), pickle.dumps(outcome.value)
        except Exception as error:
            return self._undelivered(item, outcome, error), pickle.dumps(None)

    def unpack(self, item: Item, outcome: ItemOutcome, value: bytes) -> ItemOutcome:
        """Return an outcome as it was before `pack`."""
        try:
            return replace(outcome, value=pickle.loads(value))  # noqa: S301 - of our own process
        except Exception as error:
            return self._undelivered(item, outcome, error)

    def _undelivered(self, item: Item, outcome: ItemOutcome, error: Exception) -> ItemOutcome:
        return self._failed(item, error, [outcome.record] if outcome.record else [])

    def _execution(
        self, item: Item, function: Callable[..., Any], records: list[StepRecord]
    ) -> Execution:
        return Execution(self.step, function, item.arguments, self.run, ledger=records.append)

    def _failed(self, item: Item, error: Exception, records: list[StepRecord]) -> ItemOutcome:
        said = (
            error.problem
            if isinstance(error, PlatformError)
            else f"{type(error).__name__}: {error}"
        )
        said = redacted(said.strip(), item.arguments)[:500]
        line = None
        if records:
            record = records[-1]
            if record.outcome != "failed":
                # The step ended well, and what it made or recorded cannot be handed over.
                bare = record.statistics.model_copy(update={"recorded": {}})
                told = {"outcome": "failed", "error": said, "error_class": type(error).__name__}
                record = record.model_copy(update={**told, "statistics": bare})
            line = record.model_dump_json().encode()
        return ItemOutcome(item.key, "failed", None, said, line)


def _delivered(item: Item, result: Result) -> ItemOutcome:
    line = result.record.model_dump_json().encode()
    return ItemOutcome(item.key, result.record.outcome, result.value, None, line)


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


async def _call_async(action: Call) -> Any:
    value = invoke(action.function, action.arguments)
    if not inspect.isawaitable(value):
        return value
    return await asyncio.wait_for(value, action.time_limit)
