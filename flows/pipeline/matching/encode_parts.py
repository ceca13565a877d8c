"""Encoding in parts: what a Dask worker does so that two tables become two mapped indexes.

``encode.encode_all`` and ``candidates.Index.of``, taken apart so that no process ever holds a
whole table: terms of each part; counts of all parts merged, a range of hashes at a time, since how
rare a word is must be known over everything before anything is encoded; each part encoded; the
parts joined, column by column; postings. The arrays are the same as those of one process, whatever
the parts.

Every task writes files and returns nothing. A file is written under another name and renamed, and
a task whose last file is there does nothing: what a killed worker had finished is not done again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from flows.pipeline.matching.candidates import View, exact_keys
from flows.pipeline.matching.encode import Prepared, Vocabularies
from flows.pipeline.matching.shared_arrays import (
    VIEWS,
    read_array,
    read_sparse,
    read_vocabulary,
    write_array,
    write_frame,
    write_sparse,
)
from flows.pipeline.matching.terms import Terms
from flows.pipeline.matching.vocabulary import Counts, Vocabulary, count_terms, merge

RANGES: Final = 16
"""Of hashes: each is merged by itself, in a sixteenth of the memory."""
_TERMS: Final = ("title", "wide", "grams")
_COUNTED: Final = {"words": "wide", "grams": "grams"}


def once(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator of a task that is done when the file ``done-NAME-ARGUMENTS`` is there."""

    def decorate(task: Callable[..., None]) -> Callable[..., None]:
        @wraps(task)
        def run(base: str, *arguments: Any) -> None:
            done = Path(base) / "-".join(["done", name, *map(str, arguments)])
            if not done.exists():
                task(Path(base), *arguments)
                done.touch()

        return run

    return decorate


@once("terms")
def take_terms(base: Path, side: str, number: int) -> None:
    """Fold the texts of a part, take its terms and count them."""
    part = base / f"{side}-{number}"
    part.mkdir(exist_ok=True)
    prepared = Prepared.of(pl.read_parquet(base / f"{side}-{number}.parquet"))
    write_frame(part / "texts.arrow", prepared.texts)
    for name in _TERMS:
        _write_terms(part, name, getattr(prepared, name))
    for name, view in _COUNTED.items():
        for what, values in zip(_PARTS, count_terms(getattr(prepared, view)), strict=True):
            write_array(part / f"count-{name}-{what}.npy", values)


_PARTS: Final = ("hashes", "classes", "documents")


@once("merge")
def merge_counts(base: Path, name: str, number: int, a: int, b: int, size: int) -> None:
    """Merge the counts of one range of hashes over all parts, ``a`` and ``b`` of them."""
    parts = [f"{side}-{part}" for side, count in (("a", a), ("b", b)) for part in range(count)]
    edges = [(value << 64) // RANGES for value in (number, number + 1)]
    cut: list[Counts] = []
    for part in parts:
        arrays = [read_array(base / part / f"count-{name}-{what}.npy") for what in _PARTS]
        first, last = (
            len(arrays[0])
            if edge >> 64
            else int(np.searchsorted(arrays[0], np.uint64(edge), side="left"))
            for edge in edges
        )
        hashes, classes, documents = (values[first:last] for values in arrays)
        cut.append((hashes, classes, documents))
    merged = merge(cut, size)
    for what in _PARTS:
        write_array(base / f"range-{name}-{number}-{what}.npy", getattr(merged, what))


@once("vocabulary")
def join_vocabulary(base: Path, name: str, size: int) -> None:
    """Join the ranges of a vocabulary, and lay out its table of slots."""
    arrays = [
        np.concatenate([read_array(base / f"range-{name}-{n}-{what}.npy") for n in range(RANGES)])
        for what in _PARTS
    ]
    whole = Vocabulary(arrays[0], arrays[1], arrays[2], size)
    write_array(base / f"{name}_size.npy", [size])
    write_array(base / f"{name}_slots.npy", whole.slots)
    for what in _PARTS:
        write_array(base / f"{name}_{what}.npy", getattr(whole, what))


@lru_cache(maxsize=1)
def vocabularies(base: Path) -> Vocabularies:
    """Return the vocabularies of a run, mapped; each process opens them once."""
    return Vocabularies(read_vocabulary(base, "words"), read_vocabulary(base, "grams"))


@once("encode")
def encode_part(base: Path, side: str, number: int) -> None:
    """Encode a part."""
    part = base / f"{side}-{number}"
    prepared = Prepared(
        pl.read_ipc(part / "texts.arrow"),
        *(_read_terms(part, name) for name in _TERMS),
    )
    records = pl.read_parquet(base / f"{side}-{number}.parquet")
    encoded = prepared.encode(records, vocabularies(base))
    write_array(part / "price.npy", encoded.price)
    write_array(part / "sizes.npy", encoded.sizes)
    for view in VIEWS:
        write_sparse(part, view, getattr(encoded, view))


@once("join")
def join_view(base: Path, side: str, view: str, parts: int) -> None:
    """Join one sparse view of all parts, and make its postings where it is searched by."""
    from scipy import sparse  # type: ignore[import-untyped]

    rows = [read_sparse(base / f"{side}-{number}", view) for number in range(parts)]
    whole = sparse.vstack(rows, format="csr")
    del rows
    folder = base / side
    folder.mkdir(exist_ok=True)
    write_sparse(folder, view, whole)


@once("postings")
def make_postings(base: Path, side: str, view: str, name: str) -> None:
    """Turn a joined view into postings."""
    write_sparse(base / side, name, View.of(read_sparse(base / side, view)).postings)


@once("texts")
def join_texts(base: Path, side: str, parts: int) -> None:
    """Join the texts, prices and sizes of all parts, and find the exact keys."""
    folder = base / side
    folder.mkdir(exist_ok=True)
    frames = [pl.read_ipc(base / f"{side}-{number}" / "texts.arrow") for number in range(parts)]
    texts = pl.concat(frames).rechunk()
    del frames
    write_frame(folder / "texts.arrow", texts)
    write_frame(folder / "keys.arrow", exact_keys(texts))
    for name in ("price", "sizes"):
        values = [read_array(base / f"{side}-{n}" / f"{name}.npy") for n in range(parts)]
        write_array(folder / f"{name}.npy", np.concatenate(values))


def _write_terms(folder: Path, name: str, terms: Terms) -> None:
    for what in ("starts", "hashes", "classes"):
        write_array(folder / f"terms-{name}-{what}.npy", getattr(terms, what))


def _read_terms(folder: Path, name: str) -> Terms:
    return Terms(
        *(
            read_array(folder / f"terms-{name}-{what}.npy")
            for what in ("starts", "hashes", "classes")
        )
    )
