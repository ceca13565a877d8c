"""Batches of sites on Dask workers: fetched and read there, put together here."""

from __future__ import annotations

from datetime import date

import pytest
from prefect_dask import DaskTaskRunner

from flows.pipeline import capture_offers
from flows.sample.storefront import serve
from sdk import Dataset, flow
from sdk.testing.platform import Platform, platform, prefect_api  # noqa: F401

CLUSTER = {
    "n_workers": 2,
    "threads_per_worker": 1,
    "dashboard_address": None,
    "scheduler_port": 0,
    "host": "127.0.0.1",
}


@flow(customer="acme", task_runner=DaskTaskRunner(cluster_kwargs=CLUSTER))
def acme_on_dask(day: date | None = None, sites: str = "") -> Dataset:
    return capture_offers(sites, day, how="tasks", batch=2)


@flow(customer="elm")
def elm_here(day: date | None = None, sites: str = "") -> Dataset:
    return capture_offers(sites, day)


@pytest.mark.timeout(600)
def test_sites_are_captured_by_dask_workers_as_they_are_here(platform: Platform) -> None:  # noqa: F811
    platform.set(capture_private_networks='["127.0.0.0/8"]', capture_any_day="true")
    with serve(shops=4, seed=7, products=4) as front:
        sites = str(platform.folder / "sites")
        front.site_files(platform.folder / "sites", rate=20.0)
        with pytest.MonkeyPatch.context() as patch:
            # In this process only: what is fetched is fetched by the workers.
            patch.setattr("flows.pipeline.capture.steps.visit.capture_batch", None)
            there = platform.run(acme_on_dask, day=front.day, sites=sites)
        here = platform.run(elm_here, day=front.day, sites=sites)
        again = len(front.log)
        platform.run(acme_on_dask, day=front.day, sites=sites)
        assert len(front.log) == again, "what is captured is not asked for again"
    assert there.state == here.state == "Completed", there.error
    assert there.value.coverage == 1.0
    assert there.value.frame("prices").equals(here.value.frame("prices"))
