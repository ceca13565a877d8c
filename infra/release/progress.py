"""How far a release is; plain values, kept from act to act (`infra.release.driver`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from infra.release.model import Event, Release
from infra.release.steps import Step


class Way(StrEnum):
    """Where a release is going, or has come to."""

    FORWARD = "forward"
    BACK = "back"
    RELEASED = "released"
    TURNED_BACK = "turned back"
    STUCK = "stuck"


ENDED: Final = frozenset({Way.RELEASED, Way.TURNED_BACK})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a release is.

    Attributes:
        release: which.
        way: where it goes.
        done: steps of this way that are done.
        step: the one that is under way.
        tries: how often it was acted on.
        since: when it was begun, seconds since the epoch.
        failures: of steps on the way back.
        reason: why it went back.
        events: what happened.
    """

    release: Release
    way: Way = Way.FORWARD
    done: tuple[Step, ...] = ()
    step: Step | None = None
    tries: int = 0
    since: float = 0.0
    failures: tuple[tuple[Step, int], ...] = ()
    reason: str = ""
    events: tuple[Event, ...] = field(default=())
