"""Matching on Dask: the same functions over partitions, with the same result.

Only paths travel. The two indexes are written once as arrays and mapped by every worker; each task
reads a range of rows, writes its pairs and features to a file, and returns the file's name. A
worker that is killed costs the tasks it had: Dask runs them again elsewhere, and a file that was
half written was never renamed.

Three rounds: candidates (asked from both tables), pair scores, scores in context. Between them
this process unites the candidates, and computes leads over all of them, since a record of B has
rivals in every partition. No row's numbers depend on its neighbours in a batch, so the number of
workers and partitions changes nothing.

Needs a folder that this process and all workers see. Not done: the leads themselves in
partitions; they take about 1 KB of this process's memory for ten candidate pairs.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from flows.pipeline.matching import candidates, store
from flows.pipeline.matching.arrays import Floats, Ints
from flows.pipeline.matching.candidates import Index
from flows.pipeline.matching.context import context_features
from flows.pipeline.matching.encode import Vocabularies
from flows.pipeline.matching.features import NAMES
from flows.pipeline.matching.matcher import (
    CANDIDATES,
    Matcher,
    Scored,
    Tables,
    rival_inputs,
    unite,
)
from flows.pipeline.matching.shared_arrays import read_array, read_index, write_array, write_index

if TYPE_CHECKING:
    from distributed import Client

ROWS: Final = 10_000
"""Records of a partition: their pairs and features take some 100 MB, whatever the tables' size."""


def score_on(
    client: Client,
    tables: Tables,
    matcher: Matcher,
    least: float,
    *,
    rows: int = ROWS,
    folder: Path | None = None,
) -> Scored:
    """Return the candidate pairs at or above a probability, scored on a cluster.

    Args:
        client: of the cluster.
        tables: encoded.
        matcher: trained.
        least: probability below which pairs are left behind.
        rows: records of a partition.
        folder: seen by all workers; a temporary one when None. It is emptied behind the run.
    """
    base = Path(tempfile.mkdtemp(prefix="matching-", dir=folder))
    try:
        write_index(base / "a", Index.of(tables.a), tables.known)
        write_index(base / "b", Index.of(tables.b), tables.known)
        store.save(matcher, base / "model")
        return _rounds(client, base, len(tables.a), len(tables.b), least, rows)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _rounds(client: Client, base: Path, a: int, b: int, least: float, rows: int) -> Scored:
    asked = [("a", "b", start) for start in range(0, a, rows)]
    asked += [("b", "a", start) for start in range(0, b, rows)]
    found = _map(client, _ask, [(str(base), *one, rows) for one in asked])
    parts: dict[str, list[Any]] = {"a": [], "b": []}
    for (side, _, _), path in zip(asked, found, strict=True):
        parts[side].append(read_array(Path(path)))
    nothing = np.zeros((2, 0), np.int64)
    straight = np.concatenate([nothing, *parts["a"]], axis=1)
    back = np.concatenate([nothing, *parts["b"]], axis=1)
    i, j = unite((straight[0], straight[1]), (back[1], back[0]), b)
    cuts = np.searchsorted(i, [*range(0, a, rows), a])
    work = [(str(base), number) for number in range(len(cuts) - 1)]
    for number, (first, last) in enumerate(pairwise(cuts)):
        write_array(base / f"pairs-{number}.npy", np.stack([i[first:last], j[first:last]]))
    _map(client, _score, work)
    inputs = [read_array(base / f"rivals-{number}.npy") for _, number in work]
    rivals = np.concatenate([np.zeros((0, 4)), *inputs])
    leads = context_features(i, j, *rivals.T)
    for number, (first, last) in enumerate(pairwise(cuts)):
        write_array(base / f"leads-{number}.npy", leads[first:last])
    del leads
    _map(client, _conclude, [(*one, least) for one in work])
    kept = [(number, np.array(read_array(base / f"kept-{number}.npy"))) for _, number in work]
    places = [cuts[number] + places for number, places in kept]
    rows_kept = np.concatenate([np.zeros(0, np.int64), *places])
    probability = [np.array(read_array(base / f"probability-{n}.npy")) for n, _ in kept]
    features = [np.array(read_array(base / f"chosen-{n}.npy")) for n, _ in kept]
    return Scored(
        i[rows_kept],
        j[rows_kept],
        np.concatenate([np.zeros(0), *probability]),
        np.concatenate(features) if features else np.zeros((0, len(NAMES) + 1), np.float32),
    )


def _map(client: Client, task: Any, arguments: list[tuple[Any, ...]]) -> list[Any]:
    futures = [client.submit(task, *each, pure=False) for each in arguments]
    return list(client.gather(futures))  # type: ignore[no-untyped-call]


@lru_cache(maxsize=2)
def _index(folder: str) -> tuple[Index, Vocabularies]:
    return read_index(Path(folder))


@lru_cache(maxsize=1)
def _matcher(folder: str) -> Matcher:
    return store.load(Path(folder))


def _ask(base: str, side: str, other: str, start: int, rows: int) -> str:
    """Candidates of a range of one table in the other."""
    queries, _ = _index(f"{base}/{side}")
    index, _ = _index(f"{base}/{other}")
    span = np.arange(start, min(start + rows, len(queries.records)))
    query, record = candidates.find(queries.records.take(span), index, CANDIDATES)
    path = Path(base) / f"found-{side}-{start}.npy"
    write_array(path, np.stack([query + start, record]))
    return str(path)


def _tables(base: str, i: Ints, j: Ints) -> tuple[Tables, Ints, Ints]:
    """The records that some pairs need, and the pairs renumbered to them."""
    (a, known), (b, _) = _index(f"{base}/a"), _index(f"{base}/b")
    rows_a, i = np.unique(i, return_inverse=True)
    rows_b, j = np.unique(j, return_inverse=True)
    left, right = a.records.take(rows_a), b.records.take(rows_b)
    return Tables(left.texts, right.texts, left, right, known), i, j


def _score(base: str, number: int) -> None:
    """Pair scores and features of a part."""
    i, j = read_array(Path(base) / f"pairs-{number}.npy")
    scored = _matcher(f"{base}/model").pair_scores(*_tables(base, i, j))
    write_array(Path(base) / f"features-{number}.npy", scored.features)
    alone = np.column_stack([*rival_inputs(scored)])
    write_array(Path(base) / f"rivals-{number}.npy", alone)
    write_array(Path(base) / f"alone-{number}.npy", scored.probability)


def _conclude(base: str, number: int, least: float) -> None:
    """Scores in context of a part, and what of it is kept."""
    from flows.pipeline.matching.matching import with_identity

    matcher = _matcher(f"{base}/model")
    features = read_array(Path(base) / f"features-{number}.npy")
    alone: Floats = read_array(Path(base) / f"alone-{number}.npy")
    i, j = read_array(Path(base) / f"pairs-{number}.npy")
    leads = read_array(Path(base) / f"leads-{number}.npy")
    probability = matcher.conclude(Scored(i, j, alone, features), leads)
    probability = with_identity(probability, features)
    kept = np.flatnonzero(probability >= least)
    write_array(Path(base) / f"kept-{number}.npy", kept)
    write_array(Path(base) / f"probability-{number}.npy", probability[kept])
    write_array(Path(base) / f"chosen-{number}.npy", features[kept])
