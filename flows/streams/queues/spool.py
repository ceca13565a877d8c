"""The embedded queue: a folder on a local disk, a file for each message, moved by renames.

::

    incoming/<moment>-<number>-<token>.json    waiting
    working/<name>~<deliveries>.json           received; its modification time is when
    dead/<name>.json, <name>.json.reason       set aside, and why

A rename within a file system happens or does not, whoever is killed: a message is always in
exactly one of the three. Of two receivers that rename one file, one succeeds.

Producers write under another name and rename (`send`, or any program that does so; names that
begin with ``.`` are not looked at). One that writes in place may be seen half-way: a file that
does not end in a bracket is left alone until `SETTLE` seconds after its last change.

Clocks: ages are differences of the file system's time stamps to this machine's clock. A clock that
jumps ahead makes messages come twice, which is harmless; a time stamp from a future beyond a
visibility counts as old, so that a clock that was wrong hides nothing for ever.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from flows.streams.queues.queue import Depth, Message
from sdk.local_files import write_whole

INCOMING, WORKING, DEAD = "incoming", "working", "dead"
SETTLE = 5.0
"""Seconds without a change after which a file that looks unfinished is no longer being written."""
LARGEST = 1_000_000
"""Bytes of a message; a longer file is set aside unread."""
_POLL = 0.02
_RESCUE = 1.0
"""Seconds between looks for messages that nobody finished, at least."""


class Spool:
    """A spool folder.

    Args:
        folder: made where it is not there.
        visibility: seconds after which a message that was not finished comes again.
    """

    def __init__(self, folder: Path, visibility: float = 60.0) -> None:
        self.folder, self.visibility = folder, visibility
        self.name = f"spool {folder}"
        for part in (INCOMING, WORKING, DEAD):
            (folder / part).mkdir(parents=True, exist_ok=True)
        self._listed: deque[str] = deque()
        self._numbers = count()
        self._rescued = float("-inf")

    def send(self, bodies: Sequence[bytes]) -> None:
        """Put messages in, in this order."""
        for body in bodies:
            name = f"{time.time_ns():020d}-{next(self._numbers):09d}-{uuid.uuid4().hex[:8]}.json"
            write_whole(self.folder / INCOMING / name, body)

    def receive(self, most: int, wait: float) -> list[Message]:
        """Return up to `most` messages, the oldest first."""
        end = time.monotonic() + wait
        if time.monotonic() - self._rescued >= min(_RESCUE, self.visibility / 4):
            self._rescue()
        while True:
            found = self._taken(most)
            if found or time.monotonic() >= end:
                return found
            time.sleep(_POLL)

    def _taken(self, most: int) -> list[Message]:
        if not self._listed:
            # Once for many messages: a listing of a long queue takes as long as the queue is.
            self._listed.extend(sorted(_names(self.folder / INCOMING)))
        found: list[Message] = []
        while self._listed and len(found) < most:
            name = self._listed.popleft()
            with contextlib.suppress(FileNotFoundError):  # another receiver was quicker
                if (message := self._take(name)) is not None:
                    found.append(message)
        return found

    def _take(self, name: str) -> Message | None:
        incoming = self.folder / INCOMING / name
        stamp = incoming.stat()
        large = stamp.st_size > LARGEST
        body = b"" if large else incoming.read_bytes()
        settled = abs(time.time() - stamp.st_mtime) >= SETTLE
        if not large and not body.rstrip().endswith((b"}", b"]")) and not settled:
            return None
        stem, deliveries = _parsed(name)
        receipt = f"{stem}~{deliveries + 1}.json"
        # Before the rename: what is in `working` must never look older than it is.
        sent = _sent(stem, stamp.st_mtime)
        os.utime(incoming)
        incoming.rename(self.folder / WORKING / receipt)
        return Message(stem, body, receipt, deliveries + 1, sent)

    def _rescue(self) -> None:
        """Put back what was received too long ago."""
        self._rescued = time.monotonic()
        for name in sorted(_names(self.folder / WORKING)):
            path = self.folder / WORKING / name
            with contextlib.suppress(FileNotFoundError):
                if abs(time.time() - path.stat().st_mtime) >= self.visibility:
                    path.rename(self.folder / INCOMING / name)
                    self._listed.appendleft(name)

    def extend(self, messages: Sequence[Message]) -> None:
        """Hide messages for another visibility from now."""
        for message in messages:
            with contextlib.suppress(FileNotFoundError):
                os.utime(self.folder / WORKING / message.receipt)

    def release(self, messages: Sequence[Message]) -> None:
        """Give messages back at once."""
        for message in messages:
            with contextlib.suppress(FileNotFoundError):
                working = self.folder / WORKING / message.receipt
                working.rename(self.folder / INCOMING / message.receipt)

    def done(self, messages: Sequence[Message]) -> None:
        """Remove messages."""
        for message in messages:
            (self.folder / WORKING / message.receipt).unlink(missing_ok=True)

    def dead(self, message: Message, reason: str) -> None:
        """Set a message aside; the reason first, so that no dead letter is without one."""
        working = self.folder / WORKING / message.receipt
        if working.exists():
            target = self.folder / DEAD / f"{message.id}.json"
            write_whole(target.with_name(f"{target.name}.reason"), f"{reason}\n".encode())
            with contextlib.suppress(FileNotFoundError):
                working.rename(target)

    def depth(self) -> Depth:
        """Count the files."""
        waiting, working, dead = (
            sum(1 for _ in _names(self.folder / part)) for part in (INCOMING, WORKING, DEAD)
        )
        return Depth(waiting, working, dead)

    def close(self) -> None:
        """Nothing is open."""


def _names(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [
            entry.name
            for entry in entries
            if entry.name.endswith(".json") and not entry.name.startswith(".")
        ]


def _parsed(name: str) -> tuple[str, int]:
    """Return a message's own name and how often it was received."""
    stem = name.removesuffix(".json")
    own, mark, deliveries = stem.rpartition("~")
    return (own, int(deliveries)) if mark and deliveries.isdigit() else (stem, 0)


def _sent(stem: str, modified: float) -> datetime:
    """Return when a message was sent: by its name where `send` made it, else by its file."""
    moment = stem.partition("-")[0]
    if len(moment) == 20 and moment.isascii() and moment.isdigit():
        return datetime.fromtimestamp(int(moment) / 1e9, UTC)
    return datetime.fromtimestamp(modified, UTC)
