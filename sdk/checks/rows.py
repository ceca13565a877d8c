"""Row checks: each is one polars expression; see `sdk.checks.check` for levels and thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import polars as pl

from sdk.checks.check import CheckContext, Level, RowCheck, tolerance


def holds(
    name: str,
    good: pl.Expr | Callable[[pl.Schema, CheckContext], pl.Expr],
    *,
    otherwise: Level = "block",
    at_most: float | None = None,
    columns: Iterable[str] = (),
) -> RowCheck:
    """Check any condition: `good` is true for a good row; null counts as good."""
    return RowCheck(name, good, otherwise, tolerance(otherwise, at_most), tuple(columns))


def not_null(column: str, *, otherwise: Level = "block", at_most: float | None = None) -> RowCheck:
    """Check that a column has a value; a NaN is none. With `at_most`, it limits their share."""

    def good(schema: pl.Schema, context: CheckContext) -> pl.Expr:
        there = pl.col(column).is_not_null()
        return (
            there & pl.col(column).is_not_nan().fill_null(True) if _real(schema, column) else there
        )

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
    """Check that a value lies within bounds, both included; either may be left out.

    A NaN lies within none.
    """

    def good(schema: pl.Schema, context: CheckContext) -> pl.Expr:
        within = pl.col(column).is_not_nan() if _real(schema, column) else pl.lit(True)
        if low is not None:
            within = within & (pl.col(column) >= low)
        if high is not None:
            within = within & (pl.col(column) <= high)
        return within

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
    """Check that no two rows share a key, or with no columns, that no two rows are the same.

    The first of them counts as good. A null in a key is a value like others: two rows with the
    same nulls share a key.
    """
    key: Iterable[Any] = columns or (pl.all(),)
    return RowCheck(
        f"{' + '.join(columns)} unique" if columns else "rows unique",
        pl.struct(*key).is_first_distinct(),
        otherwise,
        tolerance(otherwise, at_most),
        columns,
        key=columns,
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


def refers_to(
    column: str,
    parameter: str,
    key: str | None = None,
    *,
    table: str | None = None,
    otherwise: Level = "block",
    at_most: float | None = None,
) -> RowCheck:
    """Check that every value is a key of a table that the step takes.

    Args:
        column: of the checked table.
        parameter: the step's parameter that is a dataset or a frame.
        key: its column; by default of the same name.
        table: which of the dataset's tables, where it has several.
        otherwise: what happens to a value that is not known.
        at_most: the share of them that is tolerated, or set aside.
    """
    name = ".".join(filter(None, [parameter, table, key or column]))

    def good(schema: pl.Schema, context: CheckContext) -> pl.Expr:
        known = context.frame(parameter, table).get_column(key or column)
        return pl.col(column).is_in(known.unique().drop_nulls().implode())

    return holds(
        f"{column} known in {name}",
        good,
        otherwise=otherwise,
        at_most=at_most,
        columns=(column,),
    )


def _real(schema: pl.Schema, column: str) -> bool:
    return schema[column].is_float() if column in schema else False
