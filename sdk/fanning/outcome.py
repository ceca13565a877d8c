"""What came of a fan-out: each item's outcome, and the whole of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdk.errors import Permanent
from sdk.statistics import Outcome, StepRecord

SHOWN = 3
"""Failed items that an error names; all of them are in the ledger."""


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """How one item went.

    Attributes:
        key: of the item.
        outcome: of its step.
        value: what the step returned, or what a fallback served; None if it failed.
        error: of a failed item, in words.
        line: the step's record as it goes into the ledger; None where the item was done in an
            earlier attempt. As text, since it is written by whoever did the item and, of most
            items, never read again in this process.
    """

    key: str
    outcome: Outcome = "reused"
    value: Any = None
    error: str | None = None
    line: bytes | None = None

    @property
    def record(self) -> StepRecord | None:
        """The step's record; None where the item was done in an earlier attempt."""
        return None if self.line is None else StepRecord.model_validate_json(self.line)


@dataclass(frozen=True)
class FanoutResult(Mapping[str, Any]):
    """The items that could deliver, by key in the order of the items; a mapping of their values.

    Attributes:
        outcomes: of every item, by key.
    """

    outcomes: Mapping[str, ItemOutcome]

    def __getitem__(self, key: str) -> Any:
        """Return an item's value.

        Raises:
            KeyError: it failed, or there is no such item.
        """
        outcome = self.outcomes[key]
        if outcome.error is not None:
            raise KeyError(key)
        return outcome.value

    def __iter__(self) -> Any:
        """Yield the keys of the items that could deliver."""
        return (key for key, outcome in self.outcomes.items() if outcome.error is None)

    def __len__(self) -> int:
        """Count the items that could deliver."""
        return sum(outcome.error is None for outcome in self.outcomes.values())

    @property
    def failed(self) -> dict[str, str]:
        """The errors of the items that could not deliver, by key."""
        return {
            key: outcome.error
            for key, outcome in self.outcomes.items()
            if outcome.error is not None
        }

    @property
    def coverage(self) -> float:
        """The share of the items that delivered; 1.0 where there were none."""
        return len(self) / len(self.outcomes) if self.outcomes else 1.0

    @property
    def counts(self) -> dict[str, int]:
        """How many items ended in which way."""
        return dict(Counter(outcome.outcome for outcome in self.outcomes.values()))


class FanoutFailed(Permanent):
    """Too few items could deliver.

    Args:
        step: the step's name.
        result: what came of it.
        at_least: the share that was needed.
    """

    def __init__(self, step: str, result: FanoutResult, at_least: float) -> None:
        failed = result.failed
        shown = "; ".join(f"{key}: {error}" for key, error in list(failed.items())[:SHOWN])
        more = f"; and {len(failed) - SHOWN:,} more" if len(failed) > SHOWN else ""
        super().__init__(
            f"{step}: {len(failed):,} of {len(result.outcomes):,} items failed ({shown}{more})",
            f"At least {at_least:.1%} are needed. Items that succeeded are kept: run again.",
        )
        self.step = step
        self.result = result
        self.at_least = at_least

    def __reduce__(self) -> tuple[Any, ...]:
        return (FanoutFailed, (self.step, self.result, self.at_least))
