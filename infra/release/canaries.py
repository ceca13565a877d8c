"""The canary of a release: one run of a key, on the workers and by the controller asked for."""

from __future__ import annotations

from typing import Final

from infra.release.colours import base, coloured
from infra.release.model import Colour, Version
from infra.release.seen import Look
from infra.release.servers import Servers

ENDED_BADLY: Final = frozenset({"FAILED", "CRASHED", "CANCELLED"})


class Canaries:
    """Canaries of a site.

    Args:
        api: the controllers'.
        name: of the deployment that is the canary; it takes the parameter ``expected``, the digest
            of the version that it has to be.
    """

    def __init__(self, api: Servers, name: str) -> None:
        self._api, self._name = api, name

    def look(self, key: str, url: str) -> tuple[Look, str]:
        """Say how the canary of a key goes."""
        asked = {"flow_runs": {"idempotency_key": {"any_": [key]}}}
        runs = self._api.send("POST", "/flow_runs/filter", asked, url=url)
        if not runs:
            return Look.ABSENT, ""
        state = runs[0]["state"] or {"type": "SCHEDULED", "message": ""}
        if state["type"] == "COMPLETED":
            return Look.DONE, f"run {runs[0]['id']} completed"
        if state["type"] in ENDED_BADLY:
            told = " ".join((state["message"] or "").split())[:200]
            return Look.FAILED, f"run {runs[0]['id']} is {state['type'].lower()}: {told}"
        return Look.WAITING, f"run {runs[0]['id']} is {state['type'].lower()}"

    def start(self, colour: Colour, version: Version, key: str, url: str) -> None:
        """Start it on a colour's workers, through a given controller."""
        there = self._api.deployments(url=url).get(self._name)
        if there is None:
            raise RuntimeError(f"there is no deployment {self._name}")
        body = {
            "idempotency_key": key,
            "work_queue_name": coloured(base(there["work_queue_name"]), colour),
            "parameters": {"expected": version.digest},
            "state": {"type": "SCHEDULED"},
            "tags": ["canary"],
        }
        self._api.send("POST", f"/deployments/{there['id']}/create_flow_run", body, url=url)
