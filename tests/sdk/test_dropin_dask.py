"""A step on a Dask worker: it and its run arrive, and a worker that dies is a crashed attempt."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect.flows import load_flow_from_entrypoint

from sdk import DatasetKey, Store

FLOW_FILE = """
import os, signal
from datetime import date
import polars as pl
from prefect_dask import DaskTaskRunner
from sdk import NONE, RetryPolicy, checks, current_run, default, flow, record, task

TWO = RetryPolicy("two", attempts=2, base=0)

@task(dataset="prices.{site}", retry=TWO, checks=[checks.rows(1)])
def fetch(site: str, day: date) -> pl.DataFrame:
    run = current_run()
    record(process=os.getpid(), customer=run.customer)
    return pl.DataFrame({"site": [site]})

@task(retry=NONE, fallback=default("served"))
def dies(site: str) -> str:
    os.kill(os.getpid(), signal.SIGKILL)

cluster = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}

@flow(customer="acme", task_runner=DaskTaskRunner(cluster_kwargs=cluster))
def daily(day: date) -> list[str]:
    pages = fetch.map(["a", "b"], day=day)
    return [*(str(page.result()) for page in pages), dies.submit("a").result()]
"""


@pytest.mark.timeout(240)
def test_steps_on_dask_workers_and_one_that_kills_them(tmp_path: Path, store_url: str) -> None:
    file = tmp_path / "dask_flow.py"
    file.write_text(FLOW_FILE)
    daily: Any = load_flow_from_entrypoint(f"{file}:daily")
    day = date(2026, 8, 15)
    state = daily(day, return_state=True)
    assert state.result() == [f"acme/prices.a/{day} v1", f"acme/prices.b/{day} v1", "served"]
    assert state.name == "Degraded"
    assert "died without a word in 1 of its 1 attempts" in (state.message or "")
    for site in "ab":
        key = DatasetKey(customer="acme", name=f"prices.{site}", day=day)
        manifest = Store(store_url).latest(key)
        assert manifest is not None
        assert manifest.statistics is not None
        said = manifest.statistics.recorded
        assert said["customer"] == "acme"
        assert said["process"] != os.getpid(), "it ran on a worker"
