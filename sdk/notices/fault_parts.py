"""What the state of a fault is made of: remarks, pages, the thread's head, the ticket."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from sdk.notices.notice import Notice

About = Literal["again", "back", "mended", "louder"]
Target = Literal["slack", "jira"]


class Saying(BaseModel):
    """A remark to be made once, in the fault's thread and on its ticket.

    Attributes:
        key: under which it is found again.
        about: what it says.
        at: when it became due.
        count: of the fault then.
        left: where it has not been made yet.
        tried: where it may have been made, its answer lost: since when.
    """

    key: str
    about: About
    at: datetime
    count: int
    customers: tuple[str, ...] = ()
    left: tuple[Target, ...]
    tried: dict[str, datetime] = Field(default_factory=dict)


class Page(BaseModel):
    """A call to whoever is on call, made once."""

    key: str
    notice: Notice
    tried: datetime | None = None


class Seen(BaseModel):
    """The latest that is known of a fault for one customer."""

    at: datetime
    event: str
    broken: bool


class Head(BaseModel):
    """The message at the head of the fault's thread; `shown` is a hash of what it says."""

    route: str
    channel: str = ""
    ts: str = ""
    shown: str = ""
    tried: datetime | None = None


class TicketState(BaseModel):
    """The fault's ticket.

    Attributes:
        summary: as we wrote it; one that a person rewrote is left alone.
        done: whether it was resolved.
        refused: the word with which a person closed it for it to stay so.
        tried: since when it may have been opened, its answer lost.
    """

    id: str = ""
    key: str = ""
    url: str = ""
    summary: str = ""
    done: bool = False
    refused: str = ""
    tried: datetime | None = None
