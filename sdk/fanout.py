"""Fan-out: one step over many items, with bounded concurrency and an account of each.

A Prefect 2 task run costs 70 ms, with events on 150 ms, however little it does. So items travel
in batches inside few task runs, and each item still gets all of a step: its own attempts,
checks, fallback, statistics and outcome. Batches run in threads (for waiting), in processes (for
computing) or on a Dask cluster; subflows run one Prefect run each, in threads.

A batch that is done is kept under the run key with the fingerprint of its code, parameters and
items, so that a parent that is tried again, or killed and started again, computes only what is
missing; an item can never be answered with another's result.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from sdk.batch import Batch, ItemOutcome, run_batch
from sdk.errors import ConfigurationError, PlatformError

T = TypeVar("T")
Where: TypeAlias = Literal["threads", "processes"]

LARGEST_BATCH = 500
"""Items whose results are lost with a killed worker, at most."""
BATCHES_PER_WORKER = 4
"""With fewer, one slow batch keeps the rest waiting at the end; with more, runs cost more."""


class FanoutFailed(PlatformError):
    """Fewer items succeeded than were asked for."""


@dataclass(frozen=True)
class FanoutResult(Generic[T]):
    """What came of every item, in the order of the items."""

    outcomes: tuple[ItemOutcome, ...]

    @property
    def values(self) -> list[T]:
        """The values of the items that succeeded, in order."""
        return [outcome.value for outcome in self.outcomes if outcome.error is None]

    @property
    def failed(self) -> list[ItemOutcome]:
        """The items that did not succeed."""
        return [outcome for outcome in self.outcomes if outcome.error is not None]

    @property
    def coverage(self) -> float:
        """The share of the items that succeeded; 1.0 of none."""
        return len(self.values) / len(self.outcomes) if self.outcomes else 1.0
