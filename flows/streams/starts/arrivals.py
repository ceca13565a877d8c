"""What arrived: files in a folder, or objects of which a bucket's notifications tell.

An arrival is a file in one state: the same name with another content is another arrival, the same
content told twice is the same. Its mark is what its store says of the state (ETag and version of
an object, size and time of a file).

A file is complete when it looked the same twice, `SETTLE` seconds apart by this process' stopwatch:
no clock is believed, and one that is still written is not taken. Objects appear whole by
themselves.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import unquote_plus

from flows.streams.event import Poison
from flows.streams.queues import Message, Queue
from sdk.digest import text_hash
from sdk.storage import TEMPORARY, Storage

SETTLE = 5.0
"""Seconds for which a file must not change; what writes it pauses for less."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file or object that is there, whole.

    Attributes:
        url: where.
        mark: of its state.
        size: in bytes.
    """

    url: str
    mark: str
    size: int

    @property
    def identity(self) -> str:
        """What is started once for."""
        return f"dataweave.object.{text_hash(f'{self.url} {self.mark}')[:32]}"

    def event(self, source: str) -> dict[str, Any]:
        """Return what Prefect's server is told."""
        folder, _, name = self.url.rpartition("/")
        return {
            "id": str(uuid.uuid4()),
            "occurred": datetime.now(UTC).isoformat(),
            "event": "dataweave.object.arrived",
            "resource": {
                "prefect.resource.id": self.identity,
                "prefect.resource.name": name,
                "dataweave.source": source,
                "dataweave.url": self.url,
                "dataweave.folder": folder,
            },
            "payload": {"url": self.url, "mark": self.mark, "bytes": self.size},
        }


class Arrivals(Protocol):
    """Where things arrive."""

    name: str

    def look(self) -> list[Arrival]:
        """Return what is there and was not settled yet."""

    def settle(self) -> None:
        """What `look` returned is known to the server."""


class Folder:
    """A folder of any storage.

    Args:
        storage: its root.
        settle: seconds for which a file must not change.
        clock: a stopwatch, in seconds.
    """

    def __init__(
        self,
        storage: Storage,
        settle: float = SETTLE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.storage, self.settle_for, self.clock = storage, settle, clock
        self.name = storage.url
        self._seen: dict[str, tuple[str, float]] = {}
        self._told: dict[str, str] = {}
        self._looked: dict[str, str] = {}

    def look(self) -> list[Arrival]:
        """Return files that have not changed for a while and were not told by this process."""
        found, seen = [], {}
        for entry in self.storage.entries():
            name = entry.path.rpartition("/")[2]
            if name.startswith((".", TEMPORARY)):
                continue
            mark = f"{entry.bytes} {entry.modified.isoformat() if entry.modified else ''}"
            known = self._seen.get(entry.path)
            since = known[1] if known and known[0] == mark else self.clock()
            seen[entry.path] = (mark, since)
            settled = self.clock() - since >= self.settle_for
            if settled and self._told.get(entry.path) != mark:
                found.append(Arrival(f"{self.storage.url}/{entry.path}", mark, entry.bytes))
                self._looked[entry.path] = mark
        self._seen = seen
        self._told = {path: mark for path, mark in self._told.items() if path in seen}
        return found

    def settle(self) -> None:
        """Do not return them again; another process asks the ledger."""
        self._told |= self._looked
        self._looked = {}


class Notifications:
    """A bucket's notifications in a queue; what is none is set aside with the reason.

    Args:
        queue: that the bucket, or EventBridge, sends to.
        most: messages at once.
        wait: seconds to wait for one.
    """

    def __init__(self, queue: Queue, most: int = 100, wait: float = 1.0) -> None:
        self.queue, self.most, self.wait = queue, most, wait
        self.name = queue.name
        self._held: list[Message] = []

    def look(self) -> list[Arrival]:
        """Return what the next messages tell of."""
        found: list[Arrival] = []
        for message in self.queue.receive(self.most, self.wait):
            try:
                found.extend(objects_in(message.body))
            except Poison as error:
                self.queue.dead(message, str(error))
            else:
                self._held.append(message)
        return found

    def settle(self) -> None:
        """Take the messages out of the queue."""
        self.queue.done(self._held)
        self._held = []


def objects_in(body: bytes) -> Sequence[Arrival]:
    """Return the objects that a notification tells of: S3's own form, or EventBridge's.

    Raises:
        Poison: it is neither.
    """
    try:
        told = json.loads(body)
        if isinstance(told, dict) and isinstance(told.get("Message"), str):
            told = json.loads(told["Message"])  # by way of SNS
    except (ValueError, RecursionError) as error:
        raise Poison(f"is not JSON: {type(error).__name__}") from None
    if not isinstance(told, dict):
        raise Poison("is no JSON object")
    if told.get("Event") == "s3:TestEvent":
        return []
    try:
        if "Records" in told:
            return list(_records(told["Records"]))
        if told.get("detail-type") == "Object Created":
            return [_object(told["detail"], told["detail"]["object"]["key"])]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Poison(f"tells of no object: {type(error).__name__} {error}") from None
    raise Poison("is no notification of S3 or EventBridge: no Records, no Object Created")


def _records(records: Any) -> Iterator[Arrival]:
    for record in records:
        if str(record["eventName"]).removeprefix("s3:").startswith("ObjectCreated"):
            # Keys are quoted here, and nowhere else.
            yield _object(record["s3"], unquote_plus(record["s3"]["object"]["key"]))


def _object(told: Any, key: str) -> Arrival:
    item = told["object"]
    version = item.get("versionId") or item.get("version-id") or ""
    # The sequencer tells apart two puts of one content, which are two arrivals.
    mark = " ".join(filter(None, (_tag(item), str(version), str(item.get("sequencer") or ""))))
    return Arrival(f"s3://{told['bucket']['name']}/{key}", mark, int(item.get("size") or 0))


def _tag(item: Any) -> str:
    return str(item.get("eTag") or item.get("etag") or "").strip('"')
