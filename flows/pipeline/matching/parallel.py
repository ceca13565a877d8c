"""Matching on Dask: the same functions over partitions, with the same result.

Only paths travel. This process writes the tables as Parquet parts; workers take their terms, merge
the counts, encode, and join the parts into arrays that every worker maps into memory
(``encode_parts``); then each part of the left table asks for candidates and is scored
(``score_parts``). In between, this process computes the leads over all contenders, since a record
of B has rivals in every part. The number of workers and parts, and a worker that is killed on the
way, change nothing: what is global (how rare words are, who leads) is computed over everything,
and what is computed in parts depends on no neighbour. A killed worker costs the parts it had.

Needs a folder that this process and all workers see. Parts are as large as the smallest worker's
memory lets them be. Not done: the leads in parts; they take about 0.3 KB of this process's memory
for each pair that is no hopeless one.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from flows.pipeline.matching import encode_parts, score_parts, store
from flows.pipeline.matching.arrays import Ints
from flows.pipeline.matching.assign import one_to_one as choose
from flows.pipeline.matching.context import context_features
from flows.pipeline.matching.matcher import Matcher
from flows.pipeline.matching.matching import in_order
from flows.pipeline.matching.shared_arrays import VIEWS, read_array, write_array, write_frame
from flows.pipeline.matching.two_tables import asks_both, unite

if TYPE_CHECKING:
    from distributed import Client

MOST_ROWS: Final = 20_000
LEAST_ROWS: Final = 1_000
ROW_BYTES: Final = 30_000
"""Of a worker's memory that a record of a part takes while its candidates are scored."""
_SHARE: Final = 0.25
"""Of a worker's memory for that: the rest is for the mapped index and for what libraries take."""
_log = logging.getLogger(__name__)


