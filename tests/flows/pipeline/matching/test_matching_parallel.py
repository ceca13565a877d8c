from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.pipeline.matching import two_tables
from flows.pipeline.matching.cluster import connect
from flows.pipeline.matching.encode_parts import once
from flows.pipeline.matching.errors import MatchingError
from flows.pipeline.matching.matcher import Matcher
from flows.pipeline.matching.matching import match
from flows.pipeline.matching.parallel import (
    LEAST_ROWS,
    MOST_ROWS,
    ROW_BYTES,
    match_on,
    rows_for,
)
from flows.pipeline.matching.tables import canonical

Shops = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def pids(dask_worker: Any = None) -> int:
    return os.getpid()


def test_workers_parts_and_a_killed_worker_change_nothing(
    two_shops: Shops, matcher: Matcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    a, b, _ = two_shops
    left, right = canonical(a), canonical(b)
    expected, single = match(a, b, matcher), match(a, b, matcher, one_to_one=True, evidence=True)
    with connect("local:2") as client:
        assert match(a, b, matcher, client=client, folder=tmp_path).equals(expected)
        assert not list(tmp_path.iterdir())  # nothing is left behind
        found = match_on(client, left, right, matcher, one_to_one=True, evidence=True, rows=97)
        assert found.equals(single)
        # One of the two dies in the middle of the work: as soon as something was scored.
        victim = next(iter(client.run(pids).values()))
        killer = threading.Thread(target=kill_when, args=(victim, tmp_path))
        killer.start()
        found = match_on(client, left, right, matcher, rows=37, folder=tmp_path)
        killer.join()
        assert found.equals(expected)
        with connect(str(client.scheduler_info()["address"])) as outside:  # an external scheduler
            monkeypatch.setattr(two_tables, "ASKED_BACK", 0)
            alone = match(a, b, matcher)
            assert match(a, b, matcher, client=outside).equals(alone)


def kill_when(pid: int, folder: Path) -> None:
    deadline = time.monotonic() + 120
    while not list(folder.glob("*/done-score-*")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    runs = []

    @once("count")
    def count(base: Path, number: int) -> None:
        runs.append(number)
        if number == 2 and runs.count(2) == 1:
            raise RuntimeError("killed")

    for number in (1, 1, 2, 2, 2):
        with suppress(RuntimeError):
            count(str(tmp_path), number)
    assert runs == [1, 2, 2]


def test_parts_fit_the_smallest_worker() -> None:
    assert rows_for(0, 10_000_000) == rows_for(1e12, 10_000_000) == MOST_ROWS
    assert rows_for(0, 100) == LEAST_ROWS
    small = rows_for(1e9, 10_000_000)
    assert LEAST_ROWS < small < MOST_ROWS
    assert small * ROW_BYTES < 1e9


def test_what_is_no_cluster_is_refused() -> None:
    for where in ("local:0", "nowhere", "os:nothing"):
        with pytest.raises(MatchingError, match="is no cluster"), connect(where):
            pass
