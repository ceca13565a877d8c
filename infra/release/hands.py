"""What a release is done with: five parts, each of which can be looked at and acted on.

An act may be done again at any time, and returns soon: it starts something, and the next look says
how it goes. A look changes nothing. What raises `Unanswered` is asked again, within the step's
deadline; any other error of an act has the step failed.
"""

from __future__ import annotations

from typing import Protocol

from infra.release.model import Colour, Release, Version
from infra.release.plan import Kind, Look, Seen, Step


class Unanswered(Exception):
    """Nobody answers now: slow, throttled, away. Neither done nor failed."""


class Fleet(Protocol):
    """Workers of the two colours; those of one colour run one version."""

    def look(self, colour: Colour, version: Version) -> tuple[Look, str]:
        """Say whether workers of a version are up and take runs."""
        ...

    def start(self, colour: Colour, version: Version) -> None:
        """Have them come up."""
        ...

    def gone(self, colour: Colour) -> Look:
        """Say whether a colour has no workers: done, waiting (they end), absent (not asked to)."""
        ...

    def stop(self, colour: Colour) -> None:
        """Have workers end that have no runs."""
        ...


class Controller(Protocol):
    """Servers of the two colours on one database."""

    def look(self, colour: Colour, version: Version) -> tuple[Look, str]:
        """Say whether a server of a version is up and healthy."""
        ...

    def start(self, colour: Colour, version: Version, release: str) -> None:
        """Have it come up."""
        ...

    def gone(self, colour: Colour) -> Look:
        """Say whether a colour has no server: done, waiting (it ends), absent (not asked to)."""
        ...

    def stop(self, colour: Colour) -> None:
        """Have it end."""
        ...

    def url(self, colour: Colour) -> str:
        """Return the address of its API, past the proxy."""
        ...


class Door(Protocol):
    """The proxy in front of the servers."""

    def points_at(self) -> Colour | None:
        """Return which colour answers behind it; None while that is not certain."""
        ...

    def point(self, colour: Colour) -> None:
        """Have it point at a colour; it stays as it was where that fails."""
        ...


class Schema(Protocol):
    """The database's own schema."""

    def at(self) -> str:
        """Return its revision; empty for none."""
        ...

    def bring(self, to: Version, scripts: Version) -> None:
        """Bring it to what a version knows, by the migrations of another (or the same)."""
        ...


class Runs(Protocol):
    """Deployments and runs on the server."""

    def canary(self, colour: Colour, version: Version, key: str, url: str) -> tuple[Look, str]:
        """Say how the canary of a key goes."""
        ...

    def start_canary(self, colour: Colour, version: Version, key: str, url: str) -> None:
        """Start it; one of a key is started once."""
        ...

    def shifted(self, release: Release, share: int) -> tuple[Look, str]:
        """Say whether exactly a share of deployments has runs made for the new workers."""
        ...

    def shift(self, release: Release, share: int) -> None:
        """Have it so."""
        ...

    def drained(self, colour: Colour) -> tuple[Look, str]:
        """Say whether no run is left on a colour; absent while some can be handed over."""
        ...

    def hand_over(self, colour: Colour, *, due_too: bool) -> None:
        """Give runs that nobody has begun, and nobody waits for, to the other colour."""
        ...

    def published(self, release: Release) -> tuple[Look, str]:
        """Say whether deployments are as the new version declares them."""
        ...

    def publish(self, release: Release) -> None:
        """Have them so."""
        ...


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
