"""The journal of a site's day: its visits, on disk as soon as they are made.

::

    <customer>/_capture/<day>/<site>/<round>/visits-<writer>.jsonl
    <customer>/_capture/<day>/<site>/<round>/ended.json

A killed writer loses at most the lines it had not written: in a folder each line is appended at
once, so that what is lost are the requests that were under way; an object store knows no
appending, there lines go out in segments of a second. Every writer has a file of its own; a line
that was cut short is not read.

A round is one capture of the site. Another round of the same day is begun only by a refresh.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Final, Literal

import orjson

from flows.pipeline.capture.fetching.folder import Folder
from flows.pipeline.capture.fetching.visit import Visit, read_visit

FOLDER: Final = "_capture"
_ENDED: Final = "ended.json"
SEGMENT_SECONDS: Final = 1.0
SEGMENT_LINES: Final = 200

How = Literal["complete", "bounded", "gave_up", "out_of_time", "closed"]


@dataclass(frozen=True)
class Ended:
    """How a round ended.

    Attributes:
        how: ``complete``, all that was found was visited; ``bounded``, the bound of pages was
            met; ``gave_up``, the site answered too little; ``out_of_time``; ``closed``,
            robots.txt could not be read or forbids everything.
        reason: in words.
        run: the run that ended it.
        visits: lines of the journal.
        seconds: of this writer.
    """

    how: How
    reason: str = ""
    run: str = ""
    visits: int = 0
    seconds: float = 0.0


class Journal:
    """The journal of one site and day.

    Args:
        folder: the storage root.
        customer: whose capture it is.
        day: of the data.
        site: its name.
        afresh: begin another round if the last one has ended.
    """

    def __init__(
        self, folder: Folder, customer: str, day: date, site: str, *, afresh: bool = False
    ) -> None:
        self._folder = folder
        self._site = f"{customer}/{FOLDER}/{day}/{site}"
        rounds = [int(name) for name in folder.names(self._site) if name.isdigit()]
        self.round = max(rounds, default=1)
        if afresh and self.ended() is not None:
            self.round += 1
        self._writer = uuid.uuid4().hex[:12]
        self._segment = 0
        self._waiting: list[bytes] = []
        self._flushed = time.monotonic()

    @property
    def path(self) -> str:
        """Where the round is, below the root."""
        return f"{self._site}/{self.round:03d}"

    def visits(self) -> Iterator[Visit]:
        """Yield the visits of the round."""
        names = (name for name in self._folder.names(self.path) if name.startswith("visits-"))
        for name in names:
            yield from _read(self._folder.read(f"{self.path}/{name}"))

    def ended(self) -> Ended | None:
        """Return how the round ended; None if it has not."""
        try:
            return Ended(**orjson.loads(self._folder.read(f"{self.path}/{_ENDED}")))
        except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
            return None

    def add(self, visit: Visit) -> None:
        """Write a visit down."""
        if self._folder.is_local:
            self._append(visit.line())
            return
        self._waiting.append(visit.line())
        due = time.monotonic() - self._flushed >= SEGMENT_SECONDS
        if due or len(self._waiting) >= SEGMENT_LINES:
            self.flush()

    def flush(self) -> None:
        """Write down what is waiting."""
        self._flushed = time.monotonic()
        if self._waiting:
            name = f"visits-{self._writer}-{self._segment:05d}.jsonl"
            self._folder.put(f"{self.path}/{name}", b"".join(self._waiting))
            self._segment += 1
            self._waiting.clear()

    def end(self, ended: Ended) -> None:
        """Write down that the round has ended."""
        self.flush()
        self._folder.put(f"{self.path}/{_ENDED}", orjson.dumps(asdict(ended)))

    def _append(self, line: bytes) -> None:
        root = self._folder.locate(self.path).removeprefix("file://")
        file = Path(root) / f"visits-{self._writer}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        # One write of one line, by the only writer of the file: whole, or cut short at its end.
        with file.open("ab", buffering=0) as open_file:
            open_file.write(line)


def _read(lines: bytes) -> Iterator[Visit]:
    found = (read_visit(line) for line in lines.splitlines())
    return (visit for visit in found if visit is not None)


def rounds(folder: Folder, customer: str) -> Iterator[Iterator[Visit]]:
    """Yield the visits of every file of every journal of a customer."""
    for entry in folder.entries(f"{customer}/{FOLDER}"):
        if entry.path.rsplit("/", 1)[-1].startswith("visits-"):
            yield _read(folder.read(entry.path))


def latest_before(folder: Folder, customer: str, day: date, site: str) -> Journal | None:
    """Return the journal of the newest earlier day on which a site was captured."""
    for name in reversed(folder.names(f"{customer}/{FOLDER}")):
        if name < day.isoformat() and folder.names(f"{customer}/{FOLDER}/{name}/{site}"):
            return Journal(folder, customer, date.fromisoformat(name), site)
    return None


def content_of(visits: Iterator[Visit]) -> str:
    """Return a hash of what visits brought, whatever their order and whenever they were made."""
    lines = {
        f"{one.url}\t{one.kind}\t{one.status}\t{one.page}\t{one.content_type}\t{one.problem}"
        for one in visits
    }
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
