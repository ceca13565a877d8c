from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.pipeline.matching import parallel
from flows.pipeline.matching.cluster import connect
from flows.pipeline.matching.errors import MatchingError
from flows.pipeline.matching.matching import match
from flows.pipeline.matching.training import train

LOOPBACK = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}
Shops = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def pids(dask_worker: Any = None) -> int:
    return os.getpid()


def test_workers_partitions_and_a_killed_worker_change_nothing(
    two_shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, pairs = two_shops
    matcher = train(a, b, pairs)
    expected = match(a, b, matcher)
    monkeypatch.setitem(parallel.score_on.__kwdefaults__, "rows", 37)
    with connect("local:2") as client:
        assert match(a, b, matcher, client=client).equals(expected)
        victim = next(iter(client.run(pids).values()))
        killer = threading.Timer(0.3, os.kill, (victim, signal.SIGKILL))
        killer.start()
        assert match(a, b, matcher, client=client).equals(expected)
        killer.join()
        deadline = time.monotonic() + 60
        while victim in client.run(pids).values() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert victim not in client.run(pids).values()
        with connect(client.scheduler.address) as outside:  # an external scheduler
            assert match(a, b, matcher, client=outside).equals(expected)


def test_nothing_is_left_behind(two_shops: Shops, tmp_path: Path) -> None:
    from flows.pipeline.matching.matcher import Tables

    a, b, pairs = two_shops
    matcher = train(a, b, pairs)
    with connect("distributed:LocalCluster", LOOPBACK) as client:
        found = parallel.score_on(client, Tables.of(a, b), matcher, 0.5, folder=tmp_path)
    assert len(found.i) > 0
    assert not list(tmp_path.iterdir())


def test_what_is_no_cluster_is_refused() -> None:
    for where in ("local:0", "nowhere", "os:nothing"):
        with pytest.raises(MatchingError, match="is no cluster"), connect(where):
            pass
