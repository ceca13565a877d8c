"""Gates: through a host's gate one request goes at a time, at the host's pace.

What counts for a server is when a request reaches it, not when we meant to send it: a connection
that takes a second to be made would otherwise arrive together with the next. So the gate stays
closed from the moment a request is let through until it has been sent, and the interval runs
from there.

Gates are kept by host and port for the whole event loop: two sites on one host share its gate.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from flows.pipeline.capture.fetching.pace import Pace

MARGIN: Final = 1.1
"""Times the interval: a request reaches a server early or late by what networks and schedulers do,
and no host is to see more than its rate in any second, even if one comes a tenth of it late."""


class Passage:
    """One request's way through a gate.

    Attributes:
        began: when it was sent, monotonic seconds; None until then.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._holds = True
        self.began: float | None = None

    async def trace(self, event: str, info: object) -> None:
        """Listen to httpcore: the request is on its way when its headers are."""
        if event.endswith("send_request_headers.complete"):
            self.sent()

    def sent(self) -> None:
        """Note that the request was sent, and let the next one come."""
        if self._holds:
            self._holds = False
            self.began = self._gate.clock()
            self._gate.pace.sent(self.began)
            self._gate.turn.release()


class Gate:
    """The gate of one host.

    Args:
        pace: of the host.
        concurrency: requests under way at the same time, at the most.
        clock: monotonic seconds.
    """

    def __init__(
        self, pace: Pace, concurrency: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.pace = pace
        self.clock = clock
        self.turn = asyncio.Lock()
        self._room = asyncio.Semaphore(concurrency)

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[Passage]:
        """Wait for the host's turn; what is in the block is under way."""
        async with self._room:
            await self.turn.acquire()
            passage = Passage(self)
            try:
                # The pace may have slowed while we slept.
                while (wait := self.pace.wait(self.clock())) > 0:
                    await asyncio.sleep(wait)
                yield passage
            finally:
                # Also where nothing was sent: an attempt to connect is a burden, too.
                passage.sent()


class Gates:
    """The gates of all hosts of an event loop."""

    def __init__(self) -> None:
        self._gates: dict[str, Gate] = {}

    def of(self, host: str, *, rate: float, concurrency: int) -> Gate:
        """Return the gate of a host, made for the first who asks.

        Args:
            host: with its port.
            rate: requests a second, at the most; of several sites the slowest counts.
            concurrency: of the first site.
        """
        gate = self._gates.get(host)
        if gate is None:
            gate = self._gates[host] = Gate(Pace(MARGIN / rate), concurrency)
        gate.pace.at_least(MARGIN / rate)
        return gate
