"""What a look at a step finds; plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from infra.release.steps import Step


class Look(StrEnum):
    """What a look at a step found."""

    ABSENT = "absent"  # not begun, or begun and gone: act
    WAITING = "waiting"  # under way
    DONE = "done"
    FAILED = "failed"  # and will not get better by itself
    UNKNOWN = "unknown"  # nobody answers: neither done nor failed


@dataclass(frozen=True, slots=True)
class Seen:
    """An observation of a step."""

    step: Step
    look: Look
    told: str = ""
