"""A batch of sites in one event loop: each goes its way, none takes another with it."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import httpx

from flows.pipeline.capture.drivers.items import capture_items
from flows.pipeline.capture.errors import CaptureError
from flows.pipeline.capture.fetching.addresses import ANYWHERE
from flows.pipeline.capture.fetching.connect import GuardedNetwork
from flows.pipeline.capture.fetching.crawl import Crawl, Tools
from flows.pipeline.capture.fetching.fetcher import Limits
from flows.pipeline.capture.fetching.folder import Folder
from flows.pipeline.capture.fetching.gate import Gates
from flows.pipeline.capture.fetching.journal import Ended, Journal, latest_before
from flows.pipeline.capture.fetching.page_archive import PageArchive
from flows.pipeline.capture.fetching.seeds import hosts_of, seeds
from flows.pipeline.capture.fetching.transport import GuardedTransport
from flows.pipeline.capture.fetching.turns import Fenced, Turn, Turns
from flows.pipeline.capture.fetching.visit import Visit
from flows.pipeline.capture.settings import CaptureSettings
from flows.pipeline.capture.site import Site

_THREADS: Final = 16
"""For names and for the store; both wait, and one slow name must not hold the others."""


APART: Final = 0.01
"""Seconds between the starts of two sites. At one pace they would else be asked in the same
instant, again and again: the worker would be late for most of them, and idle in between."""


@dataclass(frozen=True)
class Order:
    """What is to be captured, and where it is kept.

    Attributes:
        folder: the storage root.
        customer: whose capture it is.
        day: of the data.
        run: the run; what an earlier run left unfinished or failed for a passing reason is
            tried again by a later one, what this run has ended is not.
        site_folder: of the site files, for the product lists beside them.
        afresh: capture again what is captured already.
    """

    folder: Folder
    customer: str
    day: date
    run: str = ""
    site_folder: Path | None = None
    afresh: bool = False


@dataclass
class SiteCapture:
    """How far a site is.

    Attributes:
        ended: how its round ended; None while it is under way, or if it broke.
        error: what broke it, in words.
    """

    site: str
    ended: Ended | None = None
    error: str | None = None
    crawl: Crawl | None = field(default=None, repr=False)

    @property
    def done(self) -> int:
        """Visits that were made."""
        if self.crawl is not None:
            return self.crawl.frontier.done
        return self.ended.visits if self.ended else 0

    def summary(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        ended = self.ended
        return {
            "site": self.site,
            "pages": self.done,
            "ended": ended.how if ended else "broken" if self.error else "under way",
            "reason": ended.reason if ended else self.error or "",
        }

    @property
    def left(self) -> int:
        """Addresses that are known and not visited yet."""
        return len(self.crawl.frontier) + self.crawl.frontier.under_way if self.crawl else 0


async def capture_batch(
    sites: Sequence[Site],
    order: Order,
    settings: CaptureSettings,
    tell: Callable[[Sequence[SiteCapture]], None] | None = None,
    tell_every: float = 2.0,
) -> list[SiteCapture]:
    """Capture sites at the same time, each at its own pace.

    Args:
        sites: of any driver.
        order: for whom, of which day.
        settings: of the operator.
        tell: is told how far they are.
        tell_every: seconds between two such.

    Returns:
        A `SiteCapture` for each site, in their order.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
    gates = Gates()
    turns = Turns(order.folder, settings.turn_seconds, settings.site_hours * 3600.0)
    tls = httpx.create_ssl_context()
    captures = [SiteCapture(site.name) for site in sites]

    async def guarded(site: Site, capture: SiteCapture, place: int) -> None:
        await asyncio.sleep(place * APART)
        try:
            await _in_turn(site, capture, order, settings, gates, tls, turns)
        except Exception as error:
            # A missing secret, a full disk, a defect of ours: told with the site's name, and no
            # reason for the others to stop.
            capture.error = _said(error)

    teller = asyncio.create_task(_tell(captures, tell, tell_every)) if tell else None
    try:
        async with asyncio.TaskGroup() as group:
            for place, (site, capture) in enumerate(zip(sites, captures, strict=True)):
                group.create_task(guarded(site, capture, place))
    finally:
        if teller is not None:
            teller.cancel()
    if tell is not None:
        await asyncio.to_thread(tell, captures)
    return captures


