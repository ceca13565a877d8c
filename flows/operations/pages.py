"""Retention of captured pages, as a flow: old visits go, and the pages that only they named.

In this order, so that a kill leaves at worst pages that nobody names, which the next run takes.
A page of which a capture that is under way is about to say that it has not changed may go at that
very moment: that capture reads it as a page that was not seen, and the next one asks anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from flows.pipeline.capture.fetching.journal import FOLDER as JOURNALS
from flows.pipeline.capture.fetching.journal import rounds
from flows.pipeline.capture.fetching.page_archive import FOLDER as PAGES
from flows.pipeline.capture.fetching.retention import Kept, days_to_drop, pages_to_drop
from sdk import Settings, flow, prefect2
from sdk.storage import Entry, Storage, storage


@flow(name="pages-prune")
def prune_pages(keep_days: int = 30, grace_days: int = 2) -> dict[str, int]:
    """Remove the captures that are older than they are kept.

    Args:
        keep_days: days of visits and pages.
        grace_days: pages younger than this stay, whatever names them.

    Returns:
        How many days and pages went, how many pages stay, and the bytes that were freed.
    """
    root = storage(Settings().storage)
    done = {
        name: prune(root, name, timedelta(keep_days), timedelta(grace_days))
        for name in root.names("")
        if root.names(f"{name}/{JOURNALS}")
    }
    rows = [{"customer": name, **counts} for name, counts in done.items()]
    prefect2.publish_table_sync("pages", rows, "retention of captured pages")
    totals = ("days", "pages", "kept", "bytes")
    return {key: sum(counts[key] for counts in done.values()) for key in totals}


def prune(
    root: Storage, customer: str, keep: timedelta, grace: timedelta, now: datetime | None = None
) -> dict[str, int]:
    """Remove what one customer's captures need no more; see `prune_pages`."""
    now = now or datetime.now(UTC)
    old = days_to_drop(root.names(f"{customer}/{JOURNALS}"), now.date(), keep)
    for day in old:
        _remove(root, f"{customer}/{JOURNALS}/{day}")
    pages = [_kept(entry) for entry in root.entries(f"{customer}/{PAGES}")]
    newest = max((page.modified for page in pages if page.modified), default=now)
    going = pages_to_drop(pages, set(_named(root, customer)), min(now, newest), grace)
    for page in going:
        root.delete(page.path)
    return {
        "days": len(old),
        "pages": len(going),
        "kept": len(pages) - len(going),
        "bytes": sum(page.bytes for page in going),
    }


def _remove(root: Storage, folder: str) -> None:
    emptied = {folder}
    for entry in root.entries(folder):
        root.delete(entry.path)
        parents = entry.path.removeprefix(f"{folder}/").split("/")[:-1]
        emptied |= {"/".join([folder, *parents[:end]]) for end in range(1, len(parents) + 1)}
    for path in sorted(emptied, key=len, reverse=True):
        root.prune(path)


def _named(root: Storage, customer: str) -> Iterator[str]:
    for journal in rounds(root, customer):
        for visit in journal:
            if visit.page is not None:
                yield visit.page


def _kept(entry: Entry) -> Kept:
    name = entry.path.rsplit("/", 1)[-1].removesuffix(".zst")
    return Kept(entry.path, name, entry.bytes, entry.modified)
