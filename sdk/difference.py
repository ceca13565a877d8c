"""The difference between two datasets: schema, rows by key, content.

Rows are compared by a key where one is given; without one, whole rows are counted against whole
rows, and a changed row is one removed and one added. Nulls are equal to nulls, NaN to NaN.
Columns that only one side has are differences of the schema, not of every row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from sdk.dataset import Dataset
from sdk.errors import Permanent
from sdk.evolution import Change, compare
from sdk.manifest import ColumnSchema, Part

CHANGED = "changed_columns"
_COUNT = "__rows"


@dataclass(frozen=True)
class TableDifference:
    """How a table differs.

    Attributes:
        table: its name.
        same: whether both hold the same rows in the same order.
        rows: before and after.
        added: rows that only the later one has.
        removed: rows that only the earlier one has.
        changed: keys of rows that both have with other values, and in ``changed_columns`` which.
    """

    table: str
    same: bool
    rows: tuple[int, int]
    added: pl.DataFrame
    removed: pl.DataFrame
    changed: pl.DataFrame

    def __str__(self) -> str:
        if self.same:
            return f"{self.table}: the same {self.rows[0]} rows"
        return (
            f"{self.table}: {self.rows[0]} rows, then {self.rows[1]}: {self.added.height} added,"
            f" {self.removed.height} removed, {self.changed.height} changed"
        )


@dataclass(frozen=True)
class Difference:
    """How two datasets differ.

    Attributes:
        before: the one, by name and version.
        after: the other.
        same: whether their content is the same.
        schema: columns and tables that are new, lost or retyped.
        tables: the tables that both have.
        files: names of files that are new, lost or other.
    """

    before: str
    after: str
    same: bool
    schema: tuple[Change, ...]
    tables: tuple[TableDifference, ...]
    files: tuple[str, ...]

    def __str__(self) -> str:
        if self.same:
            return f"{self.before} and {self.after}: the same content"
        lines = [f"{self.before}, then {self.after}", *map(str, self.schema)]
        lines += [str(table) for table in self.tables]
        lines += [f"file {name!r} differs" for name in self.files]
        return "\n".join(lines)


def diff(
    before: Dataset, after: Dataset, *, key: Sequence[str] | Mapping[str, Sequence[str]] = ()
) -> Difference:
    """Compare two datasets, such as two versions or two days of one.

    Args:
        before: the one.
        after: the other.
        key: columns that identify a row, of every table or by the table's name.

    Raises:
        Permanent: a key column is missing, or rows share a key.
    """
    old, new = _parts(before, "table"), _parts(after, "table")
    tables = []
    for name in old.keys() & new.keys():
        columns = key.get(name, ()) if isinstance(key, Mapping) else key
        if old[name].content_hash == new[name].content_hash:
            nothing = pl.DataFrame()
            count = old[name].rows or 0
            tables.append(TableDifference(name, True, (count, count), nothing, nothing, nothing))
        else:
            tables.append(
                compare_tables(name, before.frame(name), after.frame(name), list(columns))
            )
    one, other = _parts(before, "file"), _parts(after, "file")
    return Difference(
        before=str(before),
        after=str(after),
        same=before.content_hash == after.content_hash,
        schema=compare(_schemas(old), _schemas(new)),
        tables=tuple(sorted(tables, key=lambda table: table.table)),
        files=tuple(
            name
            for name in sorted(one.keys() | other.keys())
            if name not in one
            or name not in other
            or one[name].content_hash != other[name].content_hash
        ),
    )


def compare_tables(
    name: str, before: pl.DataFrame, after: pl.DataFrame, key: Sequence[str] = ()
) -> TableDifference:
    """Compare two tables; see `diff`."""
    rows = (before.height, after.height)
    shared = [
        column for column, dtype in before.schema.items() if after.schema.get(column) == dtype
    ]
    if not key:
        added, removed = _surplus(after, before, shared), _surplus(before, after, shared)
        return TableDifference(name, False, rows, added, removed, pl.DataFrame())
    for which, frame in (("earlier", before), ("later", after)):
        _check_key(f"{which} table {name!r}", frame, key, shared)
    added = after.join(before, on=key, how="anti", nulls_equal=True)
    removed = before.join(after, on=key, how="anti", nulls_equal=True)
    values = [column for column in shared if column not in key]
    both = before.select(*key, *values).join(
        after.select(*key, *(pl.col(column).alias(f"{column}\0new") for column in values)),
        on=key,
        how="inner",
        nulls_equal=True,
        maintain_order="left",
    )
    names = [
        pl.when(pl.col(column).ne_missing(pl.col(f"{column}\0new"))).then(pl.lit(column))
        for column in values
    ]
    changed = both.select(
        *key, (pl.concat_list(names).list.drop_nulls() if names else pl.lit([])).alias(CHANGED)
    ).filter(pl.col(CHANGED).list.len() > 0)
    return TableDifference(name, False, rows, added, removed, changed)


def _surplus(one: pl.DataFrame, other: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return the rows of one frame that the other has not, or not as often."""
    if not columns:
        return one

    def numbered(frame: pl.DataFrame) -> pl.DataFrame:
        count = pl.int_range(pl.len()).over(columns).alias(_COUNT)
        return frame.with_columns(count)

    return (
        numbered(one)
        .join(
            numbered(other).select(*columns, _COUNT),
            on=[*columns, _COUNT],
            how="anti",
            nulls_equal=True,
        )
        .drop(_COUNT)
    )


def _check_key(what: str, frame: pl.DataFrame, key: Sequence[str], shared: Sequence[str]) -> None:
    missing = [column for column in key if column not in shared]
    if missing:
        raise Permanent(
            f"{what}: no key column {', '.join(missing)} of the same type on both sides",
            f"Both have: {', '.join(shared)}.",
        )
    twice = frame.filter(pl.struct(key).is_duplicated())
    if twice.height:
        raise Permanent(
            f"{what}: {twice.height} rows share a key, such as {twice.select(key).row(0)}",
            "Give columns that identify a row, or no key.",
        )


def _parts(dataset: Dataset, kind: str) -> dict[str, Part]:
    return {part.name: part for part in dataset.parts if part.kind == kind}


def _schemas(parts: Mapping[str, Part]) -> dict[str, tuple[ColumnSchema, ...]]:
    return {name: part.columns for name, part in parts.items()}
