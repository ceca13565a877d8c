"""`fanout`: the items are cut, run, collected, recorded and judged."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from sdk.errors import ConfigurationError, PlatformError
from sdk.fanning.kept import Kept
from sdk.fanning.outcome import FanoutFailed, FanoutResult, ItemOutcome
from sdk.fanning.runners import RUNNERS, cut, default_concurrency
from sdk.fanning.work import Item, Work
from sdk.progress import FanoutProgress, tell
from sdk.run import Run, current_run
from sdk.statistics import write_lines
from sdk.step import Step, arguments_of

How = Literal["threads", "processes", "async", "tasks"]

FLUSH_SECONDS = 2.0
"""How much work a killed run may lose at most, beside the chunks under way."""

SHOW_SECONDS = 10.0
"""How often the progress on the Prefect run is renewed."""


def fanout(
    step: Any,
    items: Iterable[Any],
    *,
    key: Callable[[Any], str] = str,
    how: How | None = None,
    concurrency: int | None = None,
    at_least: float = 1.0,
    chunk: int | None = None,
    **common: Any,
) -> FanoutResult:
    """Execute a step, a task or a plain function for each of many items.

    Args:
        step: takes an item as its first parameter. Its own retries, fallback and checks apply
            to every item. ``dataset="pages.{site}"`` names each item's dataset by its parameters.
        items: 2 to 100,000 of them.
        key: names an item; no two may have the same name.
        how: ``threads`` (default), ``processes`` for computing in Python, ``async`` (default for
            coroutine functions), ``tasks`` for the flow's task runner, such as Dask.
        concurrency: how many at a time.
        at_least: the share of items that must deliver.
        chunk: items that travel together; by default cut to fit.
        common: further arguments, the same for all items.

    Returns:
        The items' values by key, and their outcomes.

    Raises:
        FanoutFailed: fewer than `at_least` delivered.
        ConfigurationError: two items have one key, or the arguments do not fit.
    """
    if not 0.0 <= at_least <= 1.0:
        raise ConfigurationError(
            f"at_least={at_least} is no share of the items", "Give a fraction from 0 to 1."
        )
    work = _work(step)
    given = _items(work, items, key, common)
    how = how or ("async" if work.is_async else "threads")
    if how not in RUNNERS:
        raise ConfigurationError(f"how={how!r} is not known", f"Use one of: {', '.join(RUNNERS)}.")
    if work.is_async and how != "async":
        raise ConfigurationError(
            f"{work.step.name} is a coroutine function and cannot run in {how}",
            'Leave out how=, or say how="async".',
        )
    concurrency = concurrency or default_concurrency(how)

    def body() -> FanoutResult:
        return _spread(work, given, how, concurrency, chunk)

    result = body() if how == "tasks" else _as_one_task_run(work.step.name, body)
    if result.coverage < at_least:
        raise FanoutFailed(work.step.name, result, at_least)
    return result


def _as_one_task_run(name: str, body: Callable[[], FanoutResult]) -> FanoutResult:
    from sdk import prefect2

    result: FanoutResult = prefect2.as_task_run(f"fanout {name}", body)
    return result


def _work(step: Any) -> Work:
    from sdk import prefect2

    function = prefect2.function_of(step)
    behaviour = getattr(step, "step", None)
    if behaviour is None:
        name = getattr(step, "name", None) or getattr(function, "__name__", "items")
        behaviour = Step(name=str(name))
    return Work(behaviour, function, current_run())


def _items(
    work: Work, items: Iterable[Any], key: Callable[[Any], str], common: dict[str, Any]
) -> list[Item]:
    made: dict[str, Item] = {}
    arguments: Callable[[Any], dict[str, Any]] | None = None
    for item in items:
        name = key(item)
        if name in made:
            raise ConfigurationError(
                f"two items of {work.step.name} have the key {name!r}",
                "Give key= a function that names each item.",
            )
        arguments = arguments or _arguments(work, common)
        made[name] = Item(name, arguments(item))
    return list(made.values())


def _arguments(work: Work, common: dict[str, Any]) -> Callable[[Any], dict[str, Any]]:
    """Return what makes the arguments of an item; bound once, since only the item differs."""
    item = object()
    try:
        bound = arguments_of(work.function, (item,), common)
    except TypeError as error:
        names = inspect.signature(work.function).parameters
        raise ConfigurationError(
            f"{work.step.name} cannot be called for an item: {error}",
            f"Its parameters are: {', '.join(names)}.",
        ) from error
    first, value = next(iter(bound.items()))
    if value is item:
        return lambda given: {**bound, first: given}
    return lambda given: {**bound, first: (given,)}  # the first parameter is *args


def _spread(
    work: Work, items: Sequence[Item], how: str, concurrency: int, chunk: int | None
) -> FanoutResult:
    ledger = _Ledger(work, items)
    found = ledger.recall(items)
    todo = [item for item in items if item.key not in found]
    chunks = cut(todo, how, concurrency, chunk)
    try:
        for outcomes in RUNNERS[how](work, chunks, concurrency) if todo else ():
            found.update((outcome.key, outcome) for outcome in outcomes)
            ledger.add(outcomes, done=len(found))
    finally:
        ledger.flush()
    return FanoutResult({item.key: found[item.key] for item in items})


class _Ledger:
    """Writes down what was done, every few seconds, and tells of the progress."""

    def __init__(self, work: Work, items: Sequence[Item]) -> None:
        self._run: Run | None = work.run
        self._name = work.step.name
        self._total = len(items)
        self._failed = 0
        self._new: list[ItemOutcome] = []
        self._flushed = self._shown = time.monotonic()
        self._kept: Kept | None = None
        self._marks: dict[str, str | None] = {}
        # A step with a dataset is found again by its manifest.
        if work.run is not None and work.step.dataset is None:
            self._kept = Kept(work.run, work.step, work.function)
            self._marks = {item.key: self._kept.mark(item) for item in items}

    def recall(self, items: Sequence[Item]) -> dict[str, ItemOutcome]:
        if self._kept is None:
            return {}
        values = self._kept.load()
        return {
            item.key: ItemOutcome(item.key, "reused", values[mark])
            for item in items
            if (mark := self._marks[item.key]) is not None and mark in values
        }

    def add(self, outcomes: Sequence[ItemOutcome], *, done: int) -> None:
        self._new.extend(outcomes)
        self._failed += sum(outcome.error is not None for outcome in outcomes)
        tell(FanoutProgress(self._name, done, self._total, self._failed))
        now = time.monotonic()
        if now - self._flushed >= FLUSH_SECONDS:
            self.flush()
        if now - self._shown >= SHOW_SECONDS:
            self._shown = now
            self._show(done)

    def flush(self) -> None:
        self._flushed = time.monotonic()
        new, self._new = self._new, []
        if self._run is None or not new:
            return
        try:
            write_lines(self._run, [each.line for each in new if each.line is not None])
            if self._kept is not None:
                self._kept.save(new, self._marks)
        except PlatformError:
            # What was done counts more than the note of it; at worst it is done again.
            return

    def _show(self, done: int) -> None:
        from sdk import prefect2

        row = {"step": self._name, "done": done, "of": self._total, "failed": self._failed}
        prefect2.show_progress(self._name, row)
