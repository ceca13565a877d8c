"""Where a match is computed: one word in a setting, and Prefect's own Dask runner."""

from __future__ import annotations

import sys
import types
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.pipeline.matching import match
from flows.pipeline.matching.cluster import MatchingSettings, cluster_class, connect, task_runner
from flows.pipeline.matching.errors import MatchingError
from flows.pipeline.matching.matcher import Matcher
from flows.pipeline.matching.store import save
from sdk import flow, task

Shops = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


@task(dataset="left")
def read_left(path: str) -> pl.DataFrame:
    return pl.read_parquet(path)


@task(dataset="right")
def read_right(path: str) -> pl.DataFrame:
    return pl.read_parquet(path)


@pytest.mark.timeout(300)
def test_catalogues_are_matched_on_the_flows_own_dask_runner(
    two_shops: Shops,
    matcher: Matcher,
    tmp_path: Path,
    store_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from flows.pipeline import match_catalogues

    a, b, _ = two_shops
    a.write_parquet(tmp_path / "a.parquet")
    b.write_parquet(tmp_path / "b.parquet")
    save(matcher, tmp_path / "model")
    monkeypatch.setenv("DATAWEAVE_MATCHING_CLUSTER", "runner")

    @flow(customer="acme", task_runner=task_runner("local:2"))
    def compare(day: date) -> Any:
        left = read_left(str(tmp_path / "a.parquet"))
        right = read_right(str(tmp_path / "b.parquet"))
        return match_catalogues.submit(left, right, model=str(tmp_path / "model")).result()

    found: Any = compare(date(2026, 8, 15))
    assert found.frame().equals(match(a, b, matcher))


def test_a_cloud_cluster_without_its_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("dask_cloudprovider", "dask_cloudprovider.aws"):
        monkeypatch.setitem(sys.modules, name, None)
    for where in ("fargate", "ec2"):
        with pytest.raises(MatchingError, match="dask-cloudprovider"), connect(where):
            pass
        with pytest.raises(MatchingError, match="Install"):
            task_runner(where)


def test_the_settings_reach_the_class_of_a_cloud_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("dask_cloudprovider.aws")
    module.FargateCluster = dict  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dask_cloudprovider", types.ModuleType("dask_cloudprovider"))
    monkeypatch.setitem(sys.modules, "dask_cloudprovider.aws", module)
    monkeypatch.setenv("DATAWEAVE_MATCHING_CLUSTER", "fargate")
    monkeypatch.setenv("DATAWEAVE_MATCHING_ARGUMENTS", '{"n_workers": 8, "worker_nthreads": 2}')
    settings = MatchingSettings()
    assert settings.cluster == "fargate"
    made, arguments = cluster_class(settings.cluster, settings.arguments)
    assert made is dict
    assert arguments["n_workers"] == 8
    assert arguments["worker_nthreads"] == 2
    assert arguments["environment"]["POLARS_MAX_THREADS"] == "1"
    assert "n_workers" not in repr(settings)  # arguments may hold what is nobody's business


def test_the_runners_cluster_is_there_only_inside_a_task() -> None:
    with pytest.raises(MatchingError, match="outside a task"), connect("runner"):
        pass
    runner: Any = task_runner("tcp://127.0.0.1:8786")
    assert runner.address == "tcp://127.0.0.1:8786"