def _said(error: Exception) -> str:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, CaptureError) else f"{type(error).__name__}: {error}"


async def _tell(
    captures: Sequence[SiteCapture], tell: Callable[[Sequence[SiteCapture]], None], every: float
) -> None:
    while True:
        await asyncio.sleep(every)
        await asyncio.to_thread(tell, captures)


async def _in_turn(
    site: Site,
    capture: SiteCapture,
    order: Order,
    settings: CaptureSettings,
    gates: Gates,
    tls: ssl.SSLContext,
    turns: Turns,
) -> None:
    """Capture a site when its hosts' turn has come; again where the turn was lost on the way."""
    while not await asyncio.to_thread(_captured, site, capture, order):
        async with turns.taken(hosts_of(site)) as turn:
            work = asyncio.ensure_future(_capture(site, capture, order, settings, gates, tls, turn))
            lost = asyncio.ensure_future(turn.lost())
            try:
                await asyncio.wait({work, lost}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ended = work.done()
                work.cancel()
                lost.cancel()
                await asyncio.gather(work, lost, return_exceptions=True)
            if ended:
                work.result()
                return


def _captured(site: Site, capture: SiteCapture, order: Order) -> bool:
    """Say whether a site needs no visit any more: another run may have made it meanwhile."""
    journal = Journal(order.folder, order.customer, order.day, site.name, afresh=order.afresh)
    ended = journal.ended()
    if ended is not None and (ended.how in ("complete", "bounded") or ended.run == order.run):
        capture.ended = ended
        return True
    return False


async def _capture(
    site: Site,
    capture: SiteCapture,
    order: Order,
    settings: CaptureSettings,
    gates: Gates,
    tls: ssl.SSLContext,
    turn: Turn,
) -> None:
    if await asyncio.to_thread(_captured, site, capture, order):
        return
    journal = Journal(order.folder, order.customer, order.day, site.name, afresh=order.afresh)
    ended = journal.ended()
    archive = PageArchive(order.folder, order.customer)
    if site.driver in ("scrapy", "script"):
        folder = (order.site_folder or Path()).resolve()
        capture.ended = await capture_items(
            site, order.day, folder, journal, archive, settings, order.run
        )
        return
    transport = Fenced(transport_of(site, settings, tls), turn)
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        tools = Tools(
            client=client,
            gates=gates,
            archive=archive,
            limits=Limits(settings.connect_seconds, settings.read_seconds, settings.total_seconds),
            agent=settings.agent,
            until=time.monotonic() + settings.site_hours * 3600.0,
        )
        token = settings.secret("token", site.token, site.name) if site.token else None
        crawl = Crawl(
            site,
            seeds(site, order.site_folder),
            journal,
            _earlier(site, order),
            tools,
            language=(site.locale or "").replace("_", "-"),
            token=token,
        )
        capture.crawl = crawl
        try:
            capture.ended = await crawl.run(again=ended is not None, run=order.run)
        finally:
            await asyncio.to_thread(journal.flush)


def transport_of(site: Site, settings: CaptureSettings, tls: ssl.SSLContext) -> GuardedTransport:
    """Return the transport of a site: its connections, its proxy, and where they may lead."""
    proxy = settings.secret("proxy", site.proxy, site.name) if site.proxy else None
    allowed = settings.networks if site.allow_private else ()
    return GuardedTransport(
        # A proxy is the operator's, wherever it is; what it is asked for is checked apart.
        GuardedNetwork(ANYWHERE) if proxy else GuardedNetwork(allowed, settings.reroute),
        tls,
        connections=site.concurrency,
        proxy=proxy.get_secret_value() if proxy is not None else None,
        allowed=allowed,
    )


def _earlier(site: Site, order: Order) -> Mapping[str, Visit]:
    """Return the visits of the run before that can be asked for conditionally."""
    journal = latest_before(order.folder, order.customer, order.day, site.name)
    if journal is None:
        return {}
    return {
        visit.url: visit
        for visit in journal.visits()
        if visit.page is not None and (visit.etag or visit.last_modified)
    }
