"""What a canary leaves: one object for each of its runs, under the storage root."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from sdk.storage import Storage

FOLDER = "_canary"


class CanaryRecord(BaseModel):
    """How a run of the canary went, by its own account.

    Attributes:
        name: of the canary.
        run: the flow run's id.
        due: when it was to begin, UTC.
        begun: when its body began: after the queue, the worker and the start of a process.
        ended: when its work was done.
        expected: the result by plain arithmetic.
        results: what the platform computed, by the way that it took.
        notice: whether a notice could be made and kept.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    run: str
    due: datetime
    begun: datetime
    ended: datetime
    expected: int
    results: Mapping[str, int]
    notice: bool

    @property
    def right(self) -> bool:
        """Whether everything that was computed is what it should be."""
        return bool(self.results) and set(self.results.values()) == {self.expected}

    @property
    def waited(self) -> float:
        """Seconds from when it was due to its first line of Python."""
        return max(0.0, (self.begun - self.due).total_seconds())

    @property
    def seconds(self) -> float:
        """Seconds of work."""
        return (self.ended - self.begun).total_seconds()


def records(root: Storage, name: str, latest: int) -> list[CanaryRecord]:
    """Return the latest records of a canary, oldest first; what cannot be read is left out."""
    found = []
    for path in root.names(f"{FOLDER}/{name}")[-latest:]:
        try:
            found.append(CanaryRecord.model_validate_json(root.read(f"{FOLDER}/{name}/{path}")))
        except (ValidationError, FileNotFoundError):
            continue
    return found