def rows_for(memory: float, rows: int) -> int:
    """Return how many records make a part.

    Args:
        memory: bytes of the smallest worker; 0 when it has no limit.
        rows: of the larger table: there are a few parts, so that two workers have work.
    """
    fitting = int(memory * _SHARE / ROW_BYTES) if memory else MOST_ROWS
    return max(min(fitting, MOST_ROWS, -(-rows // 8)), LEAST_ROWS)


def match_on(
    client: Client,
    a: pl.DataFrame,
    b: pl.DataFrame,
    matcher: Matcher,
    *,
    one_to_one: bool = False,
    least: float = 0.5,
    evidence: bool = False,
    rows: int | None = None,
    folder: Path | None = None,
) -> pl.DataFrame:
    """Return the matches of two tables, computed on a cluster; see ``matching.match``.

    Args:
        client: of the cluster.
        a: canonical records.
        b: the other.
        matcher: trained.
        one_to_one: give each record one partner at most.
        least: probability from which a pair is returned.
        evidence: see ``matching.match``.
        rows: records of a part; from the workers' memory when None.
        folder: seen by this process and all workers; a temporary one when None. It is emptied
            behind the run.
    """
    base = Path(tempfile.mkdtemp(prefix="matching-", dir=folder))
    try:
        rows = rows or rows_for(_smallest(client), max(a.height, b.height))
        parts = {"a": _write_parts(base, "a", a, rows), "b": _write_parts(base, "b", b, rows)}
        write_frame(base / "b-ids.arrow", b.select("id"))
        store.save(matcher, base / "model")
        run = _Run(client, base, parts, asks_both(a.height, b.height))
        with _told("encoded %d records", a.height + b.height):
            run.encode()
            (base / "b-ids.arrow").rename(base / "b" / "ids.arrow")
        with _told("found the candidates of %d records", a.height):
            run.ask(b.height)
        with _told("scored the candidates"):
            run.score()
        with _told("compared the contenders with their rivals"):
            run.lead()
        with _told("concluded"):
            return run.conclude(one_to_one, least, evidence)
    finally:
        with suppress(Exception):  # a worker that is gone has nothing mapped
            client.run(score_parts.forget, on_error="ignore")
        shutil.rmtree(base, ignore_errors=True)


@contextmanager
def _told(what: str, *numbers: int) -> Iterator[None]:
    """Log a step when it is done, with its seconds: a large match takes minutes."""
    began = time.perf_counter()
    yield
    _log.info(what + ", %.1f s", *numbers, time.perf_counter() - began)


def _smallest(client: Client) -> float:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return min((worker["memory_limit"] for worker in workers), default=0) or 0


def _write_parts(base: Path, side: str, records: pl.DataFrame, rows: int) -> list[int]:
    """Write a table as Parquet parts; return where they start, and where the last one ends."""
    cuts = [*range(0, max(records.height, 1), rows), records.height]
    for number, (start, stop) in enumerate(pairwise(cuts)):
        records[start:stop].write_parquet(base / f"{side}-{number}.parquet")
    return cuts


class _Run:
    """One match on one cluster."""

    def __init__(self, client: Client, base: Path, cuts: dict[str, list[int]], both: bool) -> None:
        self.client, self.base, self.cuts, self.both = client, base, cuts, both
        self.pairs = "found-a"

    def parts(self, side: str) -> Iterator[tuple[int, int, int]]:
        for number, (start, stop) in enumerate(pairwise(self.cuts[side])):
            yield number, start, stop

    def map(self, task: Callable[..., None], arguments: list[tuple[Any, ...]]) -> None:
        """Run a task once for each of the arguments, and wait for all."""
        futures = [
            self.client.submit(task, str(self.base), *each, pure=False) for each in arguments
        ]
        self.client.gather(futures)  # type: ignore[no-untyped-call]

    def encode(self) -> None:
        """Make the mapped index of both tables."""
        work = [(side, number) for side in ("a", "b") for number, *_ in self.parts(side)]
        self.map(encode_parts.take_terms, work)
        size = self.cuts["a"][-1] + self.cuts["b"][-1]
        count = {side: len(self.cuts[side]) - 1 for side in ("a", "b")}
        ranges = range(encode_parts.RANGES)
        views = ("grams", "words")
        merged = [(view, n, count["a"], count["b"], size) for n in ranges for view in views]
        self.map(encode_parts.merge_counts, merged)
        self.map(encode_parts.join_vocabulary, [(view, size) for view in views])
        self.map(encode_parts.encode_part, work)
        # The longest first: the grams of both tables, one for each of two workers.
        self.map(
            encode_parts.join_view,
            [(side, view, count[side]) for view in reversed(VIEWS) for side in ("a", "b")],
        )
        self.map(encode_parts.join_texts, [(side, count[side]) for side in ("a", "b")])
        asked = ("a", "b") if self.both else ("b",)
        made = [
            (side, view, name)
            for side in asked
            for view, name in (("grams", "grams_view"), ("wide", "words_view"))
        ]
        self.map(encode_parts.make_postings, made)

    def ask(self, width: int) -> None:
        """Find the candidates of each part of A."""
        asking = ("a", "b") if self.both else ("a",)
        self.map(score_parts.ask, [(side, *part) for side in asking for part in self.parts(side)])
        if not self.both:
            return
        there, back = (
            np.concatenate(
                [read_array(self.base / f"found-{side}-{n}.npy") for n, *_ in self.parts(side)],
                axis=1,
            )
            for side in asking
        )
        i, j = unite((there[0], there[1]), (back[1], back[0]), width)
        for number, first, last in self._split(i):
            write_array(self.base / f"pairs-{number}.npy", np.stack([i[first:last], j[first:last]]))
        self.pairs = "pairs"

    def score(self) -> None:
        """Score the candidates by themselves."""
        self.map(score_parts.score, [(number, self.pairs) for number, *_ in self.parts("a")])

    def lead(self) -> None:
        """Compute how each contender stands among its rivals of all parts."""
        i, j = self._joined("alive", axis=1)
        leads = context_features(i, j, *self._joined("rivals").T)
        for number, first, last in self._split(i):
            write_array(self.base / f"leads-{number}.npy", leads[first:last])

    def conclude(self, one_to_one: bool, least: float, evidence: bool) -> pl.DataFrame:
        """Score the contenders among their rivals; return the matches."""
        work = [(number, start, least, evidence) for number, start, _ in self.parts("a")]
        self.map(score_parts.conclude, work)
        frame = pl.concat(
            [pl.read_ipc(self.base / f"matches-{number}.arrow") for number, *_ in work]
        )
        if one_to_one:
            i, j = self._joined("kept", axis=1)
            chosen = choose(i, j, self._joined("probability"), max(least, 1e-6))
            frame = frame.filter(pl.Series(chosen))
        return in_order(frame)

    def _joined(self, name: str, axis: int = 0) -> Any:
        arrays = [read_array(self.base / f"{name}-{n}.npy") for n, *_ in self.parts("a")]
        return np.concatenate(arrays, axis=axis)

    def _split(self, i: Ints) -> Iterator[tuple[int, int, int]]:
        """Yield each part's number with its range of pairs, which are sorted by row of A."""
        for number, start, stop in self.parts("a"):
            first, last = np.searchsorted(i, [start, stop])
            yield number, int(first), int(last)
