"""What a run has done already: values of items that succeeded, for the run's next attempt.

Kept under the run's root id, so that another run starts afresh (a step that is to be reused
across runs publishes a dataset). An item's key there is a fingerprint of the step, its code and
all arguments: items that look alike never take each other's value. Only values that come back
from JSON as they were are kept; others are made again.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sdk.code import code_version
from sdk.dataset import Dataset
from sdk.digest import text_hash
from sdk.fanning.outcome import ItemOutcome
from sdk.fanning.work import Item
from sdk.fingerprint import fingerprint
from sdk.run import Run
from sdk.step import Step
from sdk.storage import storage


class Kept:
    """The kept outcomes of one step in one run.

    Args:
        run: the run.
        step: the step.
        function: the user's function, whose code counts.
    """

    def __init__(self, run: Run, step: Step, function: Callable[..., Any]) -> None:
        self._storage = storage(run.store)
        self._folder = f"{run.customer}/_fanout/{run.day}/{run.root_id}"
        self._step = step
        self._code = run.code_version or code_version(function)
        self._prefix = text_hash(f"{step.name}\n{self._code}")[:12]

    def mark(self, item: Item) -> str | None:
        """Return an item's key, or None if its arguments have no stable text."""
        return fingerprint(
            self._step.name, parameters=item.arguments, inputs=[], code_version=self._code
        )

    def load(self) -> dict[str, Any]:
        """Return the kept values by mark."""
        values: dict[str, Any] = {}
        for name in self._storage.names(self._folder):
            if not name.startswith(self._prefix):
                continue
            for line in self._storage.read(f"{self._folder}/{name}").splitlines():
                entry = json.loads(line)
                given = entry["value"]
                values[entry["mark"]] = Dataset(**given) if entry["dataset"] else given
        return values

    def save(self, outcomes: Iterable[ItemOutcome], marks: Mapping[str, str | None]) -> None:
        """Keep the fresh ones among some outcomes."""
        lines = []
        for outcome in outcomes:
            mark = marks.get(outcome.key)
            if mark is None or outcome.outcome != "fresh":
                continue
            is_dataset = isinstance(outcome.value, Dataset)
            value = outcome.value.model_dump(mode="json") if is_dataset else outcome.value
            if is_dataset or _survives(value):
                lines.append(json.dumps({"mark": mark, "dataset": is_dataset, "value": value}))
        if lines:
            name = f"{self._prefix}-{uuid.uuid4().hex}.jsonl"
            self._storage.put(f"{self._folder}/{name}", "\n".join(lines).encode())


def _survives(value: Any) -> bool:
    if value is None or isinstance(value, bool | str):
        return True
    if isinstance(value, int | float):
        return value == value and abs(value) != float("inf")
    if type(value) is list:
        return all(_survives(item) for item in value)
    if type(value) is dict:
        return all(type(name) is str and _survives(item) for name, item in value.items())
    return False
