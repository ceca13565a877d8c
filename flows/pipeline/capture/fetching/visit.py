"""Visits: what was asked of a site and what came of it, one line of JSON each.

A visit holds everything that goes on from an answer (the name of the page in the archive, the
addresses that were found in it, what a later conditional request needs), so that a frontier is
rebuilt from visits alone, and an extraction needs nothing but them and the archive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import orjson

Kind: TypeAlias = Literal["robots", "sitemap", "listing", "page", "feed", "items", "probe"]
"""``page`` may be a product; ``listing`` leads to pages; ``items`` are lines of JSON from a
spider or script; ``probe`` is an address that cannot exist, asked to see what the site says."""

PASSING: Final = frozenset({"timeout", "reset", "connect", "dns", "busy", "server", "unreachable"})
"""Problems that may be gone by the next run; all others are answers."""


@dataclass(frozen=True, slots=True)
class Found:
    """An address that is to be visited.

    Attributes:
        depth: links between a start page and it.
        chain: pages of the same listing before it.
        barren: how many of these, in a row up to it, led to nothing new.
    """

    url: str
    kind: Kind
    depth: int = 0
    chain: int = 0
    barren: int = 0


@dataclass(frozen=True, slots=True)
class Visit:
    """One address of a site, asked for to the end: redirects followed, attempts spent.

    Attributes:
        url: as it was found; names the visit.
        status: of HTTP; 0 where there was no answer that could be used.
        final_url: after redirects.
        page: the archive's name of the body, None without one.
        unchanged: the site said so (304); `page` is the body of the visit before.
        problem: what was wrong, one word; None where nothing was.
        detail: the same for people.
        seconds: from the request to the end of the answer.
    """

    url: str
    kind: Kind
    status: int = 0
    final_url: str = ""
    page: str | None = None
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    unchanged: bool = False
    problem: str | None = None
    detail: str = ""
    seconds: float = 0.0
    size: int = 0
    depth: int = 0
    found: tuple[Found, ...] = ()

    @property
    def passing(self) -> bool:
        """Whether another run may have better luck."""
        return self.problem in PASSING

    def line(self) -> bytes:
        """Return it as a line of JSON."""
        return orjson.dumps(self, option=orjson.OPT_APPEND_NEWLINE)


def read_visit(line: bytes) -> Visit | None:
    """Return the visit of a line; None for one that was cut short by a kill."""
    try:
        fields: dict[str, Any] = orjson.loads(line)
        found = tuple(Found(**one) for one in fields.pop("found", ()))
        return Visit(**fields, found=found)
    except (orjson.JSONDecodeError, TypeError, AttributeError):
        return None
