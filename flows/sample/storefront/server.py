"""The hands of the storefront: one asyncio loop that listens at an address for each shop.

Written on asyncio's streams-free protocols: a framework would spend more on a request than the
page costs, and none of them lets a server break its own connections. HTTP/1.1 with keep-alive; a
request is complete with its empty line (bodies of requests are not expected and end it).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from time import monotonic
from typing import Final

from flows.sample.storefront.answer import Street
from flows.sample.storefront.log import Log, Request
from flows.sample.storefront.reply import Answer, Asked
from flows.sample.storefront.shops import Shop

MOST_HEADER: Final = 64 << 10
TRICKLE_BYTES: Final = 8
TRICKLE_PAUSE: Final = 0.5
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


class Counts:
    """How often shops and addresses were asked."""

    def __init__(self) -> None:
        self._times: Counter[tuple[str, str, object]] = Counter()
        self._lately: dict[str, deque[float]] = {}

    def asked(self, shop: str, target: str, span: object, now: float) -> tuple[int, int]:
        """Count a request; return how often its address came before, and the shop lately.

        Args:
            shop: the shop's name.
            target: the address.
            span: what is counted apart: the day and the script.
            now: the instant, in seconds.
        """
        key = (shop, target, span)
        times = self._times[key]
        self._times[key] += 1
        lately = self._lately.setdefault(f"{shop} {span}", deque())
        lately.append(now)
        while lately[0] <= now - 1:
            lately.popleft()
        return times, len(lately)


class Connection(asyncio.Protocol):
    """One connection to one shop.

    Args:
        shop: whose address was connected to.
        host: that address with its port.
        street: knows the answers.
        counts: shared by all connections.
        log: where requests are noted.
    """

    def __init__(self, shop: Shop, host: str, street: Street, counts: Counts, log: Log) -> None:
        self._shop, self._host, self._street = shop, host, street
        self._counts, self._log = counts, log
        self._data = bytearray()
        self._transport: asyncio.Transport | None = None
        self._sending: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember how to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave off."""
        self._transport = None
        if self._sending is not None:
            self._sending.cancel()

    def data_received(self, data: bytes) -> None:
        """Take what came; answer once a request is complete and the last one answered."""
        self._data += data
        if len(self._data) > MOST_HEADER:
            self._break_off()
        else:
            self._next()

    def _next(self) -> None:
        while self._sending is None and self._transport is not None:
            head, found, rest = bytes(self._data).partition(b"\r\n\r\n")
            if not found:
                return
            self._data = bytearray(rest)
            self._serve(head)

    def _serve(self, head: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        method, _, more = lines[0].partition(" ")
        target = more.rpartition(" ")[0]
        pairs = (line.partition(":") for line in lines[1:])
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        now = monotonic()
        street = self._street
        if method not in ("GET", "HEAD") or not target.startswith("/"):
            answer = Answer(405, b"only GET and HEAD")
        else:
            name = self._shop.name
            times, lately = self._counts.asked(name, target, (street.day, street.scripts), now)
            answer = street.answer(self._shop, Asked(target, headers, times, lately))
        broken = answer.delivery in ("never", "reset")
        agent = headers.get("user-agent", "")
        status = 0 if broken else answer.status
        self._log.add(Request(self._host, self._shop.name, target, now, status, agent))
        close = headers.get("connection", "").lower() == "close"
        if answer.delivery == "whole" and answer.wait == 0:
            self._write(_bytes(answer, method == "HEAD", close), close)
            return
        self._sending = asyncio.ensure_future(self._slowly(answer, method == "HEAD", close))

    def _write(self, data: bytes, close: bool) -> None:
        if self._transport is not None:
            self._transport.write(data)
            if close:
                self._transport.close()

    async def _slowly(self, answer: Answer, bodiless: bool, close: bool) -> None:
        """Send an answer that comes late or not whole."""
        await asyncio.sleep(answer.wait)
        data = _bytes(answer, bodiless, close)
        delivery = answer.delivery
        if delivery == "never":
            await asyncio.Event().wait()
        elif delivery == "reset":
            self._break_off()
        elif delivery == "reset_midway":
            self._write(data[: len(data) // 2], False)
            await asyncio.sleep(0.05)  # or the reset would overtake what was written
            self._break_off()
        elif delivery == "cut_short":
            self._write(data[: len(data) // 2], True)
        elif delivery == "trickle":
            body = data.find(b"\r\n\r\n") + 4
            self._write(data[:body], False)
            for start in range(body, len(data), TRICKLE_BYTES):
                self._write(data[start : start + TRICKLE_BYTES], False)
                await asyncio.sleep(TRICKLE_PAUSE)
        else:
            self._write(data, close)
        self._sending = None
        self._next()

    def _break_off(self) -> None:
        """Reset the connection: closing with a linger of nought sends RST instead of FIN."""
        if self._transport is not None:
            plug = self._transport.get_extra_info("socket")
            with suppress(OSError):
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()


def _bytes(answer: Answer, bodiless: bool, close: bool) -> bytes:
    reason = _REASONS.get(answer.status, "")
    lines = [f"HTTP/1.1 {answer.status} {reason}", f"Date: {formatdate(usegmt=True)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if answer.status != 304:
        lines.append(f"Content-Length: {len(answer.body)}")
    lines.append(f"Connection: {'close' if close else 'keep-alive'}")
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if bodiless or answer.status == 304 else head + answer.body


async def listen(
    sockets: dict[str, socket.socket],
    street: Street,
    log: Log,
    ready: Callable[[], None],
    stop: asyncio.Event,
) -> None:
    """Serve all shops until told to stop.

    Args:
        sockets: shop's name → a bound socket.
        street: knows the answers.
        log: where requests are noted.
        ready: called when every shop can be reached.
        stop: ends it.
    """
    loop, counts = asyncio.get_running_loop(), Counts()
    servers = []
    for name, plug in sockets.items():
        shop, host = street.shops[name], "{}:{}".format(*plug.getsockname()[:2])

        def connection(shop: Shop = shop, host: str = host) -> Connection:
            return Connection(shop, host, street, counts, log)

        servers.append(await loop.create_server(connection, sock=plug, backlog=256))
    ready()
    await stop.wait()
    for server in servers:
        server.close()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
