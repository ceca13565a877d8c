"""Capture, as steps: sites are visited in batches, read one by one, and put together.

Three steps, so that each can be done again without the one before: `visit_sites` fetches (an
event loop for a batch of sites; where a killed worker left a site, the next takes it up),
`read_site` extracts and judges one site from what was fetched, `combine_sites` makes one dataset
of all. A site that is not healthy costs itself: its last good values are carried, or it is left
out, and everything built on the capture says so.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from flows.pipeline.capture.fetching.batches import cut
from flows.pipeline.capture.site import Site
from flows.pipeline.capture.site_file import load_each
from flows.pipeline.capture.steps.combine import combine_sites
from flows.pipeline.capture.steps.of_run import run_of_step
from flows.pipeline.capture.steps.read import read_site
from flows.pipeline.capture.steps.visit import visit_sites
from sdk import ConfigurationError, Dataset, fanout

BATCH: Final = 40
"""Sites in one event loop: enough that slow ones wait together, few enough that a worker that
dies costs little."""
SPAWN_FROM: Final = 2_000
"""Pages from which reading them in processes of their own is worth starting these."""

How = Literal["threads", "processes", "tasks"]


def capture_offers(
    sites: str,
    day: date | None = None,
    *,
    at_least: float = 0.0,
    how: How = "threads",
    batch: int = BATCH,
) -> Dataset:
    """Capture the sites of a folder.

    Args:
        sites: folder of site files.
        day: of the data; by default the run's.
        at_least: the share of the sites that must be read; below it the whole fails.
        how: where batches run: threads of this process, processes of their own, or tasks of
            the flow's task runner, such as Dask's.
        batch: sites in one event loop.

    Returns:
        The dataset ``captured`` with the tables ``prices`` (CAPTURED), ``sites`` (SITES) and
        ``faults``. Its ``coverage`` is the share of the sites with prices of the day. It is
        degraded by every site that is carried or left out.
    """
    run = run_of_step()
    day = day or run.day
    loaded, faults = _load(sites)
    batches = cut(loaded, batch)
    visited = fanout(
        visit_sites,
        batches,
        key=lambda some: f"{some[0].name} to {some[-1].name}",
        how=how,
        concurrency=min(len(batches), os.cpu_count() or 1),
        chunk=1,
        at_least=0.0,
        day=day,
        folder=sites,
    )
    many = sum(line["pages"] for lines in visited.values() for line in lines) >= SPAWN_FROM
    read = fanout(
        read_site,
        loaded,
        key=lambda site: site.name,
        how="processes" if many and how == "threads" else how,
        at_least=at_least,
        day=day,
    )
    return combine_sites(
        dict(read), failed={**visited.failed, **read.failed}, faults=faults, day=day
    )


def _load(folder: str) -> tuple[list[Site], list[dict[str, Any]]]:
    """Return the sites of a folder, and a fault for each site file that is wrong."""
    loaded, wrong = load_each(Path(folder))
    if not loaded:
        said = f": {wrong[0].problem}" if wrong else ""
        raise ConfigurationError(
            f"folder {folder} has no site file that can be used{said}",
            "Write a YAML file for each site; docs/how-to/add-a-site.md says how.",
        )
    return loaded, [error.as_fault() for error in wrong]
