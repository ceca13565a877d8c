"""Which part a step looks at and acts on, and how (`infra.release.parts`)."""

from __future__ import annotations

from infra.release.model import Colour, Release, Version
from infra.release.parts import Controller, Door, Fleet, Runs, Schema
from infra.release.seen import Look, Seen
from infra.release.steps import Kind, Step


class Hands:
    """The parts together: what each step looks at, and does.

    Args:
        fleet: workers.
        controller: servers.
        door: the proxy.
        schema: the database's schema.
        runs: deployments and runs.
    """

    def __init__(
        self, fleet: Fleet, controller: Controller, door: Door, schema: Schema, runs: Runs
    ) -> None:
        self.fleet, self.controller, self.door = fleet, controller, door
        self.schema, self.runs = schema, runs

    def look(self, step: Step, release: Release) -> Seen:
        """Return how a step stands."""
        found, told = self._look(step, release)
        return Seen(step, found, told)

    def _look(self, step: Step, release: Release) -> tuple[Look, str]:  # noqa: C901, PLR0912
        kind, new, old = step.kind, release.colour, release.colour.other
        match kind:
            case Kind.START_WORKERS:
                return self.fleet.look(new, release.version)
            case Kind.BACK_WORKERS:
                return self.fleet.look(old, _replaced(release))
            case Kind.START_CONTROLLER:
                return self.controller.look(new, release.version)
            case Kind.BACK_CONTROLLER:
                return self.controller.look(old, _replaced(release))
            case Kind.CANARY_WORKERS:
                url = self.controller.url(old if release.replaces else new)
                return self.runs.canary(new, release.version, _key(step, release), url)
            case Kind.CANARY_CONTROLLER:
                up, told = self.controller.look(new, release.version)
                if up is not Look.DONE:
                    return (Look.FAILED, told) if up is Look.ABSENT else (up, told)
                url = self.controller.url(new)
                return self.runs.canary(new, release.version, _key(step, release), url)
            case Kind.SHIFT:
                return self.runs.shifted(release, step.share)
            case Kind.UNSHIFT:
                return self.runs.shifted(release, 0)
            case Kind.DRAIN_OLD | Kind.DRAIN_NEW:
                return self._look_drain(kind, release)
            case Kind.MIGRATE | Kind.LOWER:
                return _done(self.schema.at() == release.version.schema)
            case Kind.REVERT:
                wanted = release.replaces.version.schema if release.replaces else ""
                return _done(self.schema.at() == wanted)
            case Kind.SWAP_PROXY:
                return self._look_door(new)
            case Kind.BACK_PROXY:
                return self._look_door(old)
            case Kind.PUBLISH:
                return self.runs.published(release)
            case Kind.STOP_OLD_CONTROLLER:
                return self.controller.gone(old), ""
            case Kind.STOP_NEW_CONTROLLER:
                return self.controller.gone(new), ""
            case Kind.STOP_OLD_WORKERS:
                return self.fleet.gone(old), ""
            case Kind.STOP_NEW_WORKERS:
                return self.fleet.gone(new), ""

    def _look_door(self, wanted: Colour) -> tuple[Look, str]:
        found = self.door.points_at()
        if found is None:
            return Look.WAITING, "the proxy does not say where it points"
        return (Look.DONE if found is wanted else Look.ABSENT), f"it points at {found}"

    def _look_drain(self, kind: Kind, release: Release) -> tuple[Look, str]:
        new, old = release.colour, release.colour.other
        colour, version = (
            (old, _replaced(release)) if kind is Kind.DRAIN_OLD else (new, release.version)
        )
        found, told = self.runs.drained(colour)
        if found is not Look.WAITING:
            return found, told
        # Runs that wait for a worker that is gone wait for ever.
        alive, _ = self.fleet.look(colour, version)
        return (Look.ABSENT, told) if alive is Look.ABSENT else (Look.WAITING, told)

    def act(self, step: Step, release: Release) -> None:  # noqa: C901, PLR0912
        """Do a step, or have it begun."""
        kind, new, old = step.kind, release.colour, release.colour.other
        match kind:
            case Kind.START_WORKERS:
                self.fleet.start(new, release.version)
            case Kind.BACK_WORKERS:
                self.fleet.start(old, _replaced(release))
            case Kind.START_CONTROLLER:
                self.controller.start(new, release.version, release.id)
            case Kind.BACK_CONTROLLER:
                self.controller.start(old, _replaced(release), release.id)
            case Kind.CANARY_WORKERS:
                url = self.controller.url(old if release.replaces else new)
                self.runs.start_canary(new, release.version, _key(step, release), url)
            case Kind.CANARY_CONTROLLER:
                url = self.controller.url(new)
                self.runs.start_canary(new, release.version, _key(step, release), url)
            case Kind.SHIFT:
                self.runs.shift(release, step.share)
            case Kind.UNSHIFT:
                self.runs.shift(release, 0)
            case Kind.DRAIN_OLD:
                self._drain(old, _replaced(release))
            case Kind.DRAIN_NEW:
                self._drain(new, release.version)
            case Kind.MIGRATE:
                self.schema.bring(release.version, release.version)
            case Kind.LOWER:
                self.schema.bring(release.version, _replaced(release))
            case Kind.REVERT:
                if release.replaces:
                    scripts = release.replaces.version if release.returns else release.version
                    self.schema.bring(release.replaces.version, scripts)
                else:
                    nothing = Version(release.version.digest, "", release.version.where)
                    self.schema.bring(nothing, release.version)
            case Kind.SWAP_PROXY:
                self.door.point(new)
            case Kind.BACK_PROXY:
                self.door.point(old)
            case Kind.PUBLISH:
                self.runs.publish(release)
            case Kind.STOP_OLD_CONTROLLER:
                self.controller.stop(old)
            case Kind.STOP_NEW_CONTROLLER:
                self.controller.stop(new)
            case Kind.STOP_OLD_WORKERS:
                self.fleet.stop(old)
            case Kind.STOP_NEW_WORKERS:
                self.fleet.stop(new)

    def _drain(self, colour: Colour, version: Version) -> None:
        alive = self.fleet.look(colour, version)[0] is not Look.ABSENT
        # Without workers nobody fetches a run while it is handed over.
        self.runs.hand_over(colour, due_too=not alive)
        if not alive and self.runs.drained(colour)[0] is not Look.DONE:
            self.fleet.start(colour, version)  # runs that began there end there


def _done(is_so: bool) -> tuple[Look, str]:
    return (Look.DONE if is_so else Look.ABSENT), ""


def _key(step: Step, release: Release) -> str:
    return f"canary/{release.id}/{step.kind}"


def _replaced(release: Release) -> Version:
    assert release.replaces is not None
    return release.replaces.version
