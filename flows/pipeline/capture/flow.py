"""Capture, as steps: sites are visited in batches, read one by one, and put together.

Three steps, so that each can be done again without the one before: `visit_sites` fetches (an
event loop for a batch of sites; where a killed worker left a site, the next takes it up),
`read_site` extracts and judges one site from what was fetched, `combine_sites` makes one dataset
of all. A site that is not healthy costs itself: its last good values are carried, or it is left
out, and everything built on the capture says so.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from flows.pipeline.capture.captured import CAPTURED, PAGES, SITES, Tables
from flows.pipeline.capture.errors import CaptureError
from flows.pipeline.capture.fetching.batch import Order, SiteCapture, capture_batch
from flows.pipeline.capture.fetching.batches import cut
from flows.pipeline.capture.fetching.journal import Journal, content_of
from flows.pipeline.capture.fetching.page_archive import PageArchive
from flows.pipeline.capture.health import RUNS, Decision, SiteRun
from flows.pipeline.capture.settings import CaptureSettings
from flows.pipeline.capture.site import Site
from flows.pipeline.capture.site_day import read_day
from flows.pipeline.capture.site_file import load_each
from flows.pipeline.capture.site_run import from_record
from flows.pipeline.capture.summary import answered_share, site_row, sites_table
from flows.pipeline.schema import FAULTS, empty
from sdk import (
    CheckFailed,
    ConfigurationError,
    Dataset,
    Input,
    Permanent,
    Run,
    Store,
    Transient,
    checks,
    current_run,
    default,
    fanout,
    last_good,
    prefect2,
    record,
    task,
)
from sdk.progress import FanoutProgress, tell
from sdk.storage import storage

BATCH: Final = 40
"""Sites in one event loop: enough that slow ones wait together, few enough that a worker that
dies costs little."""
SPAWN_FROM: Final = 2_000
"""Pages from which reading them in processes of their own is worth starting these."""
SHOW_SECONDS: Final = 20.0
"""Between two tables of progress: each is an artifact of the run."""
_BASELINE: Final = "baseline.txt"
_NOTHING: Final[dict[str, pl.DataFrame]] = {
    "prices": empty(CAPTURED),
    "pages": empty(PAGES),
    "faults": empty(FAULTS),
}

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
    run = _run()
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


def visit_sites(sites: Sequence[Site], day: date, folder: str) -> list[dict[str, Any]]:
    """Fetch what a batch of sites shows on a day.

    Sites whose day is fetched already are not asked again, unless the run refreshes. A day that is
    over is not fetched at all: what a site shows now is not what it showed then.

    Returns:
        A row for each site: how its crawl ended, and how many pages it visited.
    """
    run = _run()
    settings = CaptureSettings()
    if abs((day - datetime.now(UTC).date()).days) > 1 and not settings.any_day:
        return []
    order = Order(
        folder=storage(run.store),
        customer=run.customer,
        day=day,
        run=run.root_id,
        site_folder=Path(folder),
        afresh=run.refresh,
    )
    if not settings.contact and not all(site.allow_private for site in sites):
        raise ConfigurationError(
            "nobody could reach us: the user agent has no contact",
            "Set DATAWEAVE_CAPTURE_CONTACT to a page or an address.",
        )
    done = asyncio.run(capture_batch(sites, order, settings, _Progress(sites[0].name)))
    for capture in done:
        if capture.error is not None:
            prefect2.run_logger().warning("site %s broke: %s", capture.site, capture.error)
    if all(capture.error is not None for capture in done):
        raise Transient(f"no site of {len(done)} could be captured: {done[0].error}")
    return [capture.summary() for capture in done]


def _inputs(site: Site, day: date) -> list[Input]:
    """Return what a site's reading stands on: its visits, and the runs before."""
    run = _run()
    visits = Journal(storage(run.store), run.customer, day, site.name).visits()
    seen = Input(name=f"visits of {site.name}", content_hash=content_of(visits))
    return [seen, *(dataset.as_input() for dataset in _good_runs(site, day))]


