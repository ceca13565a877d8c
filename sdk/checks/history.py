"""History checks: is today unusual against the days before?

A value of today is held against the *median* of the same value on earlier days, in units of the
*median absolute deviation* (MAD), both hardly moved by single wild days (Leys et al., "Detecting
outliers: Do not use standard deviation around the mean, use absolute deviation around the
median", 2013). Days of the same weekday are used where there are enough of them, since retail
has weeks; else all days. Days that were degraded or flagged themselves are left out, so that one
bad day neither widens the bounds nor becomes the norm. With too few days nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from statistics import median
from typing import Any, TypeGuard

import polars as pl

from sdk.checks.check import CheckContext, Level, TableCheck
from sdk.manifest import CheckResult, Manifest
from sdk.table_file import TableFile

MAD_TO_SIGMA = 1.4826
"""MAD times this estimates the standard deviation of normal data."""
RELATIVE_FLOOR = 0.02
"""A history that never moved has a MAD of 0: changes below 2 % of the median are then no news."""


def history(
    metric: str = "rows",
    *,
    deviations: float = 5.0,
    at_least_days: int = 4,
    days: int = 60,
    since: date | None = None,
    otherwise: Level = "warn",
) -> TableCheck:
    """Check that a value is like that of earlier days.

    Args:
        metric: ``rows`` of the table, or a number that the step records.
        deviations: how many robust standard deviations from the median are still usual.
        at_least_days: with fewer earlier days nothing is judged.
        days: how many earlier days are looked at.
        since: days before this one do not count. Flagged days never move the baseline, so a new
            level that is right (another market was added) is accepted here, by a person.
        otherwise: warn or block.
    """
    name = f"{metric} as usual"

    def look(frame: pl.DataFrame | TableFile, context: CheckContext) -> CheckResult:
        value = frame.height if metric == "rows" else context.recorded.get(metric)
        if context.key is None or context.store is None or not _number(value):
            return CheckResult(name=name, level=otherwise, passed=True, detail="nothing to compare")
        past = context.store.history(
            context.key.customer, context.key.name, before=context.key.day, limit=days
        )
        usable = [
            (manifest.day.weekday(), number)
            for manifest in past
            if (since is None or manifest.day >= since)
            and (number := _value(manifest, metric, context.table)) is not None
            and not _flagged(manifest, name, context.table)
        ]
        same = [number for weekday, number in usable if weekday == context.key.day.weekday()]
        sample = same if len(same) >= at_least_days else [number for _, number in usable]
        if len(sample) < at_least_days:
            return CheckResult(
                name=name,
                level=otherwise,
                passed=True,
                detail=f"{value:g}; only {len(sample)} earlier days: not judged",
            )
        middle, spread = center_and_spread(sample)
        good = abs(value - middle) <= deviations * spread
        return CheckResult(
            name=name,
            level=otherwise,
            passed=good,
            failed=0 if good else 1,
            total=len(sample),
            detail=f"{value:g}; usual {middle:g} ± {deviations * spread:.3g}, {len(sample)} days",
        )

    return TableCheck(name, look, look_at_file=look)


def center_and_spread(sample: Sequence[float]) -> tuple[float, float]:
    """Return the median and the robust standard deviation of a sample that is not empty."""
    middle = median(sample)
    mad = median(abs(value - middle) for value in sample)
    return middle, max(MAD_TO_SIGMA * mad, RELATIVE_FLOOR * abs(middle))


def _number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and math.isfinite(value)


def _value(manifest: Manifest, metric: str, table: str | None) -> float | None:
    value: Any
    if metric == "rows":
        # A dataset's rows are those of all its tables: a check on one compares that one.
        part = manifest.part(table) if table else None
        value = part.rows if part is not None else None if table else manifest.rows
    else:
        value = manifest.statistics.recorded.get(metric) if manifest.statistics else None
    return float(value) if _number(value) else None


def _flagged(manifest: Manifest, name: str, table: str | None) -> bool:
    return not manifest.good or any(
        check.name == name and not check.passed and check.table in ("", table or "")
        for check in manifest.checks
    )
