"""Records: nested values, as JSON, XML and Parquet have them, become a table.

Each record is a mapping of names to texts, lists and mappings. The table's header is every path
that leads to a text in any record, so that a column that only half the records have is there;
what stands above the list of records and holds for all of them is a column, too, under a path
that begins with a slash. Depth, breadth and the number of paths are bounded: a file is input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.rows import BadRow
from flows.pipeline.ingest.table import Cells, Table, chosen

Steps: TypeAlias = tuple[str | int, ...]
"""Names and places of a list, from a record to a text in it."""

MOST_DEPTH: Final = 8
"""Levels of a record that are looked into."""
MOST_ITEMS: Final = 8
"""Elements of a list in a record that get a path; a gallery may have hundreds."""
MOST_PATHS: Final = 5_000
"""Different paths of a file. Beyond it its names are not names but data."""


@dataclass(frozen=True)
class Records:
    """The records of a file.

    Attributes:
        items: each a mapping; what is none was set aside.
        numbers: of the items; 1 is the first record.
        context: what holds for all of them, by path.
        bad: what was set aside.
        damage: why the file is not whole; empty when it is.
        encoding: of its text.
    """

    items: Sequence[Mapping[str, Any]]
    numbers: Sequence[int]
    context: Mapping[str, str] = field(default_factory=dict)
    bad: Sequence[BadRow] = ()
    damage: str = ""
    encoding: str = ""


def records_of(values: Sequence[Any]) -> tuple[list[Mapping[str, Any]], list[int], list[BadRow]]:
    """Return those values that are mappings with their numbers, and the others as bad rows."""
    items: list[Mapping[str, Any]] = []
    numbers: list[int] = []
    bad: list[BadRow] = []
    for number, value in enumerate(values, 1):
        if isinstance(value, Mapping):
            items.append(value)
            numbers.append(number)
        else:
            bad.append(BadRow(number, str(value)[:120], "it is no record with names"))
    return items, numbers, bad


def table_of(records: Records, layouts: Sequence[Layout], name: str) -> Table:
    """Return the records as a table.

    Raises:
        UnreadableFile: there are none.
        UnknownLayout: their paths are the headers of no known layout.
        AmbiguousHeader: two paths that are needed read alike.
    """
    if not records.items:
        raise no_records(name, records.damage)
    header: dict[str, Steps] = dict.fromkeys(records.context, ())
    add_paths(header, records.items, name)
    paths = list(header)
    fit = chosen(paths, layouts, name)

    def column(place: int) -> Cells:
        path = paths[place]
        if path in records.context:
            return [records.context[path]] * len(records.items)
        return texts_at(records.items, header[path])

    return Table(
        name=name,
        layout=fit.layout,
        header=paths,
        column=column,
        numbers=records.numbers,
        bad=records.bad,
        encoding=records.encoding,
        damage=records.damage,
    )


def no_records(name: str, damage: str = "") -> UnreadableFile:
    """Return the error for a file without records."""
    why = f": {damage}" if damage else ""
    return UnreadableFile(
        f"file {name} holds no records{why}",
        "Ask for the file again, or give the path to its list as `items` of its layout.",
        file=name,
    )


def add_paths(header: dict[str, Steps], items: Sequence[Mapping[str, Any]], name: str) -> None:
    """Add the paths of all texts in some records to those of a file.

    Raises:
        UnreadableFile: there are more than names can be.
    """
    for item in items:
        for steps, _ in flat(item):
            header.setdefault(path_of(steps), steps)
        if len(header) > MOST_PATHS:
            raise UnreadableFile(
                f"file {name} has more than {MOST_PATHS:,} different names of values",
                "They look like data, not like names: give the path to the list of products as"
                " `items` of its layout.",
                file=name,
            )


def texts_at(items: Sequence[Mapping[str, Any]], steps: Steps) -> list[str | None]:
    """Return the text of each record at a path."""
    return [_at(item, steps) for item in items]


def flat(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, str]]:
    """Yield every text of a record with the steps that lead to it; what is null is left out."""
    if isinstance(value, Mapping):
        if len(steps) < MOST_DEPTH:
            for key, inner in value.items():
                yield from flat(inner, (*steps, str(key)))
    elif isinstance(value, list | tuple):
        if len(steps) < MOST_DEPTH:
            for place, inner in enumerate(value[:MOST_ITEMS]):
                yield from flat(inner, (*steps, place))
    elif value is not None:
        yield steps, text_of(value)


def path_of(steps: Steps) -> str:
    """Return steps as a layout writes them: ``price.regular.value``, ``images[0]``."""
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return written.removeprefix(".")


def text_of(value: object) -> str:
    """Return a value as the text that a price file would hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))  # a barcode that went through a spreadsheet
    return str(value)


def _at(value: Any, steps: Steps) -> str | None:
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return None if value is None or isinstance(value, Mapping | list | tuple) else text_of(value)
