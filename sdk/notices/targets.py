"""Which target is to be left alone, and until when.

One that asked for it (Retry-After), or did not answer several times in a row. Kept below the
storage root, so that the next sender knows it too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from blocks.errors import DeliveryError, RateLimited
from sdk.errors import PlatformError
from sdk.notices.once import Pace
from sdk.notices.outbox import ROOT
from sdk.storage import Storage

PATH = f"{ROOT}/targets.json"
LONGEST = 3600.0
"""Seconds for which a target is left alone at most, whatever it asked for: a notice that waits for
longer is no notice, and one request an hour harms nobody."""

log = logging.getLogger("dataweave.notices")


class Patience(BaseModel):
    """What is known of a target: failures in a row, and until when it is left alone."""

    failures: int = 0
    until: AwareDatetime | None = None


_KNOWN = TypeAdapter(dict[str, Patience])


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
        self._known: dict[str, Patience] = {}

    def recall(self) -> None:
        """Read what an earlier sender learned."""
        try:
            self._known = _KNOWN.validate_json(self.storage.read(PATH))
        except (FileNotFoundError, ValidationError, PlatformError):
            self._known = {}

    def is_quiet(self, target: str) -> bool:
        """Say whether a target is to be left alone now."""
        known = self._known.get(target)
        if known is None or known.until is None:
            return False
        # One that lies further ahead was noted by a clock that was wrong.
        return timedelta() < known.until - self.now() <= timedelta(seconds=LONGEST)

    def failed(self, target: str, error: DeliveryError) -> None:
        """Note that a target did not do what it was asked."""
        known = self._known.setdefault(target, Patience())
        known.failures += 1
        wait = error.retry_after
        if wait is None and known.failures >= self.pace.failures:
            doubled = self.pace.first_wait * 2.0 ** min(known.failures - self.pace.failures, 20)
            wait = min(doubled, self.pace.longest_wait)
        known.until = None
        if wait is not None:
            known.until = self.now() + timedelta(seconds=min(wait, LONGEST))
        level = logging.INFO if isinstance(error, RateLimited) else logging.WARNING
        log.log(level, "%s (again in %.0f s)", error.problem, wait or 0)
        self._write()

    def heard(self, target: str) -> None:
        """Note that a target answered."""
        if self._known.pop(target, None) is not None:
            self._write()

    def _write(self) -> None:
        self.storage.put(PATH, _KNOWN.dump_json(self._known))
