"""The hands of a site on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from infra.release.declared import Declared, kept
from infra.release.hands import Hands
from infra.release.local.controller import LocalController
from infra.release.local.door import NginxDoor
from infra.release.local.fleet import LocalFleet
from infra.release.local.site import Site
from infra.release.model import Colour, Version
from infra.release.runs import PrefectRuns
from infra.release.schema import AlembicSchema


def local_hands(site: Site) -> Hands:
    """Return the hands of a site."""
    store = site.store

    def declared(version: Version) -> Sequence[Declared]:
        return kept(store, version.digest)

    fleet = LocalFleet(site)
    return Hands(
        fleet,
        LocalController(site),
        NginxDoor(site),
        AlembicSchema(site.database),
        # Past the proxy: one that refuses everything must not keep a release from going back.
        PrefectRuns(
            lambda: [site.url(colour) for colour in Colour],
            site.pool,
            declared,
            site.canary,
            lost=fleet.lost,
        ),
    )
