"""Visit: what a batch of sites shows on a day is fetched, in one event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from flows.pipeline.capture.fetching.batch import Order, SiteCapture, capture_batch
from flows.pipeline.capture.settings import CaptureSettings
from flows.pipeline.capture.site import Site
from flows.pipeline.capture.steps.of_run import run_of_step
from sdk import ConfigurationError, Transient, prefect2
from sdk.progress import FanoutProgress, tell
from sdk.storage import storage

SHOW_SECONDS: Final = 20.0
"""Between two tables of progress: each is an artifact of the run."""


def visit_sites(sites: Sequence[Site], day: date, folder: str) -> list[dict[str, Any]]:
    """Fetch what a batch of sites shows on a day.

    Sites whose day is fetched already are not asked again, unless the run refreshes. A day that is
    over is not fetched at all: what a site shows now is not what it showed then.

    Returns:
        A row for each site: how its crawl ended, and how many pages it visited.
    """
    run = run_of_step()
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
