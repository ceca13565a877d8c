"""The turn: of several reconcilers one settles, and another takes over when it falls silent.

Each holding of the turn has a number of its own (``_reconciler_turns/<number>``): "create where
nothing is" is what every storage has, and of two that want the next number one gets it. The holder
renews its object at every look. Clocks of machines are not compared: a holder is silent when its
object did not change for so many seconds of the observer's own clock. One that was paused and wakes
up finds a higher number, and only looks from then on.

Between its look at the numbers and what it then does a holder may lose the turn. That is no harm:
what is done to a run is done only if the run is still in the state that was judged.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Callable

from sdk.storage import Storage

FOLDER = "_reconciler_turns"


class Turn:
    """The right to settle.

    Args:
        storage: the root.
        silent: seconds after which a holder that does not renew has lost it.
        clock: monotonic seconds.
    """

    def __init__(
        self, storage: Storage, silent: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.storage, self.silent, self.clock = storage, silent, clock
        self._who = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._mine: str | None = None
        self._beats = 0
        self._seen: tuple[str, bytes] | None = None
        self._since = clock()

    def mine(self) -> bool:
        """Renew the turn, or take it where its holder is silent; say whether it is ours.

        Raises:
            PlatformError: the storage does not answer: then it is nobody's.
        """
        numbers = self.storage.names(FOLDER)
        latest = numbers[-1] if numbers else None
        if latest is not None and latest == self._mine:
            self._write(latest)
            for old in numbers[:-1]:
                self.storage.delete(f"{FOLDER}/{old}")
            return True
        self._mine = None
        if latest is not None and not self._silent(latest):
            return False
        number = f"{int(latest) + 1 if latest else 1:012d}"
        if self.storage.put_if_absent(f"{FOLDER}/{number}", self._content()):
            self._mine = number
        return self._mine is not None

    def give_back(self) -> None:
        """Let another take it at once; for an end in good order."""
        if self._mine is not None:
            self.storage.put(f"{FOLDER}/{self._mine}", b"")
            self._mine = None

    def _silent(self, number: str) -> bool:
        try:
            content = self.storage.read(f"{FOLDER}/{number}")
        except FileNotFoundError:  # taken by somebody else between two requests
            return False
        if not content:  # given back
            return True
        now = self.clock()
        if self._seen != (number, content):
            self._seen, self._since = (number, content), now
        return now - self._since >= self.silent

    def _write(self, number: str) -> None:
        self.storage.put(f"{FOLDER}/{number}", self._content())

    def _content(self) -> bytes:
        self._beats += 1
        return json.dumps({"holder": self._who, "beat": self._beats}).encode()
