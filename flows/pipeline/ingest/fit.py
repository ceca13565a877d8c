"""Which layout a header line is of, and what to say when it is of none."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from flows.pipeline.ingest.errors import AmbiguousHeader, UnknownLayout
from flows.pipeline.ingest.layout import Layout, visible

_SHOWN, _SHOWN_CHARACTERS = 8, 40
"""Headers of an unknown file that its error shows, and characters of each."""


@dataclass(frozen=True)
class Fit:
    """How a header line and a layout go together.

    Attributes:
        layout: the layout.
        header: the fields of the line, separated by the layout's delimiter.
        known: how many of the layout's columns are among them.
        missing: headers of its required columns that are not; none: the file is of this layout.
    """

    layout: Layout
    header: list[str]
    known: int
    missing: list[str]


def best_fit(line: str, layouts: Sequence[Layout]) -> Fit | None:
    """Return the layout that a header line fits best, completely or not.

    None if there are no layouts, or the line cannot be separated at all.
    """
    fits = []
    for layout in layouts:
        try:
            header = next(csv.reader([line], delimiter=layout.delimiter), [])
        except csv.Error:
            continue
        fits.append(_fit(header, layout))
    return _best(fits)


def best_of(header: Sequence[str], layouts: Sequence[Layout]) -> Fit | None:
    """Return the layout that a header fits best, completely or not; None without layouts."""
    return _best([_fit(list(header), layout) for layout in layouts])


def _fit(header: list[str], layout: Layout) -> Fit:
    return Fit(layout, header, len(layout.matched(header)), layout.missing(header))


def _best(fits: Sequence[Fit]) -> Fit | None:
    return max(
        fits,
        key=lambda fit: (
            not fit.missing,
            fit.layout.files is not None,  # one that names its files is meant for them
            fit.known,
            len(fit.header),
            fit.layout.name,
        ),
        default=None,
    )


def unknown_layout(fit: Fit | None, file: str) -> UnknownLayout:
    """Return the error for a file that fits no layout: what it has and what is missing."""
    if fit is None:
        return UnknownLayout(
            f"file {file} has no header that can be read, or no layouts are known",
            "Have it delivered with a header, or add a layout to flows/pipeline/ingest/layouts/.",
            file=file,
        )
    seen = ", ".join(visible(name)[:_SHOWN_CHARACTERS] for name in fit.header[:_SHOWN])
    printable = "".join(sign if sign.isprintable() else "\ufffd" for sign in seen)
    return UnknownLayout(
        f"file {file} has the headers of no known layout: {printable}"
        f" (closest is {fit.layout.name}, without {', '.join(fit.missing)})",
        "Add these names to that layout in flows/pipeline/ingest/layouts/, or add a layout.",
        file=file,
        field=fit.missing[0] if fit.missing else "",
    )


def ambiguous_header(fit: Fit, file: str) -> AmbiguousHeader | None:
    """Return the error for a file that has a column it is read by twice, None if it has not."""
    repeated = fit.layout.repeated(fit.header)
    if not repeated:
        return None
    return AmbiguousHeader(
        f"file {file} has the column {repeated[0]} more than once",
        "Ask which of them counts, and have the other renamed or left out.",
        file=file,
        field=repeated[0],
    )
