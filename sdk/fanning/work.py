"""The work on one chunk of items: each is executed as a step.

This module runs in threads, in spawned processes and on Dask workers. It imports Prefect only
where an attempt is limited in time.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdk.errors import Permanent, PlatformError
from sdk.execution import Execution
from sdk.fanning.outcome import ItemOutcome
from sdk.redaction import redacted
from sdk.run import Run, entered
from sdk.statistics import StepRecord
from sdk.step import Call, Step, drive, drive_async, invoke


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

    def do(self, items: Sequence[Item]) -> list[ItemOutcome]:
        """Execute the items one after the other."""
        with entered(self.run):
            return [self._do_one(item, self.function) for item in items]

    async def do_async(self, items: Sequence[Item], concurrency: int) -> list[ItemOutcome]:
        """Execute the items in one event loop, so many at a time."""
        gate = asyncio.Semaphore(concurrency)

        async def guarded(item: Item) -> ItemOutcome:
            async with gate:
                records: list[StepRecord] = []
                execution = self._execution(item, self.function, records)
                try:
                    value = await drive_async(execution.walk(), _call_async, asyncio.sleep)
                except Exception as error:
                    return self._failed(item, error, records)
                return ItemOutcome(item.key, value.value, value.record)

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
            result = drive(self._execution(item, function, records).walk(), _call)
        except Exception as error:
            return self._failed(item, error, records)
        return ItemOutcome(item.key, result.value, result.record)

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
        record = records[-1] if records else None
        return ItemOutcome(item.key, None, record, redacted(said.strip(), item.arguments)[:500])


def _call(action: Call) -> Any:
    if action.time_limit is None:
        return invoke(action.function, action.arguments)
    from sdk import prefect2

    return prefect2.call(action)


async def _call_async(action: Call) -> Any:
    value = invoke(action.function, action.arguments)
    if not inspect.isawaitable(value):
        return value
    return await asyncio.wait_for(value, action.time_limit)
