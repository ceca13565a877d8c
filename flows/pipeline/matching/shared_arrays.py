"""Encoded tables and indexes as files that many processes map into memory.

A worker opens the arrays copy-on-write: the pages are the machine's, read once, however many
workers there are. (sparse_dot_topn refuses arrays mapped read-only, hence not mode ``r``.) Texts
are Arrow files, mapped too. A file is written under another name and renamed when it is whole;
nothing is pickled.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from scipy import sparse  # type: ignore[import-untyped]

from flows.pipeline.matching.arrays import Sparse
from flows.pipeline.matching.candidates import Index, View
from flows.pipeline.matching.encode import Encoded, Vocabularies
from flows.pipeline.matching.vocabulary import Vocabulary

VIEWS: Final = ("title", "wide", "grams")


def write_array(path: Path, values: Any) -> None:
    """Write one array, whole or not at all."""
    beside = path.with_name(path.name + f".{os.getpid()}.part")
    with beside.open("wb") as file:
        np.save(file, np.asarray(values), allow_pickle=False)
    os.replace(beside, path)  # noqa: PTH105 - one call on every platform


def read_array(path: Path) -> Any:
    """Return an array mapped copy-on-write; an empty one cannot be mapped and is read."""
    try:
        return np.load(path, mmap_mode="c", allow_pickle=False)
    except ValueError:
        return np.load(path, allow_pickle=False)


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Write a frame as an Arrow file that can be mapped, whole or not at all."""
    beside = path.with_name(path.name + f".{os.getpid()}.part")
    frame.write_ipc(beside, compression="uncompressed")
    os.replace(beside, path)  # noqa: PTH105 - one call on every platform


def write_index(folder: Path, index: Index, known: Vocabularies) -> None:
    """Write an index with its records and vocabularies into a folder that is there."""
    records = index.records
    write_frame(folder / "texts.arrow", records.texts)
    write_frame(folder / "keys.arrow", index.keys)
    write_array(folder / "price.npy", records.price)
    write_array(folder / "sizes.npy", records.sizes)
    for name in VIEWS:
        write_sparse(folder, name, getattr(records, name))
    write_sparse(folder, "words_view", index.words.postings)
    write_sparse(folder, "grams_view", index.grams.postings)
    for name in ("words", "grams"):
        vocabulary: Vocabulary = getattr(known, name)
        for part in ("hashes", "classes", "documents", "slots"):
            write_array(folder / f"{name}_{part}.npy", getattr(vocabulary, part))
        write_array(folder / f"{name}_size.npy", [vocabulary.size])


def read_records(folder: Path) -> Encoded:
    """Return the records of a written index, mapped into memory."""
    return Encoded(
        pl.read_ipc(folder / "texts.arrow"),
        read_array(folder / "price.npy"),
        read_array(folder / "sizes.npy"),
        *(read_sparse(folder, name) for name in VIEWS),
    )


def read_index(folder: Path, records: Encoded | None = None) -> Index:
    """Return a written index, mapped into memory; ``records`` where they are open already."""
    words, grams = (View(read_sparse(folder, name)) for name in ("words_view", "grams_view"))
    keys = pl.read_ipc(folder / "keys.arrow")
    return Index(records or read_records(folder), words, grams, keys)


def read_vocabulary(folder: Path, name: str) -> Vocabulary:
    """Return a written vocabulary, mapped into memory, with its table of slots."""
    hashes, classes, documents, slots, size = (
        read_array(folder / f"{name}_{part}.npy")
        for part in ("hashes", "classes", "documents", "slots", "size")
    )
    vocabulary = Vocabulary(hashes, classes, documents, int(size[0]))
    vocabulary.__dict__["slots"] = slots  # as if it had been asked for already
    return vocabulary


def write_sparse(folder: Path, name: str, matrix: Sparse) -> None:
    """Write a CSR matrix as three arrays and its shape."""
    for part in ("data", "indices", "indptr"):
        write_array(folder / f"{name}_{part}.npy", getattr(matrix, part))
    write_array(folder / f"{name}_shape.npy", matrix.shape)


def read_sparse(folder: Path, name: str) -> Sparse:
    """Return a written CSR matrix, mapped into memory."""
    data, indices, indptr, shape = (
        read_array(folder / f"{name}_{part}.npy") for part in ("data", "indices", "indptr", "shape")
    )
    matrix = sparse.csr_matrix(
        (data, indices, indptr), shape=tuple(int(n) for n in shape), copy=False
    )
    matrix.has_sorted_indices = True
    matrix.has_canonical_format = True
    return matrix
