"""When nothing may be released: a freeze, or outside the window. Going back is always allowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from infra.release.store import ReleaseProblemError, Store, put

FREEZE: Final = "freeze"
WINDOW: Final = "window"


@dataclass(frozen=True, slots=True)
class Window:
    """When releases may begin.

    Attributes:
        days: of the week; Monday is 0.
        begins: time of the day.
        ends: time of the day, after it.
        zone: of both.
    """

    days: tuple[int, ...] = (0, 1, 2, 3)
    begins: time = time(8)
    ends: time = time(16)
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.begins >= self.ends or not self.days or not set(self.days) <= set(range(7)):
            raise ValueError("a window begins before it ends, on days 0 (Monday) to 6")
        ZoneInfo(self.zone)

    def holds(self, now: datetime) -> bool:
        """Say whether a moment is inside."""
        here = now.astimezone(ZoneInfo(self.zone))
        return here.weekday() in self.days and self.begins <= here.time() < self.ends


_WINDOW: Final[TypeAdapter[Window]] = TypeAdapter(Window)


def freeze(store: Store, why: str, by: str) -> None:
    """Let nothing be released."""
    put(store, FREEZE, {"why": why, "by": by})


def thaw(store: Store) -> None:
    """Take the freeze back."""
    put(store, FREEZE, {})


def set_window(store: Store, window: Window | None) -> None:
    """Let releases begin only then; None for always."""
    put(store, WINDOW, _WINDOW.dump_python(window, mode="json") if window else {})


def check(store: Store, now: datetime) -> None:
    """Raise ReleaseProblemError if nothing may be released now."""
    frozen = store.read(FREEZE).value
    if frozen:
        raise ReleaseProblemError(
            f"releases are frozen by {frozen.get('by') or 'somebody'}: {frozen.get('why')}\n"
            "End it: python -m infra.release thaw. Going back is possible meanwhile."
        )
    found = store.read(WINDOW).value
    if found and not (window := _WINDOW.validate_python(found)).holds(now):
        raise ReleaseProblemError(
            f"outside the window: days {', '.join(map(str, window.days))} (Monday is 0), "
            f"{window.begins:%H:%M} to {window.ends:%H:%M} {window.zone}"
        )
