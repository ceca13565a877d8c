"""The files of what a warm interpreter has loaded, and whether they are still the same.

Part of the program `sdk.warm.interpreter`: the standard library alone.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path


class Files:
    """The files of what is loaded, as they were."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[int, int] | None] = {}
        self._looked = 0.0

    def note(self, paths: set[str]) -> None:
        """Remember files as they are now."""
        for path in paths - self.known.keys():
            self.known[path] = self._state(path)

    def changed(self, seconds: float = 0.2) -> str | None:
        """Return a file that is no longer what it was; looks at most every so many seconds."""
        if time.monotonic() - self._looked < seconds:
            return None
        self._looked = time.monotonic()
        return next((p for p, was in self.known.items() if self._state(p) != was), None)

    @staticmethod
    def _state(path: str) -> tuple[int, int] | None:
        try:
            found = Path(path).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    @staticmethod
    def loaded() -> set[str]:
        """Return what this process was made from."""
        found = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
        # A package that was installed or removed changes its folder; Prefect's profile, a setting.
        found |= {path for path in sys.path if path.endswith("site-packages")}
        settings = sys.modules.get("prefect.settings")
        if settings is not None:
            found.add(str(settings.PREFECT_PROFILES_PATH.value()))
        return {path for path in found if path}
