"""How these tests capture: a storefront on loopback, a store in a folder, one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from flows.pipeline.capture.fetching.batch import Order, SiteCapture, capture_batch
from flows.pipeline.capture.fetching.journal import Journal
from flows.pipeline.capture.fetching.visit import Visit
from flows.pipeline.capture.settings import CaptureSettings
from flows.pipeline.capture.site import Site
from flows.pipeline.capture.site_file import load_sites
from flows.sample.storefront import Front
from sdk.storage import Storage, storage

CUSTOMER = "acme"
LOOPBACK = CaptureSettings(
    private_networks=("127.0.0.0/8",), connect_seconds=2.0, read_seconds=1.5, total_seconds=2.5
)


def sites_of(front: Front, folder: Path, rate: float = 20.0) -> dict[str, Site]:
    """The site files of a storefront, by name."""
    front.site_files(folder, rate=rate)
    return {site.name: site for site in load_sites(folder)}


def capture(
    sites: Sequence[Site],
    root: Path,
    day: date,
    settings: CaptureSettings = LOOPBACK,
    *,
    run: str = "",
    afresh: bool = False,
) -> dict[str, SiteCapture]:
    """Capture sites into the store of a folder."""
    order = Order(storage(str(root)), CUSTOMER, day, run=run, afresh=afresh)
    return {one.site: one for one in asyncio.run(capture_batch(sites, order, settings))}


def store(root: Path) -> Storage:
    return storage(str(root))


def visits(root: Path, day: date, site: str, kind: str | None = None) -> list[Visit]:
    """The journal of a site's day."""
    journal = Journal(store(root), CUSTOMER, day, site)
    return [visit for visit in journal.visits() if kind in (None, visit.kind)]