@task(
    dataset="site.{site.name}",
    inputs=_inputs,
    fallback=[last_good("7d"), default(_NOTHING, on_failed_check=True)],
    checks={"prices": [checks.columns(CAPTURED)], "pages": [checks.columns(PAGES)]},
)
def read_site(site: Site, day: date) -> dict[str, pl.DataFrame | bytes]:
    """Extract a site's day from what was fetched, and judge whether it may be published.

    Args:
        site: whose day.
        day: of the data.

    Returns:
        The tables ``prices``, ``pages`` and ``faults``, and the site's baseline.

    Raises:
        CheckFailed: the site is quarantined: nothing of today is used, nor of yesterday.
        Permanent: too little of it is there: the last good values are carried instead.
    """
    run = _run()
    root = storage(run.store)
    journal = Journal(root, run.customer, day, site.name)
    good = list(_good_runs(site, day))
    before = good[0] if good else None
    with explained():
        made = read_day(
            site,
            list(journal.visits()),
            journal.ended(),
            PageArchive(root, run.customer).get,
            before=Tables(before.frame("prices"), before.frame("pages")) if before else None,
            baseline=before.read(_BASELINE) if before else b"",
            past=[figures for one in reversed(good) if (figures := _figures(one))],
        )
    record(**made.figures())
    if made.health.decision is Decision.QUARANTINE:
        raise CheckFailed(
            f"site {site.name} is quarantined: {made.reason}",
            "Look at its pages. If the site has changed, correct its site file and run again.",
        )
    if made.health.decision is Decision.CARRY:
        raise Permanent(
            f"site {site.name} shows too little: {made.reason}",
            "Its last good values are used. Look at it if it stays so.",
        )
    return {
        "prices": made.tables.prices,
        "pages": made.tables.pages,
        "faults": made.faults,
        _BASELINE: made.baseline,
    }


@task(
    dataset="captured",
    checks={
        "prices": [checks.columns(CAPTURED), checks.history("rows")],
        "sites": [
            checks.columns(SITES),
            checks.holds(
                "every site healthy",
                pl.col("decision") == "publish",
                otherwise="warn",
                columns=("site", "decision", "reason"),
            ),
        ],
    },
)
def combine_sites(
    read: dict[str, Dataset],
    *,
    failed: dict[str, str],
    faults: Sequence[dict[str, Any]],
    day: date,
) -> dict[str, pl.DataFrame]:
    """Put the sites of a day together.

    Args:
        read: the dataset of each site that delivered one.
        failed: sites and batches that did not, and why.
        faults: what was wrong with site files.
        day: of the data.
    """
    prices = {
        name: dataset.frame("prices").with_columns(
            stale=pl.col("stale") | pl.lit(dataset.source != "fresh")
        )
        for name, dataset in read.items()
    }
    rows = [
        site_row(
            name,
            dataset.statistics,
            source=dataset.source,
            age_days=dataset.age_days,
            reason=dataset.degraded[0].reason if dataset.degraded else "",
            stale=int(prices[name]["stale"].sum()),
            day=day,
        )
        for name, dataset in read.items()
    ]
    rows += [
        site_row(name, {}, source="", age_days=0, reason=reason, stale=0, day=day)
        for name, reason in failed.items()
    ]
    made = sites_table(rows).sort("site")
    record(coverage=answered_share(made), stale=int(made["stale"].sum()))
    told = pl.DataFrame(list(faults), schema=FAULTS)
    return {
        "prices": pl.concat([empty(CAPTURED), *prices.values()]),
        "sites": made,
        "faults": pl.concat([told, *(dataset.frame("faults") for dataset in read.values())]),
    }


@contextmanager
def explained() -> Iterator[None]:
    """Turn capture's errors into the platform's."""
    try:
        yield
    except CaptureError as error:
        raise Permanent(error.problem, error.action) from error


def _run() -> Run:
    run = current_run()
    if run is None:
        raise ConfigurationError(
            "sites are captured for nobody", "Call it from a flow made with @sdk.flow(customer=…)."
        )
    return run


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


class _Progress:
    """Tells how far the sites of a batch are: in the terminal, and in a table on the run."""

    def __init__(self, batch: str) -> None:
        self._key = f"progress-capture-{batch}"
        self._shown = time.monotonic()

    def __call__(self, captures: Sequence[SiteCapture]) -> None:
        done = sum(capture.done for capture in captures)
        failed = sum(capture.error is not None for capture in captures)
        tell(FanoutProgress("visit_sites", done, done + sum(one.left for one in captures), failed))
        ended = all(capture.ended or capture.error for capture in captures)
        if ended or time.monotonic() - self._shown >= SHOW_SECONDS:
            self._shown = time.monotonic()
            rows = [{**capture.summary(), "left": capture.left} for capture in captures]
            prefect2.publish_table_sync(self._key, rows, "progress of the sites")


def _good_runs(site: Site, day: date) -> Iterator[Dataset]:
    """Yield the site's good days before a day, the latest first: as many as a baseline takes."""
    run = _run()
    history = Store(run.store).history(
        run.customer, f"site.{site.name}", before=day, limit=4 * RUNS
    )
    good = [manifest for manifest in history if manifest.good][:RUNS]
    return (Dataset.of(manifest, run.store) for manifest in good)


def _figures(dataset: Dataset) -> SiteRun | None:
    try:
        return from_record(dataset.statistics["run"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None  # of another age's format
