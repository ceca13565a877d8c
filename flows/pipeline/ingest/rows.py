"""From lines to rows: every good row, and every bad one by its number with what is wrong.

Rows are read by Python's csv module, strictly by the layout's delimiter. Two faults would cost
more than their own row and are cut off: a quote that is opened and never closed swallows the
rows below until the next quote, and a file that was cut short ends in half a row. In both cases
the damaged row alone is set aside, and reading goes on at the line below it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

SHOWN = 120
"""Characters of a bad row that its fault shows."""

MOST_LINES = 100
"""Of one row. A cell with line breaks has a few; without a bound, a file in which every line
opens a quote would be read to its end once for each of its lines."""

LOOKAHEAD = MOST_LINES + 1
"""Lines below the one where a row begins that may have a say in it."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was set aside.

    Attributes:
        number: below the header, 1 being the first row.
        text: its first characters, control characters replaced.
        problem: what is wrong.
        field: the header where it goes wrong; empty where that cannot be said.
    """

    number: int
    text: str
    problem: str
    field: str = ""


@dataclass
class Rows:
    """What the lines of a file held.

    Attributes:
        good: the fields of each good row.
        numbers: the row number of each; 1 is the first row below the header.
        bad: the others.
    """

    good: list[list[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


class _RunsOn(Exception):
    """A row goes on over more lines than a row has."""


class _Reader:
    """Reads the lines of one file; see `read_rows`."""

    def __init__(
        self,
        lines: Sequence[str],
        header: Sequence[str],
        delimiter: str,
        undecodable: frozenset[int],
        count: int,
    ) -> None:
        self.lines, self.count, self.undecodable = lines, count, undecodable
        self.header, self.delimiter = header, delimiter
        self.first = self.next = self.number = 0
        self.rows = Rows()

    def set_aside(self, problem: str, field: str = "", *, line: int | None = None) -> None:
        text = self.lines[self.first if line is None else line][: 4 * SHOWN]
        shown = "".join(sign if sign.isprintable() else " " for sign in text)
        bad = BadRow(self.number, " ".join(shown.split())[:SHOWN], problem, field)
        self.rows.bad.append(bad)

    def read_on(self, until: int) -> None:
        """Read until a row swallows others or a line is reached; go on at `self.next`."""
        reader = csv.reader(self._feed(), delimiter=self.delimiter)
        width = len(self.header)
        while self.next < until:
            self.first = self.next
            try:
                row = next(reader)
            except StopIteration:
                return
            except (csv.Error, _RunsOn) as error:
                self.number += 1
                self.set_aside(*self._why_not(error))
                self.next = self.first + 1
                return
            self.number += 1
            several = self.next - self.first > 1
            lost = not self.undecodable.isdisjoint(range(self.first, self.next))
            if several and (lost or self._swallowed(row)):
                self.set_aside("a quote is opened and not closed", self.field_of(self.first))
                self.next = self.first + 1
                return
            if lost:
                place = self.field_of(self.first, before="\ufffd")
                self.set_aside("it is not in the file's encoding", place)
            elif len(row) != width:
                place = self.header[len(row)].strip() if len(row) < width else ""
                self.set_aside(f"it has {len(row)} fields instead of {width}", place)
            else:
                self.rows.good.append(row)
                self.rows.numbers.append(self.number)

    def _feed(self) -> Iterator[str]:
        while self.next < self.count:
            if self.next - self.first > MOST_LINES:
                raise _RunsOn
            line = self.lines[self.next]
            self.next += 1
            yield line

    def _why_not(self, error: Exception) -> tuple[str, str]:
        if self.next - self.first > 1:
            return "a quote is opened and not closed", self.field_of(self.first)
        if "field larger" in str(error):
            problem = f"a field is longer than {csv.field_size_limit():,} characters"
            return problem, ""
        return "a line break stands in the middle of it", self.field_of(self.first, before="\r")

    def _swallowed(self, row: Sequence[str]) -> bool:
        """Say whether a row over several lines holds others.

        The quote that ends a swallowing cell is the opening quote of another row's, so that text
        follows it: strict reading refuses that. Where the other quote is a stray one (``5"``),
        the number of fields is wrong, or the cell holds half a row's delimiters.
        """
        if len(row) != len(self.header):
            return True
        lines = self.lines[self.first : self.next]
        try:
            next(csv.reader(iter(lines), delimiter=self.delimiter, strict=True))
        except csv.Error:
            return True
        half = (len(row) - 1) / 2
        return any("\n" in cell and cell.count(self.delimiter) >= half for cell in row)

    def field_of(self, line: int, before: str = "") -> str:
        """Return the header of the last field of a line, or of its part before some text."""
        text = self.lines[line].partition(before)[0] if before else self.lines[line].rstrip("\r\n")
        try:
            fields = next(csv.reader([text], delimiter=self.delimiter), [])
        except csv.Error:
            return ""
        place = max(len(fields), 1) - 1
        return self.header[place].strip() if place < len(self.header) else ""


def read_rows(
    lines: Sequence[str],
    *,
    header: Sequence[str],
    delimiter: str,
    undecodable: frozenset[int] = frozenset(),
    cut_short: bool = False,
) -> Rows:
    """Return the rows of a file's lines.

    A row has as many fields as the header. One too many is refused even where the last is empty:
    that may be a delimiter at the line's end, or a row whose prices moved one column on.

    Args:
        lines: below the header, line ends kept.
        header: its fields.
        delimiter: between fields.
        undecodable: places of lines that did not decode.
        cut_short: the file ends early, so that its last line, if it has no end, is half a line.
    """
    half = cut_short and bool(lines) and not lines[-1].endswith("\n")
    reader = _Reader(lines, header, delimiter, undecodable, len(lines) - half)
    while reader.next < reader.count:
        reader.read_on(reader.count)
    if half:
        reader.number += 1
        reader.set_aside(
            "the file ends in this row",
            reader.field_of(len(lines) - 1),
            line=len(lines) - 1,
        )
    return reader.rows


def read_some(
    lines: Sequence[str],
    *,
    until: int,
    header: Sequence[str],
    delimiter: str,
    undecodable: frozenset[int] = frozenset(),
) -> tuple[Rows, int]:
    """Return the rows that begin above a line, and the line at which the next one begins.

    They are those that `read_rows` finds if at least `LOOKAHEAD` lines follow, or none at all.

    Args:
        lines: that are whole, line ends kept; the first begins a row.
        until: the place of that line; rows may go on over it.
        header: the fields of the header.
        delimiter: between fields.
        undecodable: places of lines that did not decode.
    """
    reader = _Reader(lines, header, delimiter, undecodable, len(lines))
    while reader.next < until:
        reader.read_on(until)
    return reader.rows, reader.next


def half_row(line: str, number: int, header: Sequence[str], delimiter: str) -> BadRow:
    """Return the last row of a file that was cut short."""
    reader = _Reader([line], header, delimiter, frozenset(), 1)
    reader.number = number
    reader.set_aside("the file ends in this row", reader.field_of(0), line=0)
    return reader.rows.bad[0]
