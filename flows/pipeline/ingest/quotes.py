"""Which lines of a block hold one sound row each, decided for all of them at once.

A line is *plain* where whatever reads rows strictly by the delimiter makes one whole row of it,
whatever stands on the lines around: it has as many fields as the header, and its quotes open at
the beginning of a field and close at its end. Such lines can be given to any fast reader. All
others go, one by one, to `rows.read_rows`, which alone decides what is wrong with them.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_QUOTE, _LINE_FEED, _RETURN, _TAB, _DELETE = 34, 10, 13, 9, 127
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Lines:
    """The lines of a block that are not blank.

    Attributes:
        places: of each line among all lines of the block.
        starts: of each line in the block.
        ends: of each line, where its line feed stands.
        plain: whether it is plain; see the module.
        control: whether the block holds control characters that a cell is cleaned of.
    """

    places: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    plain: NDArray[np.bool_]
    control: bool


def lines_of(
    data: bytes, delimiter: str, width: int, blank: bytes, lost: Sequence[int] = ()
) -> Lines:
    """Return the lines of a block.

    Args:
        data: UTF-8 that ends with a line feed.
        delimiter: between fields.
        width: how many fields a row has.
        blank: what a line may consist of that is passed over.
        lost: places of lines that did not decode.
    """
    block = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(block == _LINE_FEED)
    starts = np.concatenate((np.zeros(1, ends.dtype), ends[:-1] + 1))
    sign = delimiter.encode()
    if len(sign) > 1:
        odd = np.ones(len(ends), bool)
    else:
        odd, fields = _quoted(block, starts, ends, sign[0])
        odd |= fields != width
    odd |= ends - starts > csv.field_size_limit()
    returns = np.flatnonzero(block == _RETURN)
    alone = returns[block[returns + 1] != _LINE_FEED] if returns.size else returns
    odd[np.searchsorted(ends, alone)] = True
    expected = ends.size + returns.size + int(np.count_nonzero(block == _TAB))
    control = int(np.count_nonzero(block < 32)) > expected or bool((block == _DELETE).any())
    if control:
        odd[np.searchsorted(ends, np.flatnonzero(block == 0))] = True
    odd[list(lost)] = True
    first = block[starts]
    kept = np.ones(len(ends), bool)
    for place in np.flatnonzero(np.isin(first, np.frombuffer(blank + b"\n", np.uint8))):
        kept[place] = bool(data[starts[place] : ends[place]].strip(blank))
    for place in np.flatnonzero(first == _MARK[0]):
        # At the beginning of what it is given, a reader takes it for a byte order mark.
        odd[place] |= data.startswith(_MARK, int(starts[place]))
    return Lines(np.flatnonzero(kept), starts[kept], ends[kept], ~odd[kept], control)


def _quoted(
    block: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], sign: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which lines have quotes where none may be, and each line's number of fields."""
    odd = np.zeros(len(ends), bool)
    separators = np.flatnonzero(block == sign)
    fields = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
    quotes = np.flatnonzero(block == _QUOTE)
    if not quotes.size:
        return odd, fields
    line = np.searchsorted(ends, quotes)
    first = np.searchsorted(quotes, starts)
    nth = np.arange(quotes.size) - first[line]
    opens = nth % 2 == 0
    before, after = block[np.maximum(quotes - 1, 0)], block[quotes + 1]
    # A quote that is doubled closes and opens again.
    may_open = (quotes == starts[line]) | (before == sign) | ((before == _QUOTE) & (nth > 0))
    further = block[np.minimum(quotes + 2, block.size - 1)]
    line_ends = (after == _LINE_FEED) | ((after == _RETURN) & (further == _LINE_FEED))
    may_close = (after == sign) | (after == _QUOTE) | line_ends
    odd[line[~np.where(opens, may_open, may_close)]] = True
    odd |= np.diff(np.append(first, quotes.size)) % 2 == 1
    of_line = np.searchsorted(ends, separators)
    inside = (np.searchsorted(quotes, separators) - first[of_line]) % 2 == 1
    fields = fields - np.bincount(of_line[inside], minlength=len(ends))
    return odd, fields
