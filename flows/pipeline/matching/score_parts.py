"""Scoring in parts: what a Dask worker does with a range of one table's records.

Ask for candidates, score them by themselves, score them among their rivals, put the result in
words: the functions of ``candidates``, ``matcher`` and ``matching`` over a range of rows, from
mapped arrays into files. No row's numbers depend on its neighbours in a range. As in
``encode_parts``, a task that is done is not done again.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from flows.pipeline.matching import candidates, store
from flows.pipeline.matching.arrays import Ints
from flows.pipeline.matching.candidates import Index
from flows.pipeline.matching.encode import Encoded
from flows.pipeline.matching.encode_parts import once, vocabularies
from flows.pipeline.matching.matcher import Matcher, Scored, rival_inputs
from flows.pipeline.matching.matching import present, with_identity
from flows.pipeline.matching.shared_arrays import (
    read_array,
    read_index,
    read_records,
    write_array,
    write_frame,
)
from flows.pipeline.matching.two_tables import CANDIDATES, Tables


@lru_cache(maxsize=2)
def _records(folder: Path) -> Encoded:
    return read_records(folder)


@lru_cache(maxsize=2)
def _index(folder: Path) -> Index:
    return read_index(folder, _records(folder))


@lru_cache(maxsize=1)
def _matcher(folder: Path) -> Matcher:
    return store.load(folder)


def forget() -> None:
    """Close what this process has mapped of a run."""
    for cached in (_records, _index, _matcher, vocabularies):
        cached.cache_clear()


@once("ask")
def ask(base: Path, side: str, number: int, start: int, stop: int) -> None:
    """Write the candidates that a range of one table has in the other."""
    span = np.arange(start, stop)
    queries = _records(base / side).take(span)
    query, record = candidates.find(
        queries, _index(base / ("b" if side == "a" else "a")), CANDIDATES
    )
    write_array(base / f"found-{side}-{number}.npy", np.stack([query + start, record]))


@once("score")
def score(base: Path, number: int, pairs: str) -> None:
    """Score the pairs of a part by themselves; write those that are not hopeless."""
    i, j = read_array(base / f"{pairs}-{number}.npy")
    tables, rows_a, rows_b, i, j = _tables(base, i, j)
    scored = _matcher(base / "model").contenders(tables, i, j)
    write_array(base / f"features-{number}.npy", scored.features)
    write_array(base / f"alone-{number}.npy", scored.probability)
    write_array(base / f"rivals-{number}.npy", np.column_stack([*rival_inputs(scored)]))
    write_array(base / f"alive-{number}.npy", np.stack([rows_a[scored.i], rows_b[scored.j]]))


@once("conclude")
def conclude(base: Path, number: int, start: int, least: float, evidence: bool) -> None:
    """Score the pairs of a part among their rivals; write what is kept, in words."""
    features = read_array(base / f"features-{number}.npy")
    i, j = read_array(base / f"alive-{number}.npy")
    probability = _matcher(base / "model").conclude(
        Scored(i, j, read_array(base / f"alone-{number}.npy"), features),
        read_array(base / f"leads-{number}.npy"),
    )
    probability = with_identity(probability, features)
    kept = np.flatnonzero(probability >= least)
    i, j, probability = i[kept], j[kept], probability[kept]
    tables, rows_a, rows_b, at_i, at_j = _tables(base, i, j)
    ids_a = pl.read_parquet(base / f"a-{number}.parquet", columns=["id"])
    ids_b = pl.read_ipc(base / "b" / "ids.arrow")
    named = Tables(ids_a[rows_a - start], ids_b[rows_b], tables.a, tables.b, tables.known)
    frame = present(
        named,
        Scored(at_i, at_j, probability, features[kept]),
        one_to_one=False,
        least=least,
        evidence=evidence,
        ordered=False,
    )
    write_array(base / f"kept-{number}.npy", np.stack([i, j]))
    write_array(base / f"probability-{number}.npy", probability)
    write_frame(base / f"matches-{number}.arrow", frame)


def _tables(base: Path, i: Ints, j: Ints) -> tuple[Tables, Ints, Ints, Ints, Ints]:
    """The records that some pairs name, their rows in the whole tables, the pairs among them."""
    rows_a, at_i = np.unique(i, return_inverse=True)
    rows_b, at_j = np.unique(j, return_inverse=True)
    left, right = _records(base / "a").take(rows_a), _records(base / "b").take(rows_b)
    return (
        Tables(left.texts, right.texts, left, right, vocabularies(base)),
        rows_a,
        rows_b,
        at_i,
        at_j,
    )
