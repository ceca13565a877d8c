"""Texts too large for memory: the same rows and faults as `text_file` finds, block by block.

Lines that are sound rows by themselves (`quotes`) are read by polars, all others by the reader of
small files, which says in its own words what is wrong with them. A row may go on over a block's
end: the lines that have a say in it are read again with the next block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
import polars as pl

from flows.pipeline.ingest.blocks import and_last
from flows.pipeline.ingest.contents import Scratch
from flows.pipeline.ingest.large_encoding import PASSED_OVER, LargeText, headless, with_header
from flows.pipeline.ingest.large_widths import pieces_by_width
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.quotes import lines_of
from flows.pipeline.ingest.rows import LOOKAHEAD, BadRow, Rows, half_row, read_some
from flows.pipeline.ingest.table import LargeTable, Table

_MANY = 0.1
"""Share of lines that are not plain from which all of a block are read one by one."""
_NUMBER = "number"


def read_large_text(
    file: BinaryIO,
    layouts: Sequence[Layout],
    name: str,
    *,
    cut_short: bool = False,
    scratch: Scratch,
) -> LargeTable:
    """Return the table of a text; see `text_file.read_text`.

    Args:
        file: that can be read again from its beginning.
        layouts: those that its name allows.
        name: of the file.
        cut_short: the file ends early, so that its last line may be half a line.
        scratch: holds a copy where one is needed.

    Raises:
        UnknownLayout: its header is of no known layout.
        AmbiguousHeader: a column that is needed is there twice.
        UnreadableFile: most of its lines do not decode, or one is endless.
    """
    without = [layout for layout in layouts if layout.header or layout.widths]
    text = (
        headless(file, without[0], name) if without else with_header(file, layouts, name, scratch)
    )
    pieces = (
        pieces_by_width(text, cut_short)
        if text.layout.widths
        else _pieces(text, cut_short, bare=bool(without))
    )
    encoding = text.encoding.removesuffix("-sig")
    return LargeTable(name, text.layout, text.header, pieces, encoding)


def _pieces(text: LargeText, cut_short: bool, *, bare: bool) -> Iterator[Table]:
    """Yield the rows of each block.

    Args:
        text: the file.
        cut_short: it ends early.
        bare: it has no header: there blanks alone make no row, and the last line has an end.
    """
    number, left, left_lost = 0, b"", list[int]()
    for block, last in and_last(text.blocks()):
        data, lost = text.utf8(block)
        above = left.count(b"\n")
        found = _Block(text, left + data, [*left_lost, *(above + place for place in lost)], bare)
        table, number, (left, left_lost) = found.read(number, last, cut_short)
        yield table


class _Block:
    """The lines of one block, and of what was left of the one before."""

    def __init__(self, text: LargeText, data: bytes, lost: Sequence[int], bare: bool) -> None:
        self.text, self.header, self.delimiter = text, text.header, text.layout.delimiter
        self.ended = data.endswith(b"\n")
        self.data = data if self.ended else data + b"\n"
        blank = PASSED_OVER + b" " * bare
        lines = lines_of(self.data, self.delimiter, len(self.header), blank, lost)
        self.lines, self.lost = lines, lost
        self.count = len(lines.places)
        self.undecodable = set(np.searchsorted(lines.places, list(lost)).tolist())
        total = self.data.count(b"\n")
        ends_in_row = self.count > 0 and int(lines.places[-1]) == total - 1
        self.half = not self.ended and self.count > 0 and (bare or ends_in_row)
        self.open = not self.ended and ends_in_row and not bare

    def line(self, place: int) -> str:
        text = self.data[self.lines.starts[place] : self.lines.ends[place]].decode()
        return text if self.open and place == len(self.lines.places) - 1 else text + "\n"

    def read(
        self, number: int, last: bool, cut_short: bool
    ) -> tuple[Table, int, tuple[bytes, list[int]]]:
        """Return the rows, the number of the last, and what is left for the next block."""
        half = None
        if last and cut_short and self.half:
            self.count -= 1
            half = self.line(self.count)
        odd = np.flatnonzero(~self.lines.plain[: self.count])
        found = None
        if odd.size <= _MANY * self.count:
            found = self._mixed(odd.tolist(), number, last)
        if found is None:
            found = self._one_by_one(number, last)
        frame, bad, number, cut = found
        if half is not None:
            number += 1
            bad.append(half_row(half, number, self.header, self.delimiter))
        table = Table(
            self.text.name,
            self.text.layout,
            self.header,
            lambda place: frame[str(place)],
            frame[_NUMBER],
            bad,
            control=self.lines.control,
        )
        return table, number, self._left(cut, last)

    def _left(self, cut: int, last: bool) -> tuple[bytes, list[int]]:
        if last or cut >= self.count:
            return b"", []
        above = int(self.lines.places[cut])
        lost = [place - above for place in self.lost if place >= above]
        return self.data[self.lines.starts[cut] :], lost

    def _exact(self, start: int, stop: int, until: int) -> tuple[Rows, int]:
        undecodable = frozenset(
            place - start for place in self.undecodable if start <= place < stop
        )
        return read_some(
            [self.line(place) for place in range(start, stop)],
            until=until,
            header=self.header,
            delimiter=self.delimiter,
            undecodable=undecodable,
        )

    def _one_by_one(self, number: int, last: bool) -> tuple[pl.DataFrame, list[BadRow], int, int]:
        until = self.count if last else max(self.count - LOOKAHEAD, 0)
        rows, cut = self._exact(0, self.count, until)
        bad = [_numbered(one, one.number + number) for one in rows.bad]
        frame = self._frame(rows.good, [number + one for one in rows.numbers])
        return frame, bad, number + len(rows.good) + len(rows.bad), cut

    def _mixed(
        self, odd: Sequence[int], number: int, last: bool
    ) -> tuple[pl.DataFrame, list[BadRow], int, int] | None:
        """Read plain lines at once, and the others alone; None if polars saw other rows."""
        begins = np.ones(self.count, bool)
        single: list[tuple[int, Rows]] = []
        position, cut = 0, self.count
        for place in odd:
            if place < position:
                continue
            if not last and self.count - 1 - place < LOOKAHEAD:
                cut = place
                break
            quoted = self.data.find(b'"', self.lines.starts[place], self.lines.ends[place]) >= 0
            stop = min(place + LOOKAHEAD + 1, self.count) if quoted else place + 1
            rows, after = self._exact(place, stop, 1)
            position = place + after
            begins[place + 1 : position] = False
            single.append((place, rows))
        begins = begins[:cut]
        numbers = number + np.cumsum(begins)
        plain = np.flatnonzero(self.lines.plain[:cut] & begins)
        frame = self._parsed(plain)
        if frame.height != plain.size:
            return None
        frame = frame.with_columns(pl.Series(_NUMBER, numbers[plain], pl.Int64))
        good = [(int(numbers[place]), row) for place, rows in single for row in rows.good]
        if good:
            others = self._frame([row for _, row in good], [nth for nth, _ in good])
            frame = pl.concat([frame, others]).sort(_NUMBER)
        bad = [_numbered(one, int(numbers[at])) for at, rows in single for one in rows.bad]
        return frame, bad, int(numbers[-1]) if cut else number, cut

    def _places(self) -> list[int]:
        """Return the places of the fields that the layout knows."""
        return sorted(set(self.text.layout.matched(self.header).values()))

    def _parsed(self, plain: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pl.DataFrame:
        """Return the fields of plain lines, as polars reads them."""
        schema = {str(place): pl.String for place in range(len(self.header))}
        wanted = [str(place) for place in self._places()]
        if not plain.size:
            return pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
        if not wanted:
            return pl.DataFrame({_NUMBER: plain})
        starts, ends = self.lines.starts[plain], self.lines.ends[plain] + 1
        edges = np.flatnonzero(starts[1:] != ends[:-1])
        firsts = starts[np.append(0, edges + 1)].tolist()
        lasts = ends[np.append(edges, plain.size - 1)].tolist()
        text = b"".join(self.data[first:end] for first, end in zip(firsts, lasts, strict=True))
        return pl.read_csv(
            text.replace(b"\r\n", b"\n") if b"\r" in text else text,
            has_header=False,
            separator=self.delimiter,
            quote_char='"' if b'"' in text else None,
            schema=schema,
            columns=self._places(),
            empty_string_is_null=False,
        )

    def _frame(self, rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> pl.DataFrame:
        cells = {str(place): [row[place] for row in rows] for place in self._places()}
        frame = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String))
        return frame.with_columns(pl.Series(_NUMBER, numbers, pl.Int64))


def _numbered(bad: BadRow, number: int) -> BadRow:
    return BadRow(number, bad.text, bad.problem, bad.field)
