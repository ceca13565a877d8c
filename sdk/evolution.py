"""Schema evolution: what may change between one publication of a dataset and the next.

Readers name columns. A new column disturbs none of them; a column or table that is lost, or
that comes back with another type, breaks them, often days later and far from the cause. So it
is an error at publication, before anything is written, unless the step's author says that it
is meant (``accept_schema_change=True``).

The same: a column without any values (type ``Null``) that gets a type. Not compared: the order
of columns, files, fallbacks (what is served in need says so itself, and is no model for later).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sdk.errors import CheckFailed
from sdk.manifest import ColumnSchema, Manifest

Schemas = Mapping[str, Sequence[ColumnSchema]]
"""The columns of each table, by its name."""


class SchemaChanged(CheckFailed):
    """A publication would lose or retype a column that an earlier one had.

    Like any failed check it is a matter of the data, so that no fallback hides it unasked.
    """


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two schemas.

    Attributes:
        table: the table's name.
        column: the column's; None if the whole table came or went.
        old: its type before; None if it is new.
        new: its type now; None if it is lost.
    """

    table: str
    column: str | None
    old: str | None
    new: str | None

    @property
    def breaks(self) -> bool:
        """Whether readers of the old schema would fail on the new one."""
        typed = self.old == "Null" and self.new is not None
        return self.old is not None and self.old != self.new and not typed

    def __str__(self) -> str:
        if self.column is None:
            return f"table {self.table!r} is {'new' if self.old is None else 'lost'}"
        what = f"column {self.column!r} of table {self.table!r}"
        if self.old is None:
            return f"{what} is new ({self.new})"
        if self.new is None:
            return f"{what} is lost (it was {self.old})"
        return f"{what} is {self.new}, it was {self.old}"


def schemas(manifest: Manifest) -> Schemas:
    """Return the schemas of a manifest's tables."""
    return {part.name: part.columns for part in manifest.parts if part.kind == "table"}


def compare(old: Schemas, new: Schemas) -> tuple[Change, ...]:
    """Return what differs, lost and retyped columns in their old order, then new ones."""
    changes: list[Change] = []
    for table, before in old.items():
        if table not in new:
            changes.append(Change(table, None, "table", None))
            continue
        types = {column.name: column.type for column in new[table]}
        changes.extend(
            Change(table, column.name, column.type, types.get(column.name))
            for column in before
            if types.get(column.name) != column.type
        )
    for table, now in new.items():
        if table not in old:
            changes.append(Change(table, None, None, "table"))
            continue
        known = {column.name for column in old[table]}
        changes.extend(
            Change(table, column.name, None, column.type)
            for column in now
            if column.name not in known
        )
    return tuple(changes)


def check(what: str, earlier: Manifest, new: Schemas) -> None:
    """Check that a publication breaks no reader of an earlier one.

    Args:
        what: the dataset that is being published.
        earlier: the newest fresh manifest before it.
        new: the schemas to be published.

    Raises:
        SchemaChanged: it does; every broken column is named with its old and new type.
    """
    broken = [str(change) for change in compare(schemas(earlier), new) if change.breaks]
    if broken:
        raise SchemaChanged(
            f"dataset {what}: {'; '.join(broken)} (in v{earlier.version} of {earlier.day})",
            "Mend the step, or say accept_schema_change=True on it if its readers know.",
        )
