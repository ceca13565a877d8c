"""From lines to rows: every good row, and every bad one by its number with what is wrong.

Rows are read by Python's csv module, strictly by the layout's delimiter. Two faults would cost
more than their own row and are cut off: a quote that is opened and never closed swallows the
rows below until the next quote, and a file that was cut short ends in half a row. In both cases
the damaged row alone is set aside.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field

SHOWN = 120
"""Characters of a bad row that its fault shows."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was set aside: its number below the header, its text, and what is wrong."""

    number: int
    text: str
    problem: str


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

    def set_aside(self, number: int, text: str, problem: str) -> None:
        """Add a bad row."""
        self.bad.append(BadRow(number, " ".join(text.split())[:SHOWN], problem))


def read_rows(
    lines: Sequence[str | None], *, width: int, delimiter: str, cut_short: bool = False
) -> Rows:
    """Return the rows of a file's lines.

    Args:
        lines: below the header, line ends kept; None for a line that does not decode.
        width: how many fields a row has.
        delimiter: between fields.
        cut_short: the file ends early, so its last row may be half a row.
    """
    rows = Rows()
    count = len(lines)
    if cut_short and count:
        count -= 1
    start, number = 0, 0
    while start < count:
        start, number = _read_until_damage(lines, start, count, number, width, delimiter, rows)
    if count < len(lines):
        rows.set_aside(number + 1, lines[count] or "", "the file ends in this row")
    return rows


def _read_until_damage(
    lines: Sequence[str | None],
    start: int,
    count: int,
    number: int,
    width: int,
    delimiter: str,
    rows: Rows,
) -> tuple[int, int]:
    """Read on until a row swallows others; return the line and the row number to go on from."""
    position = start

    def feed() -> object:
        nonlocal position
        while position < count:
            line = lines[position]
            position += 1
            # A line that does not decode must still be one row, whatever stood in it.
            yield "\0undecodable\n" if line is None else line

    reader = csv.reader(feed(), delimiter=delimiter)  # type: ignore[arg-type]
    while True:
        first = position
        try:
            row = next(reader)
        except StopIteration:
            return count, number
        except csv.Error as error:
            number += 1
            rows.set_aside(number, lines[first] or "", f"it cannot be read ({error})")
            return first + 1, number
        number += 1
        if position - first > 1 and _swallowed(row, width, delimiter):
            rows.set_aside(number, lines[first] or "", "a quote is opened and not closed")
            return first + 1, number
        if lines[first] is None:
            rows.set_aside(number, "", "it is not in the file's encoding")
        elif len(row) != width:
            problem = f"it has {len(row)} fields instead of {width}"
            rows.set_aside(number, delimiter.join(row), problem)
        else:
            rows.good.append(row)
            rows.numbers.append(number)


def _swallowed(row: Sequence[str], width: int, delimiter: str) -> bool:
    """Say whether a row over several lines holds others: a cell with half a row's separators."""
    if len(row) != width:
        return True
    return any("\n" in cell and cell.count(delimiter) >= (width - 1) / 2 for cell in row)
