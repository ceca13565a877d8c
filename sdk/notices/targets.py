"""Which target is to be left alone, and until when.

One that asked for it (Retry-After), or did not answer several times in a row. Kept below the
storage root, so that the next sender knows it too.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from blocks.errors import DeliveryError, RateLimited
from sdk.errors import PlatformError
from sdk.notices.once import Pace
from sdk.notices.outbox import ROOT
from sdk.storage import Storage

PATH = f"{ROOT}/targets.json"

log = logging.getLogger("dataweave.notices")


class Targets:
    """The patience with each target.

    Args:
        storage: the root.
        now: the clock, UTC.
        pace: how patient to be.
    """

    def __init__(self, storage: Storage, now: Callable[[], datetime], pace: Pace) -> None:
        self.storage = storage
        self.now = now
        self.pace = pace
        self._known: dict[str, dict[str, Any]] = {}

    def recall(self) -> None:
        """Read what an earlier sender learned."""
        try:
            found = json.loads(self.storage.read(PATH))
        except (FileNotFoundError, ValueError, PlatformError):
            found = None
        self._known = found if isinstance(found, dict) else {}

    def is_quiet(self, target: str) -> bool:
        """Say whether a target is to be left alone now."""
        until = self._known.get(target, {}).get("until")
        return until is not None and self.now() < datetime.fromisoformat(until)

    def failed(self, target: str, error: DeliveryError) -> None:
        """Note that a target did not do what it was asked."""
        failures = int(self._known.get(target, {}).get("failures", 0)) + 1
        wait = error.retry_after
        if wait is None and failures >= self.pace.failures:
            doubled = self.pace.first_wait * 2.0 ** min(failures - self.pace.failures, 20)
            wait = min(doubled, self.pace.longest_wait)
        known: dict[str, Any] = {"failures": failures}
        if wait is not None:
            known["until"] = (self.now() + timedelta(seconds=wait)).isoformat()
        level = logging.INFO if isinstance(error, RateLimited) else logging.WARNING
        log.log(level, "%s (again in %.0f s)", error.problem, wait or 0)
        self._known[target] = known
        self._write()

    def heard(self, target: str) -> None:
        """Note that a target answered."""
        if self._known.pop(target, None) is not None:
            self._write()

    def _write(self) -> None:
        self.storage.put(PATH, json.dumps(self._known, sort_keys=True).encode())
