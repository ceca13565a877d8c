"""A site whose items a program brings: run it, keep its items, write its visit down."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import date
from pathlib import Path

from flows.pipeline.capture.drivers.program import Items, run_program
from flows.pipeline.capture.errors import BadSite
from flows.pipeline.capture.fetching.journal import Ended, Journal
from flows.pipeline.capture.fetching.page_archive import PageArchive
from flows.pipeline.capture.fetching.visit import Visit
from flows.pipeline.capture.settings import CaptureSettings
from flows.pipeline.capture.site import Site


async def capture_items(
    site: Site,
    day: date,
    folder: Path,
    journal: Journal,
    archive: PageArchive,
    settings: CaptureSettings,
    run: str = "",
) -> Ended:
    """Run a site's program and keep what it gives.

    Args:
        site: with the driver scrapy or script.
        day: of the data.
        folder: of the site file: the program's working folder.
        journal: of the site's day.
        archive: where the items are kept.
        settings: of the operator.
        run: noted at the end.

    Raises:
        BadSite: there is no such script.
        MissingSetting: the site's proxy or token is not in the settings.
    """
    began = time.monotonic()
    secrets = {
        name: settings.secret(kind, named, site.name).get_secret_value()
        for kind, named, name in (
            ("proxy", site.proxy, "DATAWEAVE_PROXY"),
            ("token", site.token, "DATAWEAVE_TOKEN"),
        )
        if named
    }
    items = await run_program(
        command(site, folder),
        cwd=folder,
        variables={
            "DATAWEAVE_SITE": site.name,
            "DATAWEAVE_DAY": day.isoformat(),
            "DATAWEAVE_AGENT": settings.agent,
            "DATAWEAVE_RATE": str(site.rate),
            "DATAWEAVE_CONCURRENCY": str(site.concurrency),
            **secrets,
        },
        seconds=settings.site_hours * 3600.0,
        secrets=tuple(secrets.values()),
    )
    page = await asyncio.to_thread(archive.put, items.body)
    await asyncio.to_thread(journal.add, _visit(site, items, page, time.monotonic() - began))
    ended = Ended(
        how="complete" if items.problem is None else "gave_up",
        reason=items.problem or "",
        run=run,
        visits=items.count,
        seconds=round(time.monotonic() - began, 3),
    )
    await asyncio.to_thread(journal.end, ended)
    return ended


def command(site: Site, folder: Path) -> list[str]:
    """Return a site's program and its arguments.

    Raises:
        BadSite: there is no such script.
    """
    if site.driver == "scrapy":
        assert site.spider is not None
        return [sys.executable, str(Path(__file__).with_name("spider.py")), site.spider]
    assert site.script is not None
    path = (folder / site.script).resolve()
    if not path.is_file():
        raise BadSite(
            f"site {site.name}: there is no script {site.script}",
            "Give its path relative to the site file.",
            field="script",
        )
    return [sys.executable, str(path)] if path.suffix == ".py" else [str(path)]


def _visit(site: Site, items: Items, page: str, seconds: float) -> Visit:
    told = [items.problem] if items.problem else []
    if items.wrong:
        told.append(f"{items.wrong:,} lines are no items")
    return Visit(
        url=f"items:{site.name}",
        kind="items",
        status=200,
        final_url=f"items:{site.name}",
        page=page,
        content_type="application/json",
        problem=None if items.problem is None else "program",
        detail="; ".join(told),
        seconds=round(seconds, 3),
        size=len(items.body),
    )
