"""One site, visited: workers take addresses off the frontier until nothing is left.

The order of writing is what makes a kill harmless: first the page into the archive, then the
visit into the journal, then on. A worker killed anywhere in between has lost the requests that
were under way, and nothing else; who takes the site up replays the journal.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import httpx
from pydantic import SecretStr

from flows.pipeline.capture.fetching.answer import Answer
from flows.pipeline.capture.fetching.discovery import Discovery
from flows.pipeline.capture.fetching.fetcher import Fetcher, Limits
from flows.pipeline.capture.fetching.frontier import Bounds, Frontier
from flows.pipeline.capture.fetching.gate import MARGIN, Gate, Gates
from flows.pipeline.capture.fetching.journal import Ended, How, Journal
from flows.pipeline.capture.fetching.page_archive import PageArchive
from flows.pipeline.capture.fetching.patience import Patience
from flows.pipeline.capture.fetching.robots_of_hosts import RobotsOfHosts
from flows.pipeline.capture.fetching.seeds import hosts_of
from flows.pipeline.capture.fetching.visit import PASSING, Found, Visit
from flows.pipeline.capture.settings import ROBOT
from flows.pipeline.capture.site import Site

MOST_ATTEMPTS: Final = 3
"""Of one address. What fails three times in a run has another run tomorrow."""
MOST_BUSY: Final = 6
"""Of one address that is answered with 429 or 503: each time the pace is halved first."""


@dataclass(frozen=True)
class Tools:
    """What a crawl works with; shared by the sites of a batch, but for the client.

    Attributes:
        client: over the site's own connections.
        gates: of all hosts.
        archive: where pages are kept.
        limits: of time for one request.
        agent: the user agent.
        until: monotonic instant at which the crawl stops.
    """

    client: httpx.AsyncClient
    gates: Gates
    archive: PageArchive
    limits: Limits
    agent: str
    until: float


class Crawl:
    """The visits of one site on one day.

    Args:
        site: what is known of it.
        first: where it begins.
        journal: of the day.
        earlier: visits of the run before by address, for conditional requests.
        tools: what it works with.
        language: the header ``Accept-Language``.
        token: of the site.
    """

    def __init__(
        self,
        site: Site,
        first: list[Found],
        journal: Journal,
        earlier: Mapping[str, Visit],
        tools: Tools,
        language: str = "",
        token: SecretStr | None = None,
    ) -> None:
        self.site = site
        self.journal = journal
        self.frontier = Frontier(Bounds.for_site(site.expected_pages, site.max_pages))
        self._first = first
        self._earlier = earlier
        self._tools = tools
        hosts = hosts_of(site)
        self._robots = RobotsOfHosts(ROBOT, self._ask_for_robots, self._slow_down)
        self._fetcher = Fetcher(
            tools.client,
            hosts=hosts,
            gate=self._gate,
            allowed=self._robots.allow,
            limits=tools.limits,
            agent=tools.agent,
            language=language,
            token=token,
        )
        self._discovery = Discovery(site, hosts)
        self._patience = Patience()
        self._attempts: Counter[str] = Counter()
        self._left: tuple[How, str] | None = None
        self._news = asyncio.Event()
        self._writing = asyncio.Lock()
        self._asked = self._forbidden = 0

    async def run(self, *, again: bool, run: str = "") -> Ended:
        """Visit what is to be visited.

        Args:
            again: visits of an earlier run that failed for a passing reason are made again.
            run: noted at the end.
        """
        began = time.monotonic()
        visits = list(self.journal.visits())
        self._robots.recall(
            [visit for visit in visits if not (again and visit.passing)], self._tools.archive.get
        )
        self.frontier.add(self._first)
        self.frontier.replay(visits, again=again)
        del visits
        async with asyncio.TaskGroup() as group:
            for _ in range(self.site.concurrency):
                group.create_task(self._work())
        how, reason = self._left or self._verdict()
        ended = Ended(how, reason, run, self.frontier.done, round(time.monotonic() - began, 3))
        await self._write(self.journal.end, ended)
        return ended

    async def fetch_one(self, url: str) -> Answer:
        """Fetch one page as the crawl would, without taking it down."""
        answer = await self._fetcher.fetch(url, "page")
        closed = answer.problem == "robots" and self._robots.reason
        return replace(answer, detail=self._robots.reason) if closed else answer

    def _verdict(self) -> tuple[How, str]:
        if self._asked and self._forbidden == self._asked:
            return "closed", self._robots.reason or "robots.txt forbids what the site file names"
        if self.frontier.bounded:
            most = self.frontier.bounds.pages
            return "bounded", f"more than {most:,} pages or endless listings; the rest was left"
        return "complete", ""

    async def _work(self) -> None:
        while self._left is None:
            if time.monotonic() > self._tools.until:
                self._left = "out_of_time", "the time for one site was over"
                break
            found = self.frontier.take()
            if found is not None:
                await self._visit(found)
            elif self.frontier.is_done():
                break
            else:
                await self._news.wait()
                continue
            self._tell_the_others()
        self._tell_the_others()

    def _tell_the_others(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _visit(self, found: Found) -> None:
        earlier = await self._usable(found)
        answer = await self._fetcher.fetch(found.url, found.kind, earlier)
        if self._left is not None:
            self.frontier.give_back(found)
            return
        reason = self._patience.note(answer)
        if reason is not None:
            self._left = "gave_up", reason
        self._attempts[found.url] += 1
        most = MOST_BUSY if answer.problem == "busy" else MOST_ATTEMPTS
        if answer.problem in PASSING and (
            self._left is not None or self._attempts[found.url] < most
        ):
            self.frontier.give_back(found)
            return
        del self._attempts[found.url]
        await self._take_down(found, answer, earlier)

    async def _usable(self, found: Found) -> Visit | None:
        earlier = self._earlier.get(found.url)
        if earlier is None or earlier.page is None:
            return None
        held = await asyncio.to_thread(self._tools.archive.holds, earlier.page)
        return earlier if held else None

    async def _take_down(self, found: Found, answer: Answer, earlier: Visit | None) -> None:
        """Keep the page, then the visit."""
        visit = await self._kept(found, answer, earlier)
        if found.kind != "probe":
            self._asked += 1
            self._forbidden += visit.problem in ("robots", "unreachable")
        if visit.page is not None and found.kind in ("sitemap", "listing", "page"):
            body = answer.body
            if visit.unchanged:
                body = await asyncio.to_thread(self._tools.archive.get, visit.page)
            new, problem = self._discovery.found(
                found, body or b"", visit.final_url, visit.content_type, self.frontier
            )
            if problem is not None and visit.problem is None:
                visit = replace(visit, problem="sitemap", detail=problem)
            visit = replace(visit, found=new)
        await self._write(self.journal.add, visit)
        self.frontier.record(visit)

    async def _kept(self, found: Found, answer: Answer, earlier: Visit | None) -> Visit:
        visit = Visit(
            url=found.url,
            kind=found.kind,
            status=answer.status,
            final_url=answer.url,
            content_type=answer.content_type,
            etag=answer.etag,
            last_modified=answer.last_modified,
            problem=answer.problem,
            detail=answer.detail,
            seconds=round(answer.seconds, 4),
            depth=found.depth,
        )
        if answer.problem == "robots" and self._robots.reason:
            visit = replace(visit, problem="unreachable", detail=self._robots.reason)
        if answer.status == 304 and earlier is not None:
            return replace(
                visit,
                status=200,
                page=earlier.page,
                content_type=earlier.content_type,
                etag=answer.etag or earlier.etag,
                last_modified=answer.last_modified or earlier.last_modified,
                size=earlier.size,
                unchanged=True,
            )
        if answer.body is None or not 200 <= answer.status < 300 or answer.problem is not None:
            return visit
        page = await asyncio.to_thread(self._tools.archive.put, answer.body)
        return replace(visit, page=page, size=len(answer.body))

    async def _write(self, write: Callable[[Any], None], value: object) -> None:
        async with self._writing:
            await asyncio.to_thread(write, value)

    async def _ask_for_robots(self, url: str) -> tuple[int, bytes, str]:
        """Fetch a robots.txt; return status, body and what was wrong."""
        for attempt in range(1, MOST_ATTEMPTS + 1):
            answer = await self._fetcher.fetch(url, "robots")
            if answer.problem not in PASSING or attempt == MOST_ATTEMPTS:
                break
        visit = await self._kept(Found(url, "robots"), answer, None)
        await self._write(self.journal.add, visit)
        # RFC 9309, 2.3.1.2: a chain of redirects without an end is no robots.txt at all.
        status = 404 if answer.problem == "redirects" else answer.status
        return status, answer.body or b"", answer.detail

    def _gate(self, host: str) -> Gate:
        return self._tools.gates.of(host, rate=self.site.rate, concurrency=self.site.concurrency)

    def _slow_down(self, host: str, delay: float) -> None:
        self._gate(host).pace.at_least(MARGIN * delay)
