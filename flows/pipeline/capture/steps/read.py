"""Read: one site's day is extracted from what was fetched, and judged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Final

import polars as pl

from flows.pipeline.capture.captured import CAPTURED, PAGES, Tables
from flows.pipeline.capture.errors import CaptureError
from flows.pipeline.capture.fetching.journal import Journal, content_of
from flows.pipeline.capture.fetching.page_archive import PageArchive
from flows.pipeline.capture.health import RUNS, Decision, SiteRun
from flows.pipeline.capture.site import Site
from flows.pipeline.capture.site_day import read_day
from flows.pipeline.capture.site_run import from_record
from flows.pipeline.capture.steps.of_run import run_of_step
from flows.pipeline.schema import FAULTS, empty
from sdk import (
    CheckFailed,
    Dataset,
    Input,
    Permanent,
    Store,
    checks,
    default,
    last_good,
    record,
    task,
)
from sdk.storage import storage

_BASELINE: Final = "baseline.txt"
_NOTHING: Final[dict[str, pl.DataFrame]] = {
    "prices": empty(CAPTURED),
    "pages": empty(PAGES),
    "faults": empty(FAULTS),
}


def _inputs(site: Site, day: date) -> list[Input]:
    """Return what a site's reading stands on: its visits, and the runs before."""
    run = run_of_step()
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
    run = run_of_step()
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


@contextmanager
def explained() -> Iterator[None]:
    """Turn capture's errors into the platform's."""
    try:
        yield
    except CaptureError as error:
        raise Permanent(error.problem, error.action) from error


def _good_runs(site: Site, day: date) -> Iterator[Dataset]:
    """Yield the site's good days before a day, the latest first: as many as a baseline takes."""
    run = run_of_step()
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
