"""The outbox: what is to be said, kept below the storage root until somebody was told.

An entry's name begins with its moment and ends with its event, so that entries are taken in order
and the same event is put in twice as one. It is removed once the fault's book has it; from there on
the book sees to it that it is told. A letter (a digest, a review) belongs to no fault and stays
until it was posted.

What was refused for good lies in ``dead/``, with the reason, until it goes through after all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pydantic import BaseModel, ValidationError

from sdk.notices.notice import Notice
from sdk.storage import Storage

ROOT = "_notices"
"""Of everything here, below the storage root; no customer's name begins so."""
OUTBOX = f"{ROOT}/outbox"
POSTED = f"{ROOT}/posted"
DEAD = f"{ROOT}/dead"


class Letter(BaseModel):
    """A message of its own for a channel.

    Attributes:
        key: the same twice is posted once.
        route: name of the channel's block.
        subject: its heading.
        body: plain lines; ``Label: https://…`` becomes a link.
        tried: since when it may have been posted, its answer lost.
    """

    key: str
    route: str
    subject: str
    body: str
    written: datetime
    tried: datetime | None = None


class Entry(BaseModel):
    """One thing in the outbox: a notice or a letter."""

    notice: Notice | None = None
    letter: Letter | None = None


class DeadLetter(BaseModel):
    """What was refused for good.

    Attributes:
        name: of the fault or the letter, with the target.
        target: who refused: ``slack`` or ``jira``.
        reason: in its words.
        action: what to do.
        code: the system's own word.
        at: when.
        subject: what was to be said.
    """

    name: str
    target: str
    reason: str
    action: str = ""
    code: str = ""
    at: datetime
    subject: str


class Outbox:
    """The outbox of a storage root.

    Args:
        storage: the root.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def put(self, notice: Notice) -> bool:
        """Put a notice in; return whether it was not there already."""
        name = f"{_stamp(notice.happened)}-{notice.event}.json"
        return self._put(name, Entry(notice=notice))

    def post(self, letter: Letter) -> bool:
        """Put a letter in; return whether it was neither there nor posted already."""
        ending = f"-{letter.key}.json"
        if self.storage.exists(f"{POSTED}/{letter.key}") or any(
            name.endswith(ending) for name in self.storage.names(OUTBOX)
        ):
            return False
        return self._put(f"{_stamp(letter.written)}{ending}", Entry(letter=letter))

    def note_posted(self, letter: Letter) -> None:
        """Remember that a letter has gone out: it is not posted again, whoever writes it anew."""
        self.storage.put(f"{POSTED}/{letter.key}", b"")

    def _put(self, name: str, entry: Entry) -> bool:
        content = entry.model_dump_json(exclude_none=True).encode()
        return self.storage.put_if_absent(f"{OUTBOX}/{name}", content)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Yield what is in it, oldest first; what cannot be read goes to the dead."""
        for name in self.storage.names(OUTBOX):
            try:
                content = self.storage.read(f"{OUTBOX}/{name}")
            except FileNotFoundError:
                continue
            try:
                yield name, Entry.model_validate_json(content)
            except ValidationError:
                self.storage.put(f"{DEAD}/unreadable-{name}", content)
                self.remove(name)

    def rewrite(self, name: str, entry: Entry) -> None:
        """Replace an entry."""
        self.storage.put(f"{OUTBOX}/{name}", entry.model_dump_json(exclude_none=True).encode())

    def remove(self, name: str) -> None:
        """Take an entry out."""
        self.storage.delete(f"{OUTBOX}/{name}")

    def bury(self, dead: DeadLetter) -> None:
        """Note what was refused for good."""
        self.storage.put(f"{DEAD}/{dead.name}.json", dead.model_dump_json().encode())

    def revive(self, name: str) -> None:
        """Forget that something was refused: it went through, or is to be tried again."""
        self.storage.delete(f"{DEAD}/{name}.json")

    def dead(self) -> list[DeadLetter]:
        """Return what was refused for good, by name; unreadable entries are named as such."""
        found = []
        for name in self.storage.names(DEAD):
            try:
                found.append(DeadLetter.model_validate_json(self.storage.read(f"{DEAD}/{name}")))
            except FileNotFoundError:
                continue
            except ValidationError:
                found.append(_unreadable(name))
        return found


def _unreadable(name: str) -> DeadLetter:
    return DeadLetter(
        name=name.removesuffix(".json"),
        target="outbox",
        reason=f"{OUTBOX}/{name.removeprefix('unreadable-')} is not an entry of this version",
        action=f"Read {DEAD}/{name}, then delete it.",
        at=datetime.fromisoformat("1970-01-01T00:00:00+00:00"),
        subject="an unreadable entry",
    )


def _stamp(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%M%S%f")
