"""Texts of fixed width too large for memory: lines are cut as `text_file` cuts them, by columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

from flows.pipeline.ingest.blocks import and_last
from flows.pipeline.ingest.large_encoding import LargeText
from flows.pipeline.ingest.rows import SHOWN, BadRow
from flows.pipeline.ingest.table import Cells, Table


def pieces_by_width(text: LargeText, cut_short: bool) -> Iterator[Table]:
    """Yield the rows of each block.

    Args:
        text: the file.
        cut_short: it ends early, so that its last line may be half a line.
    """
    number = 0
    layout = text.layout
    needed = [(name, layout.widths[name][0]) for name in layout.required if name in layout.widths]
    for block, last in and_last(text.blocks()):
        data = text.utf8(block)[0].decode()
        lines = pl.Series("line", data.split("\n"), pl.String)
        lines = lines.filter(lines.str.strip_chars("\r\x1a ") != "").str.strip_chars_end("\r\n")
        numbers = pl.int_range(number + 1, number + 1 + lines.len(), eager=True)
        number += lines.len()
        half = last and cut_short and not data.endswith("\n") and lines.len() > 0
        length = lines.str.len_chars()
        short = pl.Series([False]).new_from_index(0, lines.len())
        for _, first in needed:
            short |= length < first
        if half:
            short[-1] = True
        bad = []
        for place in short.arg_true():
            line = lines[place]
            name = next((name for name, first in needed if len(line) < first), "")
            problem, field = f"it ends at character {len(line)}", name
            if half and place == lines.len() - 1:
                problem, field = "the file ends in this row", ""
            bad.append(BadRow(int(numbers[place]), line[:SHOWN], problem, field))
        good = lines.filter(~short)
        yield Table(
            text.name, layout, text.header, _cutter(good, text), numbers.filter(~short), bad
        )


def _cutter(lines: pl.Series, text: LargeText) -> Callable[[int], Cells]:
    widths = list(text.layout.widths.values())

    def column(place: int) -> Cells:
        first, last = widths[place]
        return lines.str.slice(first - 1, last - first + 1)

    return column
