"""How long captured pages are kept: which journals and which pages may go. Pure.

A day's visits are kept for so many days; a page for as long as a kept visit names it. Pages that
no visit names are those of a writer that was killed between a page and its visit, or of a
capture that is under way: so young ones stay, whatever names them. Nothing is removed of which
the age is unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

KEEP: Final = timedelta(days=30)
"""A month of pages: as long as anybody asks why a price was what it was."""
GRACE: Final = timedelta(days=2)
"""Longer than any capture takes."""


@dataclass(frozen=True)
class Kept:
    """One object of the archive.

    Attributes:
        path: below the root.
        page: its name; of a journal's file "".
        bytes: its size.
        modified: when it was written; None where the store does not say.
    """

    path: str
    page: str
    bytes: int
    modified: datetime | None


def days_to_drop(days: Iterable[str], today: date, keep: timedelta = KEEP) -> list[str]:
    """Return the days of which the journals may go, the newest day never among them.

    Args:
        days: names of folders; what is no day is left alone.
        today: the day at hand.
        keep: how long.
    """
    known = sorted(day for day in days if _is_day(day))
    return [day for day in known[:-1] if date.fromisoformat(day) < today - keep]


def pages_to_drop(
    pages: Iterable[Kept], named: Collection[str], now: datetime, grace: timedelta = GRACE
) -> list[Kept]:
    """Return the pages that may go.

    Args:
        pages: of the archive.
        named: pages that the kept visits name.
        now: the newest instant that the store knows, or the clock's if that is earlier.
        grace: younger pages stay.
    """
    return [
        page
        for page in pages
        if page.page not in named and page.modified is not None and page.modified < now - grace
    ]


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2026-01-01")
