"""Row checks: each is one polars expression; see `sdk.checks.check` for levels and thresholds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from sdk.checks.check import Level, RowCheck, tolerance


def holds(
    name: str,
    good: pl.Expr,
    *,
    otherwise: Level = "block",
    at_most: float | None = None,
    columns: Iterable[str] = (),
) -> RowCheck:
    """Check any condition: `good` is true for a good row."""
    return RowCheck(name, good, otherwise, tolerance(otherwise, at_most), tuple(columns))


def not_null(column: str, *, otherwise: Level = "block", at_most: float | None = None) -> RowCheck:
    """Check that a column has a value; a NaN is none."""
    # The cast lets one expression serve every type: only floats can be NaN.
    good = pl.col(column).is_not_null() & (pl.col(column).cast(pl.String) != "NaN").fill_null(True)
    return holds(
        f"{column} is there", good, otherwise=otherwise, at_most=at_most, columns=(column,)
    )


def between(
    column: str,
    low: Any = None,
    high: Any = None,
    *,
    otherwise: Level = "block",
    at_most: float | None = None,
) -> RowCheck:
    """Check that a value lies within bounds, both included; either may be left out."""
    good = pl.lit(True)
    if low is not None:
        good = good & (pl.col(column) >= low)
    if high is not None:
        good = good & (pl.col(column) <= high)
    bounds = f"{'' if low is None else low}..{'' if high is None else high}"
    return holds(
        f"{column} in {bounds}", good, otherwise=otherwise, at_most=at_most, columns=(column,)
    )


def is_in(
    column: str, values: Iterable[Any], *, otherwise: Level = "block", at_most: float | None = None
) -> RowCheck:
    """Check that a value is one of a set."""
    allowed = list(values)
    shown = ", ".join(str(value) for value in allowed[:5]) + (", …" if len(allowed) > 5 else "")
    return holds(
        f"{column} one of {shown}",
        pl.col(column).is_in(allowed),
        otherwise=otherwise,
        at_most=at_most,
        columns=(column,),
    )


def matches(
    column: str, pattern: str, *, otherwise: Level = "block", at_most: float | None = None
) -> RowCheck:
    """Check that a text contains a match of a regular expression (anchor it with ^ and $)."""
    return holds(
        f"{column} matches {pattern}",
        pl.col(column).cast(pl.String).str.contains(pattern),
        otherwise=otherwise,
        at_most=at_most,
        columns=(column,),
    )


def unique(*columns: str, otherwise: Level = "block", at_most: float | None = None) -> RowCheck:
    """Check that no two rows share a key; the first of them counts as good."""
    return holds(
        f"{' + '.join(columns)} unique",
        pl.struct(*columns).is_first_distinct(),
        otherwise=otherwise,
        at_most=at_most,
        columns=columns,
    )


def references(
    column: str,
    values: pl.Series | Iterable[Any],
    *,
    what: str,
    otherwise: Level = "block",
    at_most: float | None = None,
) -> RowCheck:
    """Check that every value is a key of something else, called `what` in the result."""
    known = values if isinstance(values, pl.Series) else pl.Series(list(values))
    return holds(
        f"{column} known in {what}",
        pl.col(column).is_in(known.implode()),
        otherwise=otherwise,
        at_most=at_most,
        columns=(column,),
    )
