"""The overview, as a flow: read the store, write the page where people open it."""

from __future__ import annotations

from datetime import UTC, datetime

from flows.operations.catalogue import customers
from flows.operations.overview.gather import Platform, gather
from flows.operations.overview.page import render_overview
from sdk import Settings, Store, flow

PATH = "_operations/index.html"
"""Of the page, below the storage root."""


@flow(name="operations-page")
def write_overview(look_back: int = 14) -> str:
    """Write the page of the whole platform; schedule it every few minutes.

    Args:
        look_back: days of ledgers that are read.

    Returns:
        Where the page is.
    """
    return write(look_back)[0]


def write(look_back: int = 14) -> tuple[str, Platform]:
    """Write the page; return where it is, and what it tells."""
    settings = Settings()
    store = Store(settings.storage)
    platform = gather(store, customers(), datetime.now(UTC), look_back=look_back)
    store.storage.put(PATH, render_overview(platform, settings.environment))
    return store.storage.locate(PATH), platform
