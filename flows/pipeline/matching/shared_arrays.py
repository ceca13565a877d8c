"""Encoded tables and indexes as files that many processes map into memory.

A worker opens the arrays copy-on-write: the pages are the machine's, read once, however many
workers there are. (sparse_dot_topn refuses arrays mapped read-only, hence not mode ``r``.) Texts
are Arrow files, which every worker reads for itself. A folder is written under another name and
renamed when it is whole; nothing is pickled.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse  # type: ignore[import-untyped]

from flows.pipeline.matching.arrays import Sparse
from flows.pipeline.matching.candidates import Index, View
from flows.pipeline.matching.encode import Encoded, Vocabularies
from flows.pipeline.matching.vocabulary import Vocabulary


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


def write_index(folder: Path, index: Index, known: Vocabularies) -> None:
    """Write an index with its records and vocabularies."""
    beside = folder.with_name(folder.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    records = index.records
    records.texts.write_ipc(beside / "texts.arrow")
    index.keys.write_ipc(beside / "keys.arrow")
    write_array(beside / "price.npy", records.price)
    write_array(beside / "sizes.npy", records.sizes)
    for name in ("title", "wide", "grams"):
        _write_sparse(beside, name, getattr(records, name))
    for name, view in (("words_view", index.words), ("grams_view", index.grams)):
        _write_sparse(beside, name, view.postings)
    for name in ("words", "grams"):
        vocabulary: Vocabulary = getattr(known, name)
        for part in ("hashes", "classes", "documents"):
            write_array(beside / f"{name}_{part}.npy", getattr(vocabulary, part))
        write_array(beside / f"{name}_size.npy", [vocabulary.size])
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)


def read_index(folder: Path) -> tuple[Index, Vocabularies]:
    """Return a written index, mapped into memory."""
    known = Vocabularies(_vocabulary(folder, "words"), _vocabulary(folder, "grams"))
    records = Encoded(
        pl.read_ipc(folder / "texts.arrow"),
        read_array(folder / "price.npy"),
        read_array(folder / "sizes.npy"),
        *(_read_sparse(folder, name) for name in ("title", "wide", "grams")),
    )
    views = []
    for name in ("words_view", "grams_view"):
        views.append(View(_read_sparse(folder, name)))
    return Index(records, views[0], views[1], pl.read_ipc(folder / "keys.arrow")), known


def _vocabulary(folder: Path, name: str) -> Vocabulary:
    hashes, classes, documents, size = (
        read_array(folder / f"{name}_{part}.npy")
        for part in ("hashes", "classes", "documents", "size")
    )
    return Vocabulary(hashes, classes, documents, int(size[0]))


def _write_sparse(folder: Path, name: str, matrix: Sparse) -> None:
    for part in ("data", "indices", "indptr"):
        write_array(folder / f"{name}_{part}.npy", getattr(matrix, part))
    write_array(folder / f"{name}_shape.npy", matrix.shape)


def _read_sparse(folder: Path, name: str) -> Sparse:
    data, indices, indptr, shape = (
        read_array(folder / f"{name}_{part}.npy") for part in ("data", "indices", "indptr", "shape")
    )
    matrix = sparse.csr_matrix(
        (data, indices, indptr), shape=tuple(int(n) for n in shape), copy=False
    )
    matrix.has_sorted_indices = True
    matrix.has_canonical_format = True
    return matrix
