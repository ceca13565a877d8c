"""The lease: one sender at a time, whoever dies.

Object stores have no compare-and-swap that all of them share; they have "create where nothing is".
So each holding has a number of its own: who finds the highest one expired or released creates the
next, and one of them wins. The holder extends its own number and nobody else writes there. A
holder that was asleep beyond its time finds a higher number, and stops.

It holds as long as clocks of the machines differ by less than `Lease.seconds` less the longest
request. One that reaches further ahead than any holder may ask for was written by a clock that was
wrong, and has ended: else a day's jump would silence everybody for a day. It is no fence inside
Slack or Jira: a request on its way when the lease ends arrives. For that, what was tried is looked
for before it is done again, after a pause.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sdk.notices.outbox import ROOT
from sdk.storage import Storage

FOLDER = f"{ROOT}/lease"


class Lost(Exception):
    """Somebody else is sending now."""


class Lease:
    """The right to send.

    Args:
        storage: the root.
        now: the clock, UTC.
        seconds: for how long it is held without being extended.
    """

    def __init__(self, storage: Storage, now: Callable[[], datetime], seconds: float) -> None:
        self.storage = storage
        self.now = now
        self.seconds = seconds
        self._me = uuid.uuid4().hex
        self._number = 0
        self._until: datetime | None = None

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the lease in the block; yields whether it could be had."""
        got = self._take()
        try:
            yield got
        finally:
            if got:
                with contextlib.suppress(Lost):
                    self._still()
                    self._write(self.now())
                self._until = None

    def keep(self) -> None:
        """Extend the lease where half of it is spent.

        Raises:
            Lost: it is another's.
        """
        if self._until is None:
            raise Lost
        if self._until - self.now() > timedelta(seconds=self.seconds / 2):
            return
        if self._until <= self.now():
            raise Lost
        self._still()
        self._write(self._ahead())

    def _take(self) -> bool:
        names = self._numbers()
        if names and not self._ended(names[-1]):
            return False
        self._number = int(names[-1]) + 1 if names else 1
        self._until = self._ahead()
        if not self.storage.put_if_absent(self._path(), self._content(self._until)):
            return False
        # From an old listing a number may be made that others are past already.
        names = self._numbers()
        if names[-1] != f"{self._number:012d}":
            return False
        for name in names[:-2]:
            self.storage.delete(f"{FOLDER}/{name}")
        return True

    def _ended(self, name: str) -> bool:
        try:
            until = datetime.fromisoformat(
                json.loads(self.storage.read(f"{FOLDER}/{name}"))["until"]
            )
        except FileNotFoundError:
            return False
        except (ValueError, KeyError, TypeError):
            return True
        left = until - self.now()
        return left <= timedelta() or left > timedelta(seconds=2 * self.seconds)

    def _numbers(self) -> list[str]:
        # What is no number was put there by somebody else, and is left alone.
        return [name for name in self.storage.names(FOLDER) if name.isascii() and name.isdigit()]

    def _still(self) -> None:
        if self._numbers()[-1:] != [f"{self._number:012d}"]:
            raise Lost

    def _ahead(self) -> datetime:
        return self.now() + timedelta(seconds=self.seconds)

    def _path(self) -> str:
        return f"{FOLDER}/{self._number:012d}"

    def _content(self, until: datetime) -> bytes:
        return json.dumps({"holder": self._me, "until": until.isoformat()}).encode()

    def _write(self, until: datetime) -> None:
        self.storage.put(self._path(), self._content(until))
        self._until = until
