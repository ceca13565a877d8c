"""What a check is.

A *row check* is a polars expression that is true for a good row: all row checks of a table are
computed in one `select`, and a null counts as good (missing values are the business of
`not_null`). A *table check* looks at the table as a whole, after bad rows were set aside.

Row checks do not see each other: of two rows with one key the second is a duplicate even if the
first is set aside for another reason.

Levels: ``warn`` says so and goes on; ``quarantine`` sets the bad rows aside, in a dataset of
their own with the reason, and goes on with the rest, unless their share is above the check's
threshold: then it blocks; ``block`` fails the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import polars as pl

from sdk.archive import Archive
from sdk.dataset import Dataset, DatasetKey
from sdk.errors import CheckFailed
from sdk.manifest import CheckResult
from sdk.table_file import TableFile

Level = Literal["warn", "quarantine", "block"]

QUARANTINE_CAP = 0.05
"""Above this share of bad rows it is not the rows that are wrong but the source."""


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What a table check may look at beside the rows.

    Attributes:
        key: of the dataset that is being made, where the step publishes one.
        store: where its history is.
        recorded: what the step recorded of itself.
        parameters: the step's arguments by name; datasets and frames among them can be referred
            to.
        table: which of the step's tables is looked at; for a check before a step, which of its
            parameters. None where nobody said.
    """

    key: DatasetKey | None = None
    store: Archive | None = None
    recorded: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    table: str | None = None

    def frame(self, parameter: str, table: str | None = None) -> pl.DataFrame:
        """Return a table among the step's arguments.

        Raises:
            CheckFailed: there is none of that name.
        """
        value = self.parameters.get(parameter)
        if isinstance(value, Mapping) and table is not None:
            value = value.get(table)
        if isinstance(value, Dataset):
            return value.frame(table)
        if isinstance(value, pl.LazyFrame):
            return value.collect()
        if isinstance(value, pl.DataFrame):
            return value
        given = ", ".join(self.parameters) or "none"
        raise CheckFailed(
            f"a check refers to parameter {parameter!r}, which is no table",
            f"The step's parameters are: {given}.",
        )


@dataclass(frozen=True)
class RowCheck:
    """A condition on single rows.

    Attributes:
        name: shown in manifests and reports; names the column.
        good: true for a good row; null counts as good. A function of schema and context where
            the expression depends on the column's type or on another table.
        level: what happens otherwise.
        at_most: the share of bad rows up to which the check passes (warn, block), or up to
            which bad rows are set aside rather than the step blocked (quarantine).
        columns: what the reason of a bad row shows.
        key: of a condition that looks at other rows, the columns that no two rows may share;
            empty for all of them. None for one that looks at single rows.
    """

    name: str
    good: pl.Expr | Callable[[pl.Schema, CheckContext], pl.Expr]
    level: Level
    at_most: float
    columns: tuple[str, ...] = ()
    key: tuple[str, ...] | None = None

    def bad(self, schema: pl.Schema, context: CheckContext) -> pl.Expr:
        """Return the expression that is true for a bad row, and never null."""
        good = self.good if isinstance(self.good, pl.Expr) else self.good(schema, context)
        return ~good.fill_null(True)


@dataclass(frozen=True)
class TableCheck:
    """A condition on the whole table.

    Attributes:
        look: returns the result; may read the history through the context.
        look_at_file: the same for a table that is too large for memory; None where `look` needs
            a frame.
    """

    name: str
    look: Callable[[pl.DataFrame, CheckContext], CheckResult]
    look_at_file: Callable[[TableFile, CheckContext], CheckResult] | None = None


Check: TypeAlias = RowCheck | TableCheck


def tolerance(level: Level, at_most: float | None) -> float:
    """Return a row check's threshold; the default depends on its level.

    Raises:
        ValueError: it is no fraction.
    """
    value = at_most if at_most is not None else (QUARANTINE_CAP if level == "quarantine" else 0.0)
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"at_most is a fraction of the rows from 0 to 1, not {value}")
    return value
