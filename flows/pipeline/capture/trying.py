"""Trying a site or a page for real: a few requests, as a capture would make them, and what comes.

For whoever writes a site file. A page is fetched as a capture would fetch it (robots.txt, the
site's proxy and token, no private address). A site is captured with a bound of a few pages into
a folder that is thrown away; what was asked, what it led to, and what the products say is shown.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx

from flows.pipeline.capture.answers import Answer as Found
from flows.pipeline.capture.answers import read_answers
from flows.pipeline.capture.errors import CaptureError
from flows.pipeline.capture.fetching.answer import Answer
from flows.pipeline.capture.fetching.batch import Order, capture_batch, transport_of
from flows.pipeline.capture.fetching.crawl import Crawl, Tools
from flows.pipeline.capture.fetching.fetcher import Limits
from flows.pipeline.capture.fetching.gate import Gates
from flows.pipeline.capture.fetching.journal import Ended, Journal
from flows.pipeline.capture.fetching.local_folder import LocalFolder
from flows.pipeline.capture.fetching.page_archive import PageArchive
from flows.pipeline.capture.fetching.visit import Visit
from flows.pipeline.capture.page_verdict import Verdict
from flows.pipeline.capture.settings import CaptureSettings
from flows.pipeline.capture.site import Site
from flows.pipeline.capture.trial import report

_CUSTOMER: Final = "trial"
_SHOWN: Final = 3


def fetch_page(url: str, site: Site | None, settings: CaptureSettings) -> Answer:
    """Return a page, fetched as a capture would fetch it.

    Args:
        url: of the page.
        site: the site file; without one, the page alone is the site.
        settings: of the operator.

    Raises:
        CaptureError: there is none; says why and what to do.
    """
    known = site or Site(name="trial", product_list=(url,), allow_private=True)
    with tempfile.TemporaryDirectory() as scratch:
        answer = asyncio.run(_fetch(url, known, settings, LocalFolder(Path(scratch))))
    if answer.problem is not None or answer.body is None or answer.status >= 400:
        said = answer.detail or answer.problem or f"it answers {answer.status}"
        raise CaptureError(
            f"no page from {url}: {said}",
            "Check the address, or save the page in a browser and try the file.",
        )
    return answer


async def _fetch(url: str, site: Site, settings: CaptureSettings, folder: LocalFolder) -> Answer:
    today = datetime.now(UTC).date()
    async with httpx.AsyncClient(
        transport=transport_of(site, settings, httpx.create_ssl_context()), trust_env=False
    ) as client:
        tools = Tools(
            client=client,
            gates=Gates(),
            archive=PageArchive(folder, _CUSTOMER),
            limits=Limits(settings.connect_seconds, settings.read_seconds, settings.total_seconds),
            agent=settings.agent,
            until=time.monotonic() + settings.total_seconds,
        )
        token = settings.secret("token", site.token, site.name) if site.token else None
        journal = Journal(folder, _CUSTOMER, today, site.name)
        crawl = Crawl(site, [], journal, {}, tools, language=site.locale or "", token=token)
        return await crawl.fetch_one(url)


def try_site(site: Site, folder: Path, settings: CaptureSettings, pages: int = 10) -> Iterator[str]:
    """Yield lines that say what a capture of a few pages of a site finds.

    Args:
        site: the site.
        folder: of its site file.
        settings: of the operator.
        pages: that are visited, at the most.

    Raises:
        CaptureError: nothing could be asked.
    """
    today = datetime.now(UTC).date()
    with tempfile.TemporaryDirectory() as scratch:
        root = LocalFolder(Path(scratch))
        few = site.model_copy(update={"max_pages": pages, "start_urls": site.start_urls[:1]})
        order = Order(root, _CUSTOMER, today, site_folder=folder)
        (done,) = asyncio.run(capture_batch([few], order, settings))
        if done.error is not None or done.ended is None:
            raise CaptureError(f"site {site.name}: {done.error}", "Correct it and try again.")
        visits = list(Journal(root, _CUSTOMER, today, site.name).visits())
        read = read_answers(few, visits, PageArchive(root, _CUSTOMER).get)
    yield from _visits(visits)
    yield _end(done.ended)
    yield from _products([one for one in read.answers if one.verdict is Verdict.PRODUCT])
    for answer in read.answers:
        if answer.verdict is not Verdict.PRODUCT:
            why = f": {answer.problem}" if answer.problem else ""
            yield f"{answer.url}\n  {answer.verdict.value}{why}"
    for fault in read.faults[:_SHOWN]:
        yield f"fault: {fault.problem}"
    if read.problem:
        yield f"problem: {read.problem}"


def _visits(visits: list[Visit]) -> Iterator[str]:
    for visit in visits:
        said = visit.problem or str(visit.status)
        more = f"  {visit.detail}" if visit.detail else ""
        led = f"  led to {len(visit.found)} addresses" if visit.found else ""
        yield f"{visit.kind:8} {said:12} {visit.url}{more}{led}"


def _end(ended: Ended) -> str:
    reason = f": {ended.reason}" if ended.reason else ""
    return f"ended {ended.how}{reason}, {ended.visits} visits in {ended.seconds:.1f} s"


def _products(found: list[Found]) -> Iterator[str]:
    yield f"{len(found)} products"
    for answer in found[:_SHOWN]:
        if answer.product is not None:
            yield from report(answer.product)
