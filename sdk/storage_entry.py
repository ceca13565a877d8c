"""What a listing of a store says of one object, whichever driver made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_MODIFIED = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")
"""Where the drivers say when an object was written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object below a folder.

    Attributes:
        path: below the root.
        bytes: its size.
        modified: when it was written, by the store's clock; None where the driver does not say.
    """

    path: str
    bytes: int
    modified: datetime | None


def modified(info: Mapping[str, Any]) -> datetime | None:
    """Return when a driver says that an object was written; None if it does not say."""
    for name in _MODIFIED:
        value = info.get(name)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            return datetime.fromisoformat(value).astimezone(UTC)
    return None
