"""Fetching one address: through the gate, redirects followed and checked, the body within its cap.

Every redirect is a new request: to a host of the site (or it is refused), allowed by that host's
robots.txt, through that host's gate, over a connection that is checked. The site's token goes to
the site's own hosts alone, and never over plain HTTP to a host that was asked by HTTPS.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx
from pydantic import SecretStr

from flows.pipeline.capture.fetching.addresses import AddressRefused
from flows.pipeline.capture.fetching.answer import (
    MOST_BYTES,
    Answer,
    is_readable,
    problem_of_error,
    problem_of_status,
    seconds_asked,
)
from flows.pipeline.capture.fetching.body import ACCEPTED, Body, TooLarge
from flows.pipeline.capture.fetching.gate import Gate, Passage
from flows.pipeline.capture.fetching.links import host_of, within
from flows.pipeline.capture.fetching.robots import MOST_BYTES as MOST_OF_ROBOTS
from flows.pipeline.capture.fetching.visit import Kind, Visit

MOST_REDIRECTS: Final = 5
_EXPECTED: Final = (httpx.HTTPError, httpx.InvalidURL, AddressRefused, ValueError, OSError)
"""What a request may end in; anything else is a defect of ours, to be seen."""
_ACCEPT: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5"


@dataclass(frozen=True)
class Limits:
    """Seconds that things may take.

    Attributes:
        connect: name, connection and TLS.
        read: between two pieces of an answer.
        total: one request with its answer, the wait for its turn not counted.
    """

    connect: float = 10.0
    read: float = 20.0
    total: float = 60.0


class Fetcher:
    """Fetches addresses of one site.

    Args:
        client: of httpx, over a guarded transport.
        hosts: of the site.
        gate: returns the gate of a host.
        allowed: says whether robots.txt of its host allows an address.
        limits: of time.
        agent: the header ``User-Agent``.
        language: the header ``Accept-Language``, "" for none.
        token: sent as bearer to the site's hosts.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        hosts: frozenset[str],
        gate: Callable[[str], Gate],
        allowed: Callable[[str], Awaitable[bool]],
        limits: Limits,
        agent: str,
        language: str = "",
        token: SecretStr | None = None,
    ) -> None:
        self._client = client
        self._hosts = hosts
        self._gate = gate
        self._allowed = allowed
        self._limits = limits
        self._token = token
        self._headers = {
            "User-Agent": agent,
            "Accept": _ACCEPT,
            "Accept-Encoding": ACCEPTED,
            **({"Accept-Language": language} if language else {}),
        }
        self._timeout = httpx.Timeout(limits.read, connect=limits.connect, pool=limits.total)

    async def fetch(self, url: str, kind: Kind, earlier: Visit | None = None) -> Answer:
        """Return the answer to an address; what goes wrong is in it.

        Args:
            url: the address.
            kind: decides which content and how much of it is read.
            earlier: the visit before, whose page is still there: asked whether it changed.
        """
        first = url
        for _ in range(MOST_REDIRECTS + 1):
            if kind != "robots":
                # robots.txt may be redirected anywhere (RFC 9309, 2.3.1.2); addresses are checked.
                if not within(host_of(url), self._hosts):
                    return Answer(url, problem="off_site", detail=f"leads to {host_of(url)}")
                if not await self._allowed(url):
                    return Answer(url, problem="robots", detail="robots.txt does not allow it")
            answer, target = await self._once(first, url, kind, earlier)
            if target is None:
                return answer
            url = target
        return Answer(url, problem="redirects", detail=f"more than {MOST_REDIRECTS} redirects")

    async def _once(
        self, first: str, url: str, kind: Kind, earlier: Visit | None
    ) -> tuple[Answer, str | None]:
        """Send one request; return the answer, or where it is redirected to."""
        gate = self._gate(host_of(url))
        async with gate.passage() as passage:
            try:
                async with asyncio.timeout(self._limits.total):
                    answer, target = await self._send(
                        url, kind, passage, self._extra(first, url, earlier)
                    )
            except _EXPECTED as error:
                problem, detail = problem_of_error(error)
                answer, target = Answer(url, problem=problem, detail=detail), None
            self._tell(gate, answer, passage)
        return answer, target

    def _tell(self, gate: Gate, answer: Answer, passage: Passage) -> None:
        """Let the host's pace know how it went."""
        now = gate.clock()
        if answer.problem == "busy":
            gate.pace.refused(now, answer.retry_after, passage.began)
        elif answer.problem in ("timeout", "reset", "connect", "server"):
            gate.pace.failed(now, passage.began)
        elif answer.status:
            gate.pace.answered(now, answer.seconds)

    def _extra(self, first: str, url: str, earlier: Visit | None) -> dict[str, str]:
        headers: dict[str, str] = {}
        downgraded = url.startswith("http://") and first.startswith("https://")
        if self._token is not None and not downgraded and within(host_of(url), self._hosts):
            headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        if earlier is not None and url == (earlier.final_url or earlier.url):
            if earlier.etag:
                headers["If-None-Match"] = earlier.etag
            if earlier.last_modified:
                headers["If-Modified-Since"] = earlier.last_modified
        return headers

    async def _send(
        self, url: str, kind: Kind, passage: Passage, extra: dict[str, str]
    ) -> tuple[Answer, str | None]:
        request = self._client.build_request(
            "GET",
            url,
            headers={**self._headers, **extra},
            timeout=self._timeout,
            extensions={"trace": passage.trace},
        )
        # Not by ``with``: an answer of which no more is wanted is dropped, connection and all.
        response = await self._client.send(request, stream=True)
        try:
            answer = _head(url, response)
            location = response.headers.get("location")
            if response.status_code in (301, 302, 303, 307, 308) and location:
                target = _target(url, location)
                if target is None:
                    bad = Answer(url, problem="bad_address", detail="redirected to no web address")
                    return bad, None
                await _drain(response)
                return answer, target
            if response.status_code == 304:
                return answer, None
            if not is_readable(kind, answer.content_type):
                said = f"it is {(answer.content_type or '')[:60]}"
                return replace(answer, problem="content_type", detail=said), None
            body = await _read(response, kind)
            seconds = 0.0 if passage.began is None else time.monotonic() - passage.began
            return replace(answer, body=body, seconds=seconds), None
        finally:
            await response.aclose()


