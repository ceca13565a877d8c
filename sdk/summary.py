"""The summary of a run: one row per step, for people.

Made from the ledger's records; shown in the terminal and as a table artifact on the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
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


MOST_ROWS = 20
"""Executions of one step that are shown one by one; the items of a fan-out are summed up."""


def summarise(records: Sequence[StepRecord]) -> list[dict[str, Any]]:
    """Return a row per step in the order in which they began, under `HEADINGS`.

    A step that was executed more than `MOST_ROWS` times has one row for all of them.
    """
    times = Counter(record.step for record in records)
    rows: list[tuple[Any, ...]] = []
    folded: set[str] = set()
    for record in records:
        if times[record.step] <= MOST_ROWS:
            rows.append(_row(record))
        elif record.step not in folded:
            folded.add(record.step)
            rows.append(_sum([other for other in records if other.step == record.step]))
    return [dict(zip(HEADINGS, row, strict=True)) for row in rows]


def _sum(records: Sequence[StepRecord]) -> tuple[Any, ...]:
    statistics = [record.statistics for record in records]
    checks = [check for record in records for check in record.checks]
    outcomes = Counter(record.outcome for record in records)
    return (
        records[0].step,
        f"{len(records):,} times",
        ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items())),
        _count(_total(entry.rows_in for entry in statistics)),
        _count(_total(entry.rows_out for entry in statistics)),
        f"{sum(entry.seconds for entry in statistics):.2f}",
        str(sum(entry.attempts for entry in statistics)),
        f"{sum(check.passed for check in checks):,} of {len(checks):,}" if checks else "",
        f"{sum(record.fallback is not None for record in records):,} times"
        if any(record.fallback for record in records)
        else "",
    )


def _total(rows: Iterable[int | None]) -> int | None:
    known = [count for count in rows if count is not None]
    return sum(known) if known else None


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
