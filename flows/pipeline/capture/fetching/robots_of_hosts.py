"""The robots.txt of every host that a site's pages are on: asked for once a run, then kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from flows.pipeline.capture.fetching.links import host_of
from flows.pipeline.capture.fetching.robots import Robots, read_robots
from flows.pipeline.capture.fetching.visit import Visit


class RobotsOfHosts:
    """Asks for robots.txt where it is not known yet.

    Args:
        agent: our name in such files.
        ask: fetches an address; returns status, body, and what was wrong.
        slow_down: is told of a delay that a host asks for.
    """

    def __init__(
        self,
        agent: str,
        ask: Callable[[str], Awaitable[tuple[int, bytes, str]]],
        slow_down: Callable[[str, float], None],
    ) -> None:
        self._agent = agent
        self._ask = ask
        self._slow_down = slow_down
        self._known: dict[str, Robots] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self.reason = ""

    def recall(self, visits: Iterable[Visit], body_of: Callable[[str], bytes | None]) -> None:
        """Take what the journal has; RFC 9309 lets it be kept for a day."""
        for visit in visits:
            if visit.kind == "robots":
                body = body_of(visit.page) if visit.page else b""
                if body is not None:
                    self._take(visit.url, visit.status, body, visit.detail)

    async def allow(self, url: str) -> bool:
        """Say whether an address may be asked for."""
        parts = urlsplit(url)
        address = f"{parts.scheme}://{parts.netloc}/robots.txt"
        async with self._locks.setdefault(address, asyncio.Lock()):
            if address not in self._known:
                self._take(address, *await self._ask(address))
        return self._known[address].allows(url, self._agent)

    def _take(self, address: str, status: int, body: bytes, detail: str) -> None:
        robots = self._known[address] = read_robots(status, body)
        if robots.state == "closed":
            self.reason = f"robots.txt cannot be had ({detail or f'status {status}'})"
        delay = robots.delay(self._agent)
        if delay is not None:
            self._slow_down(host_of(address), delay)
