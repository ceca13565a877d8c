"""What a release is: the version that comes, the one that goes, and their colours. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter

SHOWN: Final = 12
"""Characters of a digest that people read."""


class Colour(StrEnum):
    """The two sides of which one works while the other is made ready."""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> Colour:
        """The other one."""
        return Colour.GREEN if self is Colour.BLUE else Colour.BLUE


@dataclass(frozen=True, slots=True)
class Version:
    """What is released, named by what it is made of.

    Attributes:
        digest: SHA-256 of the image, the wheel or the folder: 64 hexadecimal digits.
        commit: from which it was built.
        where: folder of its code.
        schema: the last migration that it knows (an Alembic revision); empty for none.
        image: reference by digest; empty where folders are what is released.
    """

    digest: str
    commit: str
    where: str
    schema: str = ""
    image: str = ""

    @property
    def short(self) -> str:
        """The digest's beginning."""
        return self.digest[:SHOWN]


@dataclass(frozen=True, slots=True)
class Active:
    """What works now.

    Attributes:
        version: that runs.
        colour: on which side.
        release: that brought it.
    """

    version: Version
    colour: Colour
    release: str


@dataclass(frozen=True, slots=True)
class Release:
    """A version replaces another.

    Attributes:
        id: begins with its time, so that names sort.
        version: that comes.
        colour: where it comes up.
        replaces: what works until then; None for the first release of all.
        shares: percentages of deployments that go over, one step each; the last is 100.
        returns: whether it brings back a version that this one replaced: the schema goes down at
            its end instead of up at its beginning.
        by: who asked for it.
        why: in a few words.
    """

    id: str
    version: Version
    colour: Colour
    replaces: Active | None
    shares: tuple[int, ...] = (10, 50, 100)
    returns: bool = False
    by: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        if not self.shares or self.shares[-1] != 100 or list(self.shares) != sorted(self.shares):
            raise ValueError(f"shares rise to 100: {self.shares}")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a release.

    Attributes:
        at: seconds since the epoch.
        what: in one line.
        step: of which; empty for the release itself.
        kind: ``begin``, ``act``, ``done``, ``fail``, ``back``, ``end``.
    """

    at: float
    what: str
    step: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A release that has ended, as history keeps it.

    Attributes:
        release: what replaced what.
        outcome: ``released`` or ``turned back``.
        reason: why it went back.
        begun: seconds since the epoch.
        ended: seconds since the epoch.
        previous: the record before it.
        events: what happened.
    """

    release: Release
    outcome: str
    reason: str
    begun: float
    ended: float
    previous: str | None
    events: tuple[Event, ...] = field(default=())


def release_of(
    version: Version,
    active: Active | None,
    now: float,
    *,
    shares: tuple[int, ...] = (10, 50, 100),
    returns: bool = False,
    by: str = "",
    why: str = "",
) -> Release:
    """Return the release of a version over what is active."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S%f")[:-3]
    colour = active.colour.other if active else Colour.BLUE
    return Release(
        f"{stamp}-{version.short}", version, colour, active, shares, returns, by, why
    )  # fmt: skip


RECORD: Final[TypeAdapter[Record]] = TypeAdapter(Record)
ACTIVE: Final[TypeAdapter[Active]] = TypeAdapter(Active)
