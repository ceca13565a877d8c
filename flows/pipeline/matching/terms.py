"""Terms: folded texts become rows of numbers, without a dictionary of words.

A million titles hold tens of millions of words and letter groups; as Python strings they cost
minutes and gigabytes. Here the texts of a batch are one array of code points, and every term is a
64-bit polynomial hash taken over it, compiled: the same text gives the same hash on every
machine, and a vocabulary is a sorted array that can be mapped into memory.

Kinds of term: ``words`` between blanks; ``joins`` of two neighbouring words, written as one
(``ps lx350h`` meets ``pslx350h``); ``runs`` of letters or of digits inside a word (``75ml`` meets
``75 ml``); ``grams`` of letters across the blanks. Each word has a class, from its characters
alone: a word, a number, or a code (letters with digits, or a long number: most model numbers).

Two terms share a hash with probability below 1e-6 in a vocabulary of five million (birthday
bound); no attacker's texts are defended against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.pipeline.matching.arrays import Hashes, Ints
from flows.pipeline.matching.compiled import compiled

WORD, NUMBER, CODE = 0, 1, 2
LONG_NUMBER: Final = 5
"""Digits from which a bare number is taken for a code: below are sizes, years and counts."""

_BASE: Final = np.uint64(0x9E3779B97F4A7C15 | 1)
_LONGEST: Final = 512
with np.errstate(over="ignore"):
    _POWERS: Final[Hashes] = np.concatenate(
        [np.ones(1, np.uint64), np.cumprod(np.full(_LONGEST, _BASE, np.uint64))]
    )
_BLANK, _END = 32, 10


@dataclass(frozen=True)
class Terms:
    """Terms of a batch of texts, text by text.

    Attributes:
        starts: where the terms of each text start, and where the last ones end.
        hashes: of the terms; within a text sorted, each once.
        classes: WORD, NUMBER or CODE.
    """

    starts: Ints
    hashes: Hashes
    classes: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def rows(self) -> Ints:
        """Which text each term is of."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def __add__(self, other: Terms) -> Terms:
        """The terms of two lists of as many texts, text by text."""
        return _grouped(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.hashes, other.hashes]),
            np.concatenate([self.classes, other.classes]),
            len(self),
        )


def words(texts: pl.Series, *, joins: bool = False, runs: bool = False) -> Terms:
    """Return the words of folded texts, on request with joins and runs.

    Args:
        texts: folded; no nulls.
        joins: also each two neighbouring words written as one.
        runs: also the runs of letters and of digits of words that hold both.
    """
    points = _points(texts)
    most = 3 * len(points)
    rows, hashes = np.empty(most, np.int64), np.empty(most, np.uint64)
    classes = np.empty(most, np.int8)
    found = _word_terms(points, _POWERS, joins, runs, rows, hashes, classes)
    return _grouped(rows[:found], hashes[:found], classes[:found], len(texts))


def grams(texts: pl.Series, size: int = 3) -> Terms:
    """Return the letter groups of folded texts, blanks left out, so that joins do not matter.

    A text shorter than ``size`` gives none.
    """
    points = _points(texts)
    rows, hashes = np.empty(len(points), np.int64), np.empty(len(points), np.uint64)
    found = _gram_terms(points, _POWERS, size, rows, hashes)
    return _grouped(rows[:found], hashes[:found], np.zeros(found, np.int8), len(texts))


def _points(texts: pl.Series) -> NDArray[np.uint32]:
    """Code points of all texts, each closed by a line end."""
    joined = (texts.to_frame("t").select(pl.col("t").str.join("\n")).item() or "") + "\n"
    return (
        np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32)
        if len(texts)
        else np.zeros(0, np.uint32)
    )


def _grouped(rows: Ints, hashes: Hashes, classes: NDArray[np.int8], count: int) -> Terms:
    starts = np.zeros(count + 1, np.int64)
    out, kinds = np.empty(len(rows), np.uint64), np.empty(len(rows), np.int8)
    kept = _group(rows, hashes, classes, starts, out, kinds)
    return Terms(starts, out[:kept].copy(), kinds[:kept].copy())


@compiled
def _mix(value: Any) -> Any:  # pragma: no cover - compiled
    """Spread a code point over 64 bits (the finaliser of splitmix64, Steele et al. 2014)."""
    mixed = np.uint64(value) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@compiled
def _kind(digits: int, length: int) -> int:  # pragma: no cover - compiled
    if digits == 0:
        return WORD
    return CODE if digits < length or length >= LONG_NUMBER else NUMBER


