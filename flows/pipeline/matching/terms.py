"""Terms: folded texts become rows of numbers, without a dictionary of words.

A million titles hold tens of millions of words and letter groups; as Python strings they cost
minutes and gigabytes. Here the texts of a batch are one array of code points, and every term is a
64-bit polynomial hash taken over it with numpy: the same text gives the same hash on every
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
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.pipeline.matching.arrays import Hashes, Ints

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
    """Terms of a batch of texts, in the order of the texts.

    Attributes:
        rows: which text, one entry for each term.
        hashes: of the term.
        classes: WORD, NUMBER or CODE.
    """

    rows: Ints
    hashes: Hashes
    classes: NDArray[np.int8]

    def __add__(self, other: Terms) -> Terms:
        return Terms(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.hashes, other.hashes]),
            np.concatenate([self.classes, other.classes]),
        )


def _mix(values: NDArray[np.unsignedinteger]) -> Hashes:
    """Spread code points over 64 bits (the finaliser of splitmix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        mixed = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def _points(texts: pl.Series) -> NDArray[np.uint32]:
    joined = "\n".join(texts.to_list()) + "\n" if len(texts) else ""
    return np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32)


def _digits(points: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """ASCII digits and the point: NFKD has already made full-width forms plain."""
    return np.asarray(((points >= 48) & (points <= 57)) | (points == 46), np.bool_)


def _segments(
    points: NDArray[np.uint32], starts: Ints, ends: Ints
) -> tuple[Hashes, NDArray[np.int8]]:
    """Return hash and class of each segment [start, end) of the points."""
    if not len(starts):
        return np.zeros(0, np.uint64), np.zeros(0, np.int8)
    lengths = ends - starts
    bounds = np.cumsum(lengths) - lengths
    offsets = np.arange(lengths.sum()) - np.repeat(bounds, lengths)
    chars = points[np.repeat(starts, lengths) + offsets]
    with np.errstate(over="ignore"):
        powers = _POWERS[np.minimum(offsets, _LONGEST)]
        hashes = np.add.reduceat(_mix(chars) * powers, bounds)
    digits = np.add.reduceat(_digits(chars).astype(np.int32), bounds)
    classes = np.where(
        digits == 0,
        WORD,
        np.where(digits < lengths, CODE, np.where(lengths >= LONG_NUMBER, CODE, NUMBER)),
    ).astype(np.int8)
    return hashes, classes


def words(texts: pl.Series, *, joins: bool = False, runs: bool = False) -> Terms:
    """Return the words of folded texts, on request with joins and runs.

    Args:
        texts: folded; no nulls.
        joins: also each two neighbouring words written as one.
        runs: also the runs of letters and of digits of words that hold both.
    """
    points = _points(texts)
    ends_of_text = points == _END
    inside = ~(ends_of_text | (points == _BLANK))
    row_of = np.cumsum(ends_of_text) - ends_of_text
    before = np.concatenate([[False], inside[:-1]]) if len(inside) else inside
    after = np.concatenate([inside[1:], [False]]) if len(inside) else inside
    starts, ends = np.flatnonzero(inside & ~before), np.flatnonzero(inside & ~after) + 1
    rows = row_of[starts].astype(np.int64)
    hashes, classes = _segments(points, starts, ends)
    found = Terms(rows, hashes, classes)
    if joins and len(rows) > 1:
        same = rows[:-1] == rows[1:]
        power = _POWERS[np.minimum(ends - starts, _LONGEST)[:-1]]
        with np.errstate(over="ignore"):
            joined = hashes[:-1] + power * hashes[1:]
        either = np.where((classes[:-1] != WORD) | (classes[1:] != WORD), CODE, WORD)
        found = found + Terms(rows[:-1][same], joined[same], either[same].astype(np.int8))
    if runs and len(points):
        kind = np.where(inside, np.where(_digits(points), 1, 2), 0)
        turn = np.flatnonzero(np.diff(kind, prepend=-1, append=-1))
        run_starts, run_ends = turn[:-1], turn[1:]
        held = kind[run_starts] > 0
        run_starts, run_ends = run_starts[held], run_ends[held]
        whole = np.isin(run_starts, starts) & np.isin(run_ends, ends)
        run_starts, run_ends = run_starts[~whole], run_ends[~whole]
        run_rows = row_of[run_starts].astype(np.int64)
        found = found + Terms(run_rows, *_segments(points, run_starts, run_ends))
    return found


def grams(texts: pl.Series, size: int = 3) -> Terms:
    """Return the letter groups of folded texts, blanks left out, so that joins do not matter.

    A text shorter than ``size`` gives none.
    """
    points = _points(texts)
    points = points[points != _BLANK]
    ends_of_text = points == _END
    row_of = np.cumsum(ends_of_text) - ends_of_text
    count = len(points) - size + 1
    if count <= 0:
        return Terms(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.int8))
    mixed = _mix(points)
    hashes = np.zeros(count, np.uint64)
    with np.errstate(over="ignore"):
        for place in range(size):
            hashes += mixed[place : place + count] * _POWERS[place]
    # A window is inside one text when its last point belongs to the row of its first, and is not
    # the end itself.
    last = slice(size - 1, size - 1 + count)
    good = (row_of[:count] == row_of[last]) & ~ends_of_text[last]
    return Terms(
        row_of[:count][good].astype(np.int64),
        hashes[good],
        np.zeros(int(good.sum()), np.int8),
    )
