"""The summary of a run: one row per step, for people.

Made from the ledger's records; shown in the terminal and as a table artifact on the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sdk.manifest import Degradation
from sdk.statistics import StepRecord

HEADINGS = (
    "step",
    "dataset",
    "outcome",
    "rows in",
    "rows out",
    "seconds",
    "attempts",
    "checks",
    "fallback",
)


def summarise(records: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """Return a row per step in the order in which they ended, under `HEADINGS`."""
    return [dict(zip(HEADINGS, _row(record), strict=True)) for record in records]


def _row(record: StepRecord) -> tuple[Any, ...]:
    statistics = record.statistics
    return (
        record.step,
        # The customer is the run's: the same in every row.
        (record.dataset or "").partition("/")[2].replace("/", " "),
        record.outcome,
        _count(statistics.rows_in),
        _count(statistics.rows_out),
        f"{statistics.seconds:.2f}",
        str(statistics.attempts),
        _checks(record),
        record.fallback or "",
    )


def _count(rows: int | None) -> str:
    return "" if rows is None else f"{rows:,}"


def _checks(record: StepRecord) -> str:
    if not record.checks:
        return ""
    passed = sum(check.passed for check in record.checks)
    said = f"{passed} of {len(record.checks)}"
    if record.quarantined:
        said += f", {record.quarantined:,} rows set aside"
    return said


def degradations(records: Sequence[StepRecord]) -> tuple[Degradation, ...]:
    """Return every distinct reason why a run is not fresh, in the order of appearance."""
    return tuple(dict.fromkeys(reason for record in records for reason in record.degraded))
