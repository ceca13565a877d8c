"""The five parts that a release is done with: each can be looked at and acted on.

`infra.release.local` has them for one machine, `infra.release.aws` for an account;
`infra.release.hands` puts them together.

An act may be done again at any time, and returns soon: it starts something, and the next look says
how it goes. A look changes nothing. What raises `Unanswered` is asked again, within the step's
deadline; any other error of an act has the step failed.
"""

from __future__ import annotations

from typing import Protocol

from infra.release.model import Colour, Release, Version
from infra.release.seen import Look


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
