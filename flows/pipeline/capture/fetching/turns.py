"""Turns: a host is captured by one of us at a time, whoever that is: any worker, any customer.

A *turn* is a lease on a host in the storage root that all workers share. Stores have no common
compare-and-swap; they have "create where nothing is". So each turn has a number of its own: who
sees the highest one given back or dead creates the next, and one of them wins.

::

    _turns/<host>/<number>      {"holder": …, "beat": n, "released": false}

No clock is compared with another's. The holder changes its entry again and again; who waits looks
at it, and takes the turn when by its own monotonic clock nothing changed there for `seconds`. The
holder stops by itself when by its own monotonic clock its last change is four fifths of that ago:
a worker that was asleep makes no further request (`Fenced`), and finds a higher number. What it
had under way is taken up where it was, when its turn comes again.

A turn holds for the hosts that a site file names. Where a proxy or a redirect leads is not seen.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final
from urllib.parse import quote

import httpx

from flows.pipeline.capture.errors import TurnNotCome
from flows.pipeline.capture.fetching.folder import Folder

ROOT: Final = "_turns"
_SAFE: Final = 0.8
"""Share of the time after which a holder that could not say that it lives stops asking: the rest
is what a request may still be on its way."""
_BEATS: Final = 5
"""How often in that time it says so."""


class Lost(Exception):
    """The turn is another's."""


class HostTurn:
    """The turn of one host, as one of us sees it.

    Args:
        folder: the storage root.
        host: with its port where it has one.
        seconds: after which a holder that says nothing is dead.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        folder: Folder,
        host: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._path = folder, f"{ROOT}/{quote(host, safe='')}"
        self._seconds, self._clock = seconds, clock
        self._me = uuid.uuid4().hex
        self._number = self._beats = 0
        self._beaten = 0.0
        self._seen: tuple[str, bytes] | None = None
        self._since = 0.0

    @property
    def mine(self) -> bool:
        """Whether a request may be made now."""
        return self._number > 0 and self._clock() - self._beaten < _SAFE * self._seconds

    def take(self) -> bool:
        """Take the turn if it is nobody's; return whether it is ours now."""
        names = self._numbers()
        if names and not self._over(names[-1]):
            return False
        began = self._clock()
        number = int(names[-1]) + 1 if names else 1
        if not self._folder.put_if_absent(self._entry(number), self._content()):
            return False
        names = self._numbers()
        if names[-1:] != [f"{number:012d}"]:
            return False  # made from a listing that others were past already
        self._number, self._beaten = number, began
        for name in names[:-2]:
            self._folder.delete(f"{self._path}/{name}")
        return True

    def beat(self) -> None:
        """Say that we live.

        Raises:
            Lost: it was too long ago, or another has taken the turn.
        """
        began = self._clock()
        if not self.mine or self._numbers()[-1:] != [f"{self._number:012d}"]:
            self._number = 0
            raise Lost
        self._beats += 1
        self._folder.put(self._entry(self._number), self._content())
        self._beaten = began

    def give_back(self) -> None:
        """Let the next one have it at once."""
        if self.mine:
            self._folder.put(self._entry(self._number), self._content(released=True))
        self._number = 0

    def _over(self, name: str) -> bool:
        try:
            content = self._folder.read(f"{self._path}/{name}")
        except FileNotFoundError:
            return False
        with suppress(ValueError, KeyError, TypeError):
            if json.loads(content)["released"] is True:
                return True
        if (name, content) != self._seen:
            self._seen, self._since = (name, content), self._clock()
        return self._clock() - self._since >= self._seconds

    def _numbers(self) -> list[str]:
        # What is no number was put there by somebody else, and is left alone.
        return [
            name for name in self._folder.names(self._path) if name.isascii() and name.isdigit()
        ]

    def _entry(self, number: int) -> str:
        return f"{self._path}/{number:012d}"

    def _content(self, *, released: bool = False) -> bytes:
        entry = {"holder": self._me, "beat": self._beats, "released": released}
        return json.dumps(entry).encode()


class _Shared:
    """A host's turn, shared by the sites of this process."""

    def __init__(self, turn: HostTurn) -> None:
        self.turn = turn
        self.users = 0
        self.taking = asyncio.Lock()
        self.lost = asyncio.Event()
        self.beating: asyncio.Task[None] | None = None


class Turn:
    """The turns of all hosts of a site."""

    def __init__(self, shared: Iterable[_Shared]) -> None:
        self._shared = list(shared)

    async def lost(self) -> None:
        """Return when one of them is another's."""
        waits = [asyncio.ensure_future(one.lost.wait()) for one in self._shared]
        if not waits:
            await asyncio.Event().wait()
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def fence(self) -> None:
        """Return at once while they are ours; else never: the capture is about to be ended."""
        if not all(one.turn.mine for one in self._shared):
            await asyncio.Event().wait()


class Turns:
    """The turns of one process.

    Args:
        folder: the storage root that all share.
        seconds: after which a holder that says nothing is dead.
        patience: seconds that are waited for a turn.
    """

    def __init__(self, folder: Folder, seconds: float, patience: float) -> None:
        self._folder, self._seconds, self._patience = folder, seconds, patience
        self._hosts: dict[str, _Shared] = {}

    @asynccontextmanager
    async def taken(self, hosts: Iterable[str]) -> AsyncIterator[Turn]:
        """Wait for the turns of some hosts, and hold them in the block.

        Raises:
            TurnNotCome: another has held one for too long.
        """
        async with AsyncExitStack() as stack:
            # All take them in one order: nobody waits for who waits for him.
            held = [await stack.enter_async_context(self._one(host)) for host in sorted(set(hosts))]
            yield Turn(held)

    @asynccontextmanager
    async def _one(self, host: str) -> AsyncIterator[_Shared]:
        shared = self._hosts.get(host)
        if shared is None:
            shared = self._hosts[host] = _Shared(HostTurn(self._folder, host, self._seconds))
        shared.users += 1
        try:
            async with shared.taking:
                if not shared.turn.mine:
                    await self._wait(shared, host)
            yield shared
        finally:
            shared.users -= 1
            if not shared.users:
                del self._hosts[host]
                if shared.beating is not None:
                    shared.beating.cancel()
                    with suppress(asyncio.CancelledError):
                        await shared.beating
                await asyncio.to_thread(shared.turn.give_back)

    async def _wait(self, shared: _Shared, host: str) -> None:
        until = time.monotonic() + self._patience
        while not await asyncio.to_thread(shared.turn.take):
            if time.monotonic() > until:
                raise TurnNotCome(
                    f"host {host} has been captured by another run for {self._patience:,.0f} s",
                    "See which runs capture it; DATAWEAVE_CAPTURE_SITE_HOURS bounds them.",
                )
            await asyncio.sleep(self._seconds / _BEATS)
        shared.lost.clear()
        shared.beating = asyncio.create_task(self._beat(shared))

    async def _beat(self, shared: _Shared) -> None:
        while True:
            await asyncio.sleep(self._seconds / _BEATS)
            try:
                await asyncio.to_thread(shared.turn.beat)
            except Lost:
                shared.lost.set()
                return
            except Exception:
                if not shared.turn.mine:
                    shared.lost.set()
                    return


class Fenced(httpx.AsyncBaseTransport):
    """A transport that makes no request when it is not our turn.

    Args:
        inner: makes the requests.
        turn: of the site.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, turn: Turn) -> None:
        self._inner, self._turn = inner, turn

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make a request."""
        await self._turn.fence()
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()
