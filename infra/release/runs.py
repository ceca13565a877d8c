"""Deployments and runs on Prefect's server: canaries, shifting and draining together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from infra.release.canaries import Canaries
from infra.release.declared import Declared
from infra.release.draining import Draining, Lost
from infra.release.model import Colour, Release, Version
from infra.release.seen import Look
from infra.release.servers import Servers
from infra.release.shifting import Shifting


class PrefectRuns:
    """Runs of a pool: `infra.release.parts.Runs`.

    Args:
        api: addresses of controllers past the proxy, the one to be asked first first.
        pool: the work pool.
        declared: what a version declares.
        canary: name of the deployment that is the canary (`Canaries`).
        headers: of every request.
        lost: of a colour, says which runs nobody will ever begin (`Draining`).
    """

    def __init__(
        self,
        api: Callable[[], Sequence[str]],
        pool: str,
        declared: Callable[[Version], Sequence[Declared]],
        canary: str = "release-canary",
        headers: Mapping[str, str] | None = None,
        lost: Lost | None = None,
    ) -> None:
        self.servers = Servers(api, headers)
        self._canaries = Canaries(self.servers, canary)
        self._shifting = Shifting(self.servers, pool, declared)
        self._draining = Draining(self.servers, pool, lost)

    def close(self) -> None:
        """Give the connections back."""
        self.servers.close()

    def canary(self, colour: Colour, version: Version, key: str, url: str) -> tuple[Look, str]:
        """Say how the canary of a key goes."""
        return self._canaries.look(key, url)

    def start_canary(self, colour: Colour, version: Version, key: str, url: str) -> None:
        """Start it; one of a key is started once."""
        self._canaries.start(colour, version, key, url)

    def shifted(self, release: Release, share: int) -> tuple[Look, str]:
        """Say whether exactly a share of deployments has runs made for the new workers."""
        return self._shifting.shifted(release, share)

    def shift(self, release: Release, share: int) -> None:
        """Have it so, for those whose runs allow it."""
        self._shifting.shift(release, share)

    def published(self, release: Release) -> tuple[Look, str]:
        """Say whether deployments are as the new version declares them."""
        return self._shifting.published(release)

    def publish(self, release: Release) -> None:
        """Have them so."""
        self._shifting.publish(release)

    def drained(self, colour: Colour) -> tuple[Look, str]:
        """Say whether no run is under way or due on a colour."""
        return self._draining.drained(colour)

    def hand_over(self, colour: Colour, *, due_too: bool) -> None:
        """Give runs that nobody has begun, and nobody waits for, to the other colour."""
        self._draining.hand_over(colour, due_too=due_too)
