"""What a release remembers, and who may write it: conditional writes, and a lease over them.

A store holds small JSON documents by key, each with a revision that rises with every write; a
write names the revision that it has read, and fails if that is not the present one. The document
``current`` holds the lease, what is active and how far the release is. Each write of a driver is
conditional on that document as the driver left it: whoever took the lease has changed it, so that
a driver that lost it, and woke up late, can record nothing more (the revision is its fencing
token), and a driver acts only after a record.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

CURRENT: Final = "current"


class ConflictError(Exception):
    """Somebody else has written in between."""


class HeldError(Exception):
    """Another driver is at work."""


class ReleaseProblemError(Exception):
    """Why a release cannot be made, or goes wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document and its revision; revision 0 is one that is not there."""

    value: dict[str, Any]
    revision: int


class Store(Protocol):
    """Documents by key with conditional writes."""

    def read(self, key: str) -> Document:
        """Return a document, as it is now."""
        ...

    def write(self, key: str, value: dict[str, Any], revision: int) -> int:
        """Write a document if its revision is this one; return the new one.

        Raises:
            ConflictError: it is not.
        """
        ...

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Hold the place of the one driver where that can be known for sure.

        Yields:
            Whether nobody else can be driving: then a lease that was left is void at once.

        Raises:
            HeldError: another driver is alive.
        """
        ...


class FileStore:
    """Documents as files of a folder.

    Args:
        folder: of the documents; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, key: str) -> Document:
        """Return a document."""
        try:
            found = json.loads(self._path(key).read_text(encoding="utf-8"))
            return Document(dict(found["value"]), int(found["revision"]))
        except FileNotFoundError:
            return Document({}, 0)
        except (ValueError, TypeError, KeyError) as error:
            raise ReleaseProblemError(
                f"{self._path(key)} holds no document: {error}\n"
                "Nothing was done. See docs/runbooks/release-stuck.md"
            ) from None

    def write(self, key: str, value: dict[str, Any], revision: int) -> int:
        """Write a document if its revision is this one."""
        with self._lock("write.lock", wait=True):
            if self.read(key).revision != revision:
                raise ConflictError(key)
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            # One name for all writers, who hold the lock: a killed one leaves one file, not many.
            fresh = path.with_suffix(".new")
            try:
                with fresh.open("w", encoding="utf-8") as file:
                    json.dump({"revision": revision + 1, "value": value}, file, indent=1)
                    file.flush()
                    os.fsync(file.fileno())  # an act follows: its record is there before
            except OSError:  # a full disk: what was there stays, and room is not taken away
                fresh.unlink(missing_ok=True)
                raise
            fresh.replace(path)
            _settle(path.parent)
        return revision + 1

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Hold a lock that dies with this process."""
        with self._lock("driver.lock", wait=False):
            yield True

    @contextlib.contextmanager
    def _lock(self, name: str, *, wait: bool) -> Iterator[None]:
        # Not inherited: a worker that this process starts outlives it, and must not hold it.
        handle = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise HeldError("another driver is at work on this machine") from None
            yield
        finally:
            os.close(handle)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def _settle(folder: Path) -> None:
    """Have a rename survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Session:
    """A driver's hold on a store.

    Args:
        store: what is remembered.
        holder: who drives.
        ttl: seconds after which the lease is void if it was not renewed: longer than any act.
        void: whether a lease that is there is known to be nobody's.

    Raises:
        HeldError: another driver holds the lease.
    """

    def __init__(self, store: Store, holder: str, ttl: float, now: float, *, void: bool) -> None:
        self._store, self._holder, self._ttl = store, holder, ttl
        found = store.read(CURRENT)
        lease = found.value.get("lease")
        if lease and not void and lease["until"] > now and lease["holder"] != holder:
            told = f"{lease['holder']} drives; its lease runs out in {lease['until'] - now:.0f} s"
            if lease["until"] - now > 2 * ttl:  # of a driver whose clock is ahead, or ours is back
                told += ", longer than a lease lasts: set the clocks right"
            raise HeldError(told)
        seen = lease["until"] - ttl if lease else found.value.get("left", now)
        self.idle: float = max(0.0, now - seen)
        """Seconds since the last record of the driver before."""
        self.value, self._revision = dict(found.value), found.revision
        try:
            self.keep(now)
        except ConflictError:
            raise HeldError("another driver was faster") from None

    def keep(self, now: float, **changes: Any) -> None:
        """Write changes of ``current`` and renew the lease.

        Raises:
            ConflictError: another driver has taken it: nothing more may be done.
        """
        value = {**self.value, **changes}
        value["lease"] = {"holder": self._holder, "until": now + self._ttl}
        self._revision = self._store.write(CURRENT, value, self._revision)
        self.value = value

    def leave(self, now: float) -> None:
        """Give the lease back."""
        value = {**self.value, "lease": None, "left": now}
        self._revision = self._store.write(CURRENT, value, self._revision)
        self.value = value


def put(store: Store, key: str, value: dict[str, Any]) -> None:
    """Write a document whatever is there."""
    while True:
        with contextlib.suppress(ConflictError):
            store.write(key, value, store.read(key).revision)
            return


def change(store: Store, key: str, **changes: Any) -> None:
    """Change fields of a document, keeping the others."""
    while True:
        found = store.read(key)
        with contextlib.suppress(ConflictError):
            store.write(key, {**found.value, **changes}, found.revision)
            return
