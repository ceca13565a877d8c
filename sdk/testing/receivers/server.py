"""A receiver: an HTTP server on loopback that keeps what arrived and misbehaves on schedule.

It promises: an ephemeral port that stays the same through `down`; one request handled at a time
(`answer` may keep its state without locks); every request recorded, also those that were refused
an answer; no connection kept alive, so that `down` ends everything at once.

It does not speak TLS and does not leave loopback.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from sdk.testing.receivers.faults import Fault, Faults

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived. Header names are lower case; `query` holds all values of a name."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON, or nothing where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def parameter(self, name: str, default: str = "") -> str:
        """Return the last value of a query parameter."""
        values = self.query.get(name)
        return values[-1] if values else default


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: a dict or list body is sent as JSON, a string as plain text."""

    status: int = 200
    body: dict[str, Any] | list[Any] | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with what became of it; no status means that it was never answered."""

    number: int
    at: float
    request: Request
    fault: Fault
    status: int | None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A burst of a hundred senders must not be refused by the backlog: refusals are `down`'s.
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent where a client went away: fault schedules make that the common case."""


class Receiver(ABC):
    """An HTTP server on loopback, used as a context manager.

    Args:
        faults: its misbehaviour; may be replaced at any time.
        clock: where its times come from, seconds since the epoch.
    """

    def __init__(
        self, *, faults: Faults | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.faults = faults or Faults()
        self.clock = clock
        self._lock = threading.RLock()
        self._exchanges: list[Exchange] = []
        self._arrived = 0
        self._port = 0
        self._server: _Server | None = None

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """Do what the request asks and return the answer; called by one thread at a time."""

    @abstractmethod
    def limited(self, request: Request, retry_after: int) -> Answer:
        """Return the original's 429."""

    @abstractmethod
    def broken(self, request: Request, status: int) -> Answer:
        """Return the original's 5xx."""

    @property
    def url(self) -> str:
        """The receiver's root, without a trailing slash."""
        return f"http://{HOST}:{self._port}"

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Every request so far, in the order of arrival."""
        with self._lock:
            return tuple(sorted(self._exchanges, key=lambda exchange: exchange.number))

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Refuse every connection inside the block; the port and all state stay."""
        self._close()
        # Bound and not listening: connections are refused and nobody else can take the port.
        with socket.socket() as held:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind((HOST, self._port))
            try:
                yield
            finally:
                held.close()
                self._listen()

    def _listen(self) -> None:
        self._server = _Server((HOST, self._port), _handler(self))
        self._port = self._server.server_address[1]
        # Polled every 20 ms: shutdown waits for a poll, and tests stop many receivers.
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _serve(self, request: Request) -> Answer | None:
        with self._lock:
            number, at = self._arrived, self.clock()
            self._arrived += 1
        fault, status = self.faults.of(number), self.faults.status(number)
        answer: Answer | None
        if fault == "limited":
            answer = self.limited(request, self.faults.retry_after)
        elif fault == "error":
            answer = self.broken(request, status)
        elif fault == "dropped":
            answer = None
        else:
            with self._lock:
                try:
                    answer = self.answer(request)
                except Exception as error:  # a receiver's own bug must not look like a fault
                    answer = Answer(500, f"the receiver failed: {error!r}")
            if fault == "lost":
                answer = None
            elif fault == "slow":
                time.sleep(self.faults.slow_seconds)
        with self._lock:
            self._exchanges.append(
                Exchange(number, at, request, fault, answer.status if answer else None)
            )
        return answer


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            parts = urlsplit(self.path)
            request = Request(
                method=self.command,
                path=unquote(parts.path),
                query=parse_qs(parts.query, keep_blank_values=True),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length),
            )
            self.close_connection = True
            answer = receiver._serve(request)
            if answer is None:
                return
            text = isinstance(answer.body, str)
            body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            content = b"" if answer.body is None else body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "text/html" if text else "application/json")
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815 - names that http.server calls

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: what arrived is in `Receiver.exchanges`."""

    return Handler
