"""Tables of the page, described once: which columns of which mart, and how each value is written.

The page's own rows, the data that its filters work on, and the tests are all made from these
descriptions, so that none of them can say something else than the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl
from markupsafe import Markup, escape

from flows.pipeline.reporting import formats

Kind = Literal[
    "product",  # a name, below it a code
    "name",  # text of strangers, isolated for its direction
    "sentence",  # our own words, with strangers' names in them
    "word",  # one of a few of our own words
    "money",
    "signed_money",
    "percent",
    "share",
    "index",
    "count",
    "number",
    "date",
]

WRITTEN: Mapping[Kind, Callable[[Any], str]] = {
    "product": formats.text,
    "name": formats.text,
    "sentence": formats.text,
    "word": formats.text,
    "money": formats.money,
    "signed_money": formats.signed_money,
    "percent": formats.percent,
    "share": formats.share,
    "index": formats.index,
    "count": formats.count,
    "number": formats.number,
    "date": formats.moment,
}
"""How a value of each kind is written: `formats`, nothing else."""

TEXTS = frozenset({"product", "name", "sentence", "word", "date"})
"""Kinds that stand at the start of their column."""

FIRST = 10
"""Rows of a table that stand in the page itself: what a person reads before filtering."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: its heading.
        source: column of the table's frame.
        kind: how a value is written.
        code: of a product: the column of its code; the first that is there of several.
        tone: ``sign``: above 0 is dearer; ``even``: above 100 is dearer; ``bad``: above 0 is bad.
        bar: show a share as a bar, too.
        filtered: offer its values as a filter of the table.
        role: what the page's own filters know it as: ``customer``, ``seller``,
            ``brand`` or ``category``.
        words: what its values are called.
        bad: of a word: values that stand out.
    """

    title: str
    source: str
    kind: Kind = "name"
    code: tuple[str, ...] = ()
    tone: Literal["", "sign", "even", "bad"] = ""
    bar: bool = False
    filtered: bool = False
    role: Literal["", "customer", "seller", "brand", "category"] = ""
    words: Mapping[Any, str] = field(default_factory=dict)
    bad: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether it stands at the start of its column."""
        return self.kind in TEXTS

    def value(self, row: Mapping[str, Any]) -> Any:
        """Return the value in a row, in our words where there are any."""
        found = row[self.source]
        return self.words.get(found, found) if self.words else found

    def code_of(self, row: Mapping[str, Any]) -> str:
        """Return a product's code."""
        return next((str(row[name]) for name in self.code if row[name]), "")

    def written(self, row: Mapping[str, Any]) -> str:
        """Return what the page says."""
        return WRITTEN[self.kind](self.value(row))

    def tone_of(self, row: Mapping[str, Any]) -> str:
        """Return the class of a value: ``dear``, ``cheap`` or none."""
        value = row[self.source]
        if value in self.bad:
            return "dear"
        if not self.tone or value is None:
            return ""
        even = 100 if self.tone == "even" else 0
        if value > even:
            return "dear"
        return "cheap" if value < even and self.tone != "bad" else ""


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        name: unique in the page.
        frame: its rows, what matters most first.
        columns: what is shown of them.
        title: its heading; empty where the section's is enough.
        about: what it says, in a sentence.
        lacking: said instead of a table without rows: what is not there, and why.
        explored: all its rows are in the page's data, to be filtered and sorted; else all of them
            stand in the page itself.
        searched: offer a field to search its texts.
        order: column that it is sorted by when opened, and whether downwards; None: as it is.
        strong: column whose truth makes a row stand out.
        main: the table of its page of which as many rows as fit are in the page's data.
    """

    name: str
    frame: pl.DataFrame
    columns: tuple[Column, ...]
    title: str = ""
    about: str = ""
    lacking: str = ""
    explored: bool = False
    searched: bool = True
    order: tuple[str, bool] | None = None
    strong: str = ""
    main: bool = False

    def first(self) -> list[dict[str, Any]]:
        """Return the rows that stand in the page itself."""
        return (self.frame.head(FIRST) if self.explored else self.frame).to_dicts()


def cell(column: Column, row: Mapping[str, Any]) -> Markup:
    """Return a cell's content as HTML, everything of the data escaped."""
    said = escape(column.written(row))
    if column.kind == "product":
        code = escape(column.code_of(row))
        return Markup('<bdi>{}</bdi> <span class="code">{}</span>').format(said, code)
    if column.kind == "name":
        return Markup("<bdi>{}</bdi>").format(said)
    if column.kind == "sentence":
        return Markup('<bdi dir="ltr">{}</bdi>').format(said)
    value = row[column.source]
    if column.bar and value is not None:
        width = f"{min(100.0, max(0.0, 100 * float(value))):.1f}%"
        return Markup('<span class="bar" style="--to:{}"></span>{}').format(width, said)
    return said
