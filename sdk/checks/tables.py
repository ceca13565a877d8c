"""Table checks: conditions on a table as a whole.

None of them sees a lazy frame: pandera, for one, checks only the schema of a lazy frame and
passes bad rows without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from typing import Any

import polars as pl

from sdk.checks.check import CheckContext, Level, TableCheck
from sdk.dataset import Dataset
from sdk.fallback import duration
from sdk.manifest import CheckResult
from sdk.table_file import TableFile


def rows(
    at_least: int = 1, at_most: int | None = None, *, otherwise: Level = "block"
) -> TableCheck:
    """Check the number of rows."""
    name = f"rows {at_least}..{'' if at_most is None else at_most}"

    def look(frame: pl.DataFrame | TableFile, context: CheckContext) -> CheckResult:
        good = frame.height >= at_least and (at_most is None or frame.height <= at_most)
        return CheckResult(
            name=name,
            level=otherwise,
            passed=good,
            failed=0 if good else 1,
            total=frame.height,
            detail=f"{frame.height} rows",
        )

    return TableCheck(name, look, look_at_file=look)


def columns(schema: Mapping[str, Any], *, otherwise: Level = "block") -> TableCheck:
    """Check that the columns are there with their types; a further column is fine."""

    def look(frame: pl.DataFrame | TableFile, context: CheckContext) -> CheckResult:
        wrong = [
            f"{name} is missing"
            if name not in frame.schema
            else f"{name} is {frame.schema[name]}, not {dtype}"
            for name, dtype in schema.items()
            if frame.schema.get(name) != dtype
        ]
        return CheckResult(
            name="columns",
            level=otherwise,
            passed=not wrong,
            failed=len(wrong),
            total=len(schema),
            detail="; ".join(wrong) or f"{len(schema)} columns as agreed",
        )

    return TableCheck("columns", look, look_at_file=look)


def contract(schema: Any, *, otherwise: Level = "block") -> TableCheck:
    """Check a pandera contract: a polars ``DataFrameSchema`` or ``DataFrameModel``."""
    name = f"contract {getattr(schema, '__name__', None) or getattr(schema, 'name', '') or ''}"
    name = name.strip()

    def look(frame: pl.DataFrame, context: CheckContext) -> CheckResult:
        from pandera.errors import SchemaError, SchemaErrors

        problems: list[str] = []
        failed = 0
        try:
            schema.validate(frame, lazy=True)
        except SchemaErrors as error:
            cases = error.failure_cases
            failed = len(cases)
            problems = [
                f"{case.get('column') or case.get('schema_context')}: {case.get('check')}"
                f" ({case.get('failure_case')})"
                for case in cases.head(5).to_dicts()
            ]
        except SchemaError as error:
            failed, problems = 1, [str(error).splitlines()[0]]
        return CheckResult(
            name=name,
            level=otherwise,
            passed=not failed,
            failed=failed,
            total=frame.height,
            detail="; ".join(problems),
        )

    return TableCheck(name, look)


def fresh(column: str, max_age: str, *, otherwise: Level = "warn") -> TableCheck:
    """Check that the newest instant of a column is not older than `max_age` at the day's end.

    Days end in UTC, and an instant without a zone is taken as UTC. An empty column, or one
    without any value, is not fresh. One wild date in the future hides that the rest is old:
    bound the column by `between` as well.
    """
    limit = duration(max_age)
    name = f"{column} within {max_age}"

    def look(frame: pl.DataFrame | TableFile, context: CheckContext) -> CheckResult:
        newest: Any = _figure(frame, pl.col(column).max())
        if context.key is None or newest is None:
            return CheckResult(
                name=name,
                level=otherwise,
                passed=newest is not None,
                failed=0 if newest is not None else 1,
                total=frame.height,
                detail="no instants" if newest is None else "no day to compare with",
            )
        if not isinstance(newest, datetime):
            newest = datetime.combine(newest, time.max)
        if newest.tzinfo is not None:
            newest = newest.astimezone(UTC)
        end = datetime.combine(context.key.day, time.max)
        good = end - newest.replace(tzinfo=None) <= limit
        return CheckResult(
            name=name,
            level=otherwise,
            passed=good,
            failed=0 if good else 1,
            total=frame.height,
            detail=f"newest is {newest:%Y-%m-%d %H:%M}",
        )

    return TableCheck(name, look, look_at_file=look)


def measure(
    name: str,
    value: pl.Expr,
    *,
    at_least: Any = None,
    at_most: Any = None,
    otherwise: Level = "block",
) -> TableCheck:
    """Check a figure of the table, such as ``pl.col("price").mean()``, against bounds.

    Bounds are included. No figure at all (of an empty table) does not hold.
    """

    def look(frame: pl.DataFrame | TableFile, context: CheckContext) -> CheckResult:
        figure = _figure(frame, value)
        good = (
            figure is not None
            and (at_least is None or figure >= at_least)
            and (at_most is None or figure <= at_most)
        )
        return CheckResult(
            name=name,
            level=otherwise,
            passed=good,
            failed=0 if good else 1,
            total=frame.height,
            detail=str(figure),
        )

    return TableCheck(name, look, look_at_file=look)


def predicate(
    name: str, good: Callable[[pl.DataFrame], bool], *, otherwise: Level = "block"
) -> TableCheck:
    """Check anything about the table: `good` returns whether it holds."""

    def look(frame: pl.DataFrame, context: CheckContext) -> CheckResult:
        passed = bool(good(frame))
        return CheckResult(
            name=name,
            level=otherwise,
            passed=passed,
            failed=0 if passed else 1,
            total=frame.height,
        )

    return TableCheck(name, look)


def sql(name: str, query: str, *, otherwise: Level = "block") -> TableCheck:
    """Check by a DuckDB query: the rows that it returns are bad ones.

    The checked table is ``data``; frames and datasets of one table that the step takes are
    there by their parameters' names. The query sees nothing else: no files, no network.
    """

    def look(frame: pl.DataFrame | TableFile, context: CheckContext) -> CheckResult:
        import duckdb
        import pyarrow.dataset as ds

        with duckdb.connect(config={"enable_external_access": "false"}) as connection:
            for parameter, value in context.parameters.items():
                single = isinstance(value, Dataset) and len(value.tables) == 1
                if isinstance(value, pl.DataFrame) or single:
                    table = value.tables[0] if isinstance(value, Dataset) else None
                    connection.register(parameter, context.frame(parameter, table).to_arrow())
            if isinstance(frame, TableFile):
                # Read through Arrow, piece by piece: the query itself may open no file.
                connection.register("data", ds.dataset(frame.path))
            else:
                connection.register("data", frame.to_arrow())
            bad = pl.DataFrame(connection.sql(query).to_arrow_table())
        examples = "; ".join(str(row) for row in bad.head(3).rows())
        return CheckResult(
            name=name,
            level=otherwise,
            passed=bad.is_empty(),
            failed=bad.height,
            total=frame.height,
            detail=examples,
        )

    return TableCheck(name, look, look_at_file=look)


def _figure(table: pl.DataFrame | TableFile, value: pl.Expr) -> Any:
    """Return one figure of a table."""
    if isinstance(table, pl.DataFrame):
        return table.select(value).item()
    return table.lazy().select(value).collect(engine="streaming").item()
