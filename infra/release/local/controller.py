"""Servers of this machine: one for each colour, both on one database."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import httpx

from infra.release.local import processes
from infra.release.local.site import Site
from infra.release.model import Colour, Version
from infra.release.seen import Look

GRACE: Final = 60.0


class LocalController:
    """The site's servers.

    Args:
        site: whose.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def look(self, colour: Colour, version: Version) -> tuple[Look, str]:
        """Say whether a server of a version is up, and reaches its database."""
        processes.reap()
        there = processes.find(self._site.folder, _role(colour))
        if not any(one.version == version.digest for one in there):
            return Look.ABSENT, f"no server of {colour} runs; see {self._log(colour)}"
        try:
            answer = httpx.get(f"{self._site.url(colour)}/ready", timeout=10.0)
        except httpx.HTTPError as error:
            return Look.WAITING, f"it does not answer yet: {type(error).__name__}"
        healthy = answer.status_code == 200
        return (Look.DONE if healthy else Look.WAITING), f"it answers {answer.status_code}"

    def start(self, colour: Colour, version: Version, release: str) -> None:
        """Have it come up; one of another version that was left there ends first."""
        site, role = self._site, _role(colour)
        if any(one.version == version.digest for one in processes.find(site.folder, role)):
            return
        processes.stop(site.folder, role, GRACE)
        environ = site.environment(role, version) | {
            "PREFECT_API_DATABASE_CONNECTION_URL": site.database,
            # The release has migrated; of two servers none does.
            "PREFECT_API_DATABASE_MIGRATE_ON_START": "false",
            "PREFECT_UI_API_URL": site.proxy_url,
        }
        command = [site.python(version), "-m", "uvicorn", "--factory",
                   "prefect.server.api.server:create_app", "--host", "127.0.0.1",
                   "--port", str(site.port(colour)), "--timeout-keep-alive", "65",
                   "--timeout-graceful-shutdown", "20", "--no-access-log"]  # fmt: skip
        processes.start(command, environ, self._log(colour), site.folder)

    def gone(self, colour: Colour) -> Look:
        """Say whether a colour has no server."""
        there = processes.find(self._site.folder, _role(colour))
        return Look.ABSENT if there else Look.DONE

    def stop(self, colour: Colour) -> None:
        """Have it end, after the requests that it has."""
        processes.stop(self._site.folder, _role(colour), GRACE)

    def url(self, colour: Colour) -> str:
        """Return the address of its API, past the proxy."""
        return self._site.url(colour)

    def _log(self, colour: Colour) -> Path:
        return self._site.folder / "logs" / f"server-{colour}.log"


def _role(colour: Colour) -> str:
    return f"server-{colour}"
