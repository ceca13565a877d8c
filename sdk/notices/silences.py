"""Silences: faults that are known, and of which nobody wants to hear until a day.

A file below the storage root, for people to write:

    - fault: 3f9a12c04d5e6f70          # a fingerprint, or instead of it
      pattern: production/metro_daily/*/CheckFailed    # environment/flow/step/class
      until: 2026-12-01                # through this day
      ticket: OPS-123
      reason: the supplier's file comes without prices until December

A silenced fault is counted, and its head in Slack is kept right, which makes no noise. Nothing else
is said of it. When the day is past it is told again if it is still broken.

A silence needs a ticket, or nobody would ever take it away; the weekly review lists those whose
ticket is closed, and those that have ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from sdk.errors import ConfigurationError
from sdk.notices.fault_state import FaultState
from sdk.notices.outbox import ROOT
from sdk.storage import Storage

PATH = f"{ROOT}/silences.yaml"

_TICKET = re.compile(r"[A-Z][A-Z0-9_]{0,30}-[0-9]{1,12}")


class Silence(BaseModel):
    """One silence: of a fingerprint, or of all faults that a pattern fits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: str = ""
    pattern: str = ""
    until: date
    ticket: str
    reason: str = ""

    @field_validator("ticket")
    @classmethod
    def _is_a_key(cls, value: str) -> str:
        if not _TICKET.fullmatch(value):
            raise ValueError("give the key of a ticket, such as OPS-123")
        return value

    @model_validator(mode="after")
    def _says_what(self) -> Silence:
        if bool(self.fault) == bool(self.pattern):
            raise ValueError("give either fault or pattern")
        if self.pattern and self.pattern.count("/") != 3:
            raise ValueError("write a pattern as environment/flow/step/class, each may be *")
        return self

    @property
    def words(self) -> str:
        """What the head of a silenced fault says of it."""
        return f"silenced until {self.until} for {self.ticket}"

    def fits(self, state: FaultState) -> bool:
        """Say whether it is about a fault."""
        latest = state.latest
        if self.fault:
            return self.fault == state.fingerprint
        parts = (latest.environment, latest.flow, latest.step, latest.error_class)
        # Part by part: a star does not reach over a slash.
        return all(map(fnmatchcase, parts, self.pattern.split("/")))


def silence_of(silences: Iterable[Silence], state: FaultState, now: datetime) -> Silence | None:
    """Return the silence in force for a fault, the longest of them."""
    today = now.astimezone(UTC).date()
    found = [silence for silence in silences if silence.until >= today and silence.fits(state)]
    return max(found, key=lambda silence: (silence.until, silence.ticket), default=None)


def read_silences(storage: Storage) -> list[Silence]:
    """Return the silences of a storage root; none where there is no file.

    Raises:
        ConfigurationError: the file is not what it should be, naming entry and field.
    """
    try:
        content = storage.read(PATH)
    except FileNotFoundError:
        return []
    try:
        given = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{PATH} is not YAML: {error}", "Mend the file.") from error
    if given is None:
        return []
    if not isinstance(given, list):
        raise ConfigurationError(f"{PATH} is no list", "Begin each silence with a dash.")
    found = []
    for number, entry in enumerate(given, 1):
        try:
            found.append(Silence.model_validate(entry))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "entry"
            raise ConfigurationError(
                f"{PATH}, entry {number}, {field}: {first['msg']}", "Correct it there."
            ) from error
    return found


def review(
    silences: Sequence[Silence], closed: Iterable[str], today: date
) -> list[tuple[Silence, str]]:
    """Return the silences that somebody has to look at, each with the reason.

    Args:
        silences: all of them.
        closed: keys of the tickets that are done.
        today: the day.
    """
    done = set(closed)
    found = []
    for silence in silences:
        if silence.ticket in done:
            found.append((silence, f"{silence.ticket} is closed: remove the silence"))
        elif silence.until < today:
            found.append((silence, f"ended on {silence.until}: remove it, or extend it"))
    return found
