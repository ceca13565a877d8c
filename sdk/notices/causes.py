"""Which records of a run tell of a cause, and which only repeat one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sdk.statistics import StepRecord

_ATTEMPT = re.compile(r"(.*?)(?:\.(\d+))?", re.DOTALL)


def settled(records: Sequence[StepRecord]) -> list[StepRecord]:
    """Return the records of each flow's last attempt, the only ones that say how it ended.

    A later attempt of a flow has the same id in the path with a number behind it.
    """
    last: dict[tuple[tuple[str, ...], str], int] = {}
    for record in records:
        for depth, name in enumerate(record.path):
            base, attempt = _attempt(name)
            key = (record.path[:depth], base)
            last[key] = max(attempt, last.get(key, 0))

    def kept(record: StepRecord) -> bool:
        # A flow's own record stands for all of its attempts, under the first one's name.
        path = record.path[:-1] if record.is_flow else record.path
        return all(
            _attempt(name)[1] == last[(path[:depth], _attempt(name)[0])]
            for depth, name in enumerate(path)
        )

    return [record for record in records if kept(record)]


def _attempt(name: str) -> tuple[str, int]:
    found = _ATTEMPT.fullmatch(name)
    assert found is not None
    return found[1], int(found[2] or 1)


def broke(record: StepRecord) -> bool:
    """Say whether a step could not deliver, its own fallback or not."""
    return record.outcome == "failed" or record.fallback is not None


def step_of(record: StepRecord) -> str:
    """Return the step that a record is of; empty for a flow's own."""
    return "" if record.is_flow else record.step


def below(record: StepRecord, flow: StepRecord) -> bool:
    """Say whether a record is of something within a flow, in whichever attempt."""
    if record is flow or len(record.path) < len(flow.path):
        return False
    if record.is_flow and len(record.path) == len(flow.path):
        return False
    return [_attempt(name)[0] for name in record.path[: len(flow.path)]] == [
        _attempt(name)[0] for name in flow.path
    ]


def echoes(record: StepRecord, records: Iterable[StepRecord]) -> bool:
    """Say whether a flow only repeats what something within it has said."""
    return record.is_flow and any(
        other.outcome == "failed" and below(other, record) for other in records
    )