@compiled
def _is_digit(point: Any) -> bool:  # pragma: no cover - compiled
    """ASCII digits and the point: NFKD has already made full-width forms plain."""
    return bool((48 <= point <= 57) or point == 46)


@compiled
def _word_terms(  # pragma: no cover - compiled
    points: Any, powers: Any, joins: bool, runs: bool, rows: Any, hashes: Any, classes: Any
) -> int:
    found, row, start, digits = 0, 0, 0, 0
    value = np.uint64(0)
    before, before_length, before_kind = np.uint64(0), 0, -1
    for place in range(points.shape[0]):
        point = points[place]
        if point != _BLANK and point != _END:
            value += _mix(point) * powers[min(place - start, _LONGEST)]
            digits += _is_digit(point)
            continue
        length = place - start
        if length:
            kind = _kind(digits, length)
            rows[found], hashes[found], classes[found] = row, value, kind
            found += 1
            if joins and before_kind >= 0:
                rows[found] = row
                hashes[found] = before + powers[min(before_length, _LONGEST)] * value
                classes[found] = WORD if kind == WORD and before_kind == WORD else CODE
                found += 1
            if runs and 0 < digits < length:
                found = _runs(points, start, place, powers, row, rows, hashes, classes, found)
            before, before_length, before_kind = value, length, kind
        if point == _END:
            row += 1
            before_kind = -1
        start, digits, value = place + 1, 0, np.uint64(0)
    return found


@compiled
def _runs(  # pragma: no cover - compiled
    points: Any,
    start: int,
    stop: int,
    powers: Any,
    row: int,
    rows: Any,
    hashes: Any,
    classes: Any,
    found: int,
) -> int:
    """Add the runs of letters and of digits of one word."""
    first = start
    value = np.uint64(0)
    for place in range(start, stop + 1):
        if place == stop or (
            place > first and _is_digit(points[place]) != _is_digit(points[first])
        ):
            length = place - first
            digits = length if _is_digit(points[first]) else 0
            rows[found], hashes[found], classes[found] = row, value, _kind(digits, length)
            found += 1
            first, value = place, np.uint64(0)
        if place < stop:
            value += _mix(points[place]) * powers[min(place - first, _LONGEST)]
    return found


@compiled
def _gram_terms(  # pragma: no cover - compiled
    points: Any, powers: Any, size: int, rows: Any, hashes: Any
) -> int:
    found, row, held = 0, 0, 0
    window = np.zeros(size, np.uint64)
    for place in range(points.shape[0]):
        point = points[place]
        if point == _END:
            row += 1
            held = 0
        elif point != _BLANK:
            window[:-1] = window[1:].copy()
            window[-1] = _mix(point)
            held += 1
            if held >= size:
                value = np.uint64(0)
                for at in range(size):
                    value += window[at] * powers[at]
                rows[found], hashes[found] = row, value
                found += 1
    return found


@compiled
def _group(  # pragma: no cover - compiled
    rows: Any, hashes: Any, classes: Any, starts: Any, out: Any, kinds: Any
) -> int:
    """Sort terms by row and hash, each once with its highest class; return how many are left."""
    for place in range(rows.shape[0]):
        starts[rows[place] + 1] += 1
    for row in range(starts.shape[0] - 1):
        starts[row + 1] += starts[row]
    filled = starts[:-1].copy()
    for place in range(rows.shape[0]):
        at = filled[rows[place]]
        out[at], kinds[at] = hashes[place], classes[place]
        filled[rows[place]] += 1
    kept = 0
    for row in range(starts.shape[0] - 1):
        begin, end = starts[row], starts[row + 1]
        if row:
            starts[row] = kept
        if end - begin > 64:
            order = np.argsort(out[begin:end])
            out[begin:end] = out[begin:end][order]
            kinds[begin:end] = kinds[begin:end][order]
        else:
            for place in range(begin + 1, end):
                value, kind, at = out[place], kinds[place], place
                while at > begin and out[at - 1] > value:
                    out[at], kinds[at] = out[at - 1], kinds[at - 1]
                    at -= 1
                out[at], kinds[at] = value, kind
        first = kept
        for place in range(begin, end):
            if kept > first and out[kept - 1] == out[place]:
                kinds[kept - 1] = max(kinds[kept - 1], kinds[place])
            else:
                out[kept], kinds[kept] = out[place], kinds[place]
                kept += 1
    starts[-1] = kept
    return kept
