"""Claims: one process at a time backfills a day, where no server keeps them apart.

Layout below the store's root::

    <customer>/_backfill/<day>/000001            who holds the day; never changed
    <customer>/_backfill/<day>/000001.released   it was given back

The newest number decides. To take a day is to write the next number where nobody has (the same
conditional put that publication rests on), so of two processes one gets it. Numbers are never
used twice. A holder that was killed is known by its process, which is gone; one on another
machine cannot be seen, and its claim counts until it is too old.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError

from sdk.crashes import process_start
from sdk.digest import text_hash
from sdk.storage import Storage

HELD_FOR = timedelta(hours=6)
"""How long a claim of another machine counts: four times the longest deadline of a daily flow, so
that no slow day is taken from its holder."""

_RELEASED = ".released"


class Claim(BaseModel):
    """Who holds a day.

    Attributes:
        host: the machine, hashed.
        process: its id there.
        started: when that process started, in clock ticks since boot; 0 where unknown.
        since: when the day was taken, UTC.
        mark: tells this claim from every other.
    """

    model_config = ConfigDict(frozen=True)

    host: str
    process: int
    started: int
    since: datetime
    mark: str

    @classmethod
    def here(cls, now: datetime) -> Claim:
        """Return a claim of this process."""
        return cls(
            host=_host(),
            process=os.getpid(),
            started=process_start(os.getpid()) or 0,
            since=now,
            mark=uuid4().hex,
        )

    def stands(self, now: datetime) -> bool:
        """Say whether its holder may still be at work."""
        if self.host == _host():
            return process_start(self.process) == self.started
        return now < self.since + HELD_FOR


def holder(root: Storage, customer: str, day: date) -> str | None:
    """Return who holds a day, in words; None if nobody does."""
    _, claim = _newest(root, customer, day)
    if claim is None or not claim.stands(datetime.now(UTC)):
        return None
    where = "here" if claim.host == _host() else "on another machine"
    return f"process {claim.process} {where}, since {claim.since:%H:%M} UTC"


@contextmanager
def claimed(root: Storage, customer: str, day: date) -> Iterator[bool]:
    """Hold a day for the block.

    Yields:
        Whether it is ours; False means that somebody else has it.
    """
    now = datetime.now(UTC)
    number, claim = _newest(root, customer, day)
    if claim is not None and claim.stands(now):
        yield False
        return
    path = f"{_folder(customer, day)}/{number + 1:06d}"
    data = Claim.here(now).model_dump_json().encode()
    # An object store may refuse what it took from us a moment ago: then the bytes are ours.
    if not root.put_if_absent(path, data) and root.read(path) != data:
        yield False
        return
    try:
        yield True
    finally:
        root.put(f"{path}{_RELEASED}", b"")


def _newest(root: Storage, customer: str, day: date) -> tuple[int, Claim | None]:
    """Return the highest number, and its claim unless it was given back."""
    names = root.names(_folder(customer, day))
    numbers = [int(name) for name in names if name.isdecimal()]
    if not numbers:
        return 0, None
    number = max(numbers)
    name = f"{number:06d}"
    if f"{name}{_RELEASED}" in names:
        return number, None
    try:
        return number, Claim.model_validate_json(root.read(f"{_folder(customer, day)}/{name}"))
    except (ValidationError, FileNotFoundError):
        return number, None


def _folder(customer: str, day: date) -> str:
    return f"{customer}/_backfill/{day}"


def _host() -> str:
    return text_hash(socket.gethostname())[:12]
