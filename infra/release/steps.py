"""The steps of a release: which there are, and in which order they come.

Forward in one order, workers first; back in an order of preference, and what each step of the way
back needs done before it. `infra.release.plan` decides which one is next.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from infra.release.model import Release


class Kind(StrEnum):
    """Kinds of steps; *new* is the side that comes up, *old* the one that works until then."""

    START_WORKERS = "start workers"
    CANARY_WORKERS = "canary on the new workers"
    SHIFT = "shift"
    DRAIN_OLD = "drain old workers"
    MIGRATE = "migrate"
    START_CONTROLLER = "start controller"
    CANARY_CONTROLLER = "canary by the new controller"
    SWAP_PROXY = "swap proxy"
    PUBLISH = "publish deployments"
    STOP_OLD_CONTROLLER = "stop old controller"
    STOP_OLD_WORKERS = "stop old workers"
    LOWER = "lower schema"

    BACK_WORKERS = "back: old workers"
    BACK_CONTROLLER = "back: old controller"
    BACK_PROXY = "back: proxy"
    UNSHIFT = "back: deployments"
    DRAIN_NEW = "back: drain new workers"
    STOP_NEW_CONTROLLER = "back: stop new controller"
    REVERT = "back: schema"
    STOP_NEW_WORKERS = "back: stop new workers"


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """A step.

    Attributes:
        kind: what it does.
        share: percentage of deployments that a shift brings over.
    """

    kind: Kind
    share: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.share} %" if self.kind is Kind.SHIFT else str(self.kind)


def forward(release: Release) -> tuple[Step, ...]:
    """Return the steps of the way forward, in order."""
    if release.replaces is None:  # workers need a controller, and there is none yet
        kinds = [Kind.MIGRATE, Kind.START_CONTROLLER, Kind.SWAP_PROXY, Kind.START_WORKERS,
                 Kind.PUBLISH, Kind.CANARY_WORKERS]  # fmt: skip
        return tuple(Step(kind) for kind in kinds)
    before = [Kind.START_WORKERS, Kind.CANARY_WORKERS]
    after = [Kind.DRAIN_OLD, Kind.MIGRATE, Kind.START_CONTROLLER, Kind.CANARY_CONTROLLER,
             Kind.SWAP_PROXY, Kind.PUBLISH, Kind.STOP_OLD_CONTROLLER,
             Kind.STOP_OLD_WORKERS]  # fmt: skip
    if release.returns:
        after.remove(Kind.MIGRATE)
        after.append(Kind.LOWER)
    shifts = [Step(Kind.SHIFT, share) for share in release.shares]
    return (*map(Step, before), *shifts, *map(Step, after))


def back(release: Release) -> dict[Step, frozenset[Step]]:
    """Return the steps of the way back, in order of preference, and what each needs done."""
    if release.replaces is None:
        needs: dict[Kind, set[Kind]] = {
            Kind.STOP_NEW_WORKERS: set(),
            Kind.STOP_NEW_CONTROLLER: set(),
            Kind.REVERT: {Kind.STOP_NEW_CONTROLLER},
        }
    else:
        needs = {
            Kind.BACK_WORKERS: set(),
            Kind.BACK_CONTROLLER: set(),
            Kind.BACK_PROXY: {Kind.BACK_CONTROLLER},
            Kind.UNSHIFT: {Kind.BACK_WORKERS, Kind.BACK_CONTROLLER},
            # Runs that are theirs still need them: they end on the version that they began with.
            Kind.DRAIN_NEW: {Kind.UNSHIFT},
            # Whoever the proxy points at is not stopped.
            Kind.STOP_NEW_CONTROLLER: {Kind.BACK_PROXY},
            Kind.REVERT: {Kind.STOP_NEW_CONTROLLER},
            Kind.STOP_NEW_WORKERS: {Kind.DRAIN_NEW},
        }
        if release.returns:  # the schema may be lower than the old controller needs
            needs[Kind.REVERT] = set()
            needs[Kind.BACK_CONTROLLER] = {Kind.REVERT}
    return {Step(kind): frozenset(map(Step, wanted)) for kind, wanted in needs.items()}
