"""How long and how often what may be tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from infra.release.steps import Kind

MINUTE: Final = 60.0
DEADLINES: Final[Mapping[Kind, float]] = {
    Kind.SHIFT: 60 * MINUTE,
    Kind.UNSHIFT: 60 * MINUTE,
    Kind.PUBLISH: 60 * MINUTE,
    Kind.DRAIN_OLD: 360 * MINUTE,
    Kind.DRAIN_NEW: 360 * MINUTE,
    Kind.MIGRATE: 30 * MINUTE,
    Kind.REVERT: 30 * MINUTE,
}
"""Seconds in which a step has to be done; a drain lasts as long as the longest run, and whoever
moves deployments waits until runs that are due have begun."""
PIECEMEAL: Final = frozenset(
    {Kind.SHIFT, Kind.UNSHIFT, Kind.PUBLISH, Kind.DRAIN_OLD, Kind.DRAIN_NEW}
)
"""Steps that are done by many acts."""
DEADLINE: Final = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds.

    Attributes:
        tries: acts of a step on the way forward, before it has failed.
        back_tries: failures of a step on the way back, before the release is stuck.
        deadlines: seconds by kind, instead of the usual ones.
    """

    tries: int = 3
    back_tries: int = 8
    deadlines: Mapping[Kind, float] = field(default_factory=dict)

    def deadline(self, kind: Kind) -> float:
        """Return the seconds that a step may take."""
        return self.deadlines.get(kind, DEADLINES.get(kind, DEADLINE))