def _head(url: str, response: httpx.Response) -> Answer:
    headers = response.headers
    problem = problem_of_status(response.status_code)
    return Answer(
        url=url,
        status=response.status_code,
        content_type=headers.get("content-type"),
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
        retry_after=seconds_asked(headers.get("retry-after")),
        problem=problem,
        detail=f"status {response.status_code}" if problem else "",
    )


def _target(url: str, location: str) -> str | None:
    try:
        target = urljoin(url, location)
        parts = urlsplit(target)
    except ValueError:
        return None
    return target if parts.scheme in ("http", "https") and parts.hostname else None


async def _read(response: httpx.Response, kind: Kind) -> bytes:
    most = MOST_BYTES.get(kind, MOST_BYTES["page"])
    length = response.headers.get("content-length", "")
    if length.isdigit() and int(length) > most and kind != "robots":
        raise TooLarge(f"the body has {int(length):,} bytes, more than {most:,}")
    body = Body(response.headers.get("content-encoding", ""), most)
    received = 0
    async for piece in response.aiter_raw():
        received += len(piece)
        body.add(piece)
        if kind == "robots" and received > MOST_OF_ROBOTS:
            return body.so_far()
    return body.finish()


async def _drain(response: httpx.Response) -> None:
    """Read a redirect's body if it is short, so that the connection can be used again."""
    received = 0
    async for piece in response.aiter_raw():
        received += len(piece)
        if received > 1 << 16:
            return
