"""The sections of the page: what a reader asks, in the order in which they ask it."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from flows.pipeline.reporting.tables import Table


@dataclass(frozen=True)
class Figure:
    """A chart, with what it shows in words."""

    svg: Markup
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of the page with its own heading.

    Attributes:
        name: its anchor.
        title: its heading.
        question: what it answers, in a sentence.
        cards: names of the figures at its top, with their market.
        parts: charts and tables, in their order.
        notes: sentences at its end.
    """

    name: str
    title: str
    question: str
    cards: tuple[tuple[str, str], ...] = ()
    parts: tuple[Figure | Table, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def tables(self) -> list[Table]:
        """Its tables."""
        return [part for part in self.parts if isinstance(part, Table)]

    @property
    def figures(self) -> list[Figure]:
        """Its charts."""
        return [part for part in self.parts if isinstance(part, Figure)]
