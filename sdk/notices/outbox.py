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

from pydantic import BaseModel, ValidationError, model_validator

from sdk.notices.notice import Notice
from sdk.storage import Storage

ROOT = "_notices"
"""Of everything here, below the storage root; no customer's name begins so."""
OUTBOX = f"{ROOT}/outbox"
POSTED = f"{ROOT}/posted"
DEAD = f"{ROOT}/dead"
UNREADABLE = "unreadable-"
"""How the names of those dead begin that were no entry at all, kept as they were."""


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

    @model_validator(mode="after")
    def _holds_something(self) -> Entry:
        if (self.notice is None) == (self.letter is None):
            raise ValueError("give either a notice or a letter")
        return self


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
        letter: the letter, where it was one.
    """

    name: str
    target: str
    reason: str
    action: str = ""
    code: str = ""
    at: datetime
    subject: str
    letter: Letter | None = None


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

    def entries(self) -> Iterator[tuple[str, Entry | DeadLetter]]:
        """Yield what is in it, oldest first; what cannot be read goes to the dead, and is so told.

        Such is half of a file, an entry of a later version, a file that is no entry at all.
        """
        for name in self.storage.names(OUTBOX):
            try:
                content = self.storage.read(f"{OUTBOX}/{name}")
            except FileNotFoundError:
                continue
            try:
                entry = Entry.model_validate_json(content)
            except ValidationError:
                self.storage.put(f"{DEAD}/{UNREADABLE}{name}.json", content)
                self.remove(name)
                yield name, _unreadable(f"{UNREADABLE}{name}")
            else:
                yield name, entry

    def rewrite(self, name: str, entry: Entry) -> None:
        """Replace an entry."""
        self.storage.put(f"{OUTBOX}/{name}", entry.model_dump_json(exclude_none=True).encode())

    def remove(self, name: str) -> None:
        """Take an entry out."""
        self.storage.delete(f"{OUTBOX}/{name}")

    def bury(self, dead: DeadLetter) -> None:
        """Note what was refused for good."""
        self.storage.put(f"{DEAD}/{dead.name}.json", dead.model_dump_json().encode())

    def forget_dead(self, name: str) -> None:
        """Forget that something was refused: it went through, or nothing is left to say of it."""
        self.storage.delete(f"{DEAD}/{name}.json")

    def post_again(self, letter: Letter) -> None:
        """Put a letter back that was refused."""
        self.storage.delete(f"{POSTED}/{letter.key}")
        self.post(letter.model_copy(update={"tried": None}))
        self.forget_dead(f"letter-{letter.key}")

    def read_again(self, name: str) -> bool:
        """Put an entry back that could not be read; return whether it was one of those."""
        if not name.startswith(UNREADABLE):
            return False
        entry = name.removeprefix(UNREADABLE)
        self.storage.put(f"{OUTBOX}/{entry}", self.storage.read(f"{DEAD}/{name}.json"))
        self.forget_dead(name)
        return True

    def dead(self) -> list[DeadLetter]:
        """Return what was refused for good, by name; unreadable entries are named as such."""
        found = []
        for name in self.storage.names(DEAD):
            try:
                found.append(DeadLetter.model_validate_json(self.storage.read(f"{DEAD}/{name}")))
            except FileNotFoundError:
                continue
            except ValidationError:
                found.append(_unreadable(name.removesuffix(".json")))
        return found


def _unreadable(name: str) -> DeadLetter:
    return DeadLetter(
        name=name,
        target="outbox",
        reason=f"{OUTBOX}/{name.removeprefix(UNREADABLE)} is not an entry of this version",
        action=f"Read {DEAD}/{name}.json; mend it, or delete it.",
        code="unreadable",
        at=datetime.fromisoformat("1970-01-01T00:00:00+00:00"),
        subject="an unreadable entry",
    )


def _stamp(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%M%S%f")
