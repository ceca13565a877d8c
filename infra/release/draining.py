"""Runs of a colour that have not ended: handed over, begun after all, or waited for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from infra.release.colours import base, coloured
from infra.release.due import SOON, due
from infra.release.model import Colour
from infra.release.seen import Look
from infra.release.servers import Servers

OPEN: Final = ["SCHEDULED", "PENDING", "RUNNING", "CANCELLING", "PAUSED"]
Lost = Callable[[Colour], Callable[[Mapping[str, Any]], bool]]


class Draining:
    """Runs of a pool.

    Args:
        api: the controllers'.
        pool: the work pool.
        lost: of a colour, says which runs nobody will ever begin (`LocalFleet.lost`); by default
            nothing is known of that here.
    """

    def __init__(self, api: Servers, pool: str, lost: Lost | None = None) -> None:
        self._api, self._pool = api, pool
        self._lost = lost or (lambda _colour: lambda _run: False)

    def drained(self, colour: Colour) -> tuple[Look, str]:
        """Say whether no run is under way or due on a colour."""
        is_lost = self._lost(colour)  # before they are read
        runs = self._open(colour)
        if not runs:
            return Look.DONE, "no run is left"
        if lost := [run for run in runs if is_lost(run)]:
            return Look.ABSENT, f"{len(lost)} runs whose worker was lost before they began"
        later = [run for run in runs if self._is_later(run)]
        if later:
            return Look.ABSENT, f"{len(later)} runs to be handed over"
        return Look.WAITING, f"{len(runs)} runs are under way"

    def hand_over(self, colour: Colour, *, due_too: bool) -> None:
        """Give runs that nobody has begun, and nobody waits for, to the other colour.

        Those that were fetched and will not be begun are fetched again, by their own colour.

        Args:
            colour: whose.
            due_too: those that are due as well: the colour has no workers.
        """
        is_lost = self._lost(colour)  # before they are read
        for run in self._open(colour):
            if is_lost(run):
                state = {"type": "SCHEDULED", "message": "its worker was lost before it began"}
                body = {"state": state, "force": True}
                self._api.send("POST", f"/flow_runs/{run['id']}/set_state", body)
            elif self._is_later(run) or (due_too and _untouched(run)):
                self._move(run, colour.other)

    def _move(self, run: Mapping[str, Any], to: Colour) -> None:
        deployment = self._api.send("GET", f"/deployments/{run['deployment_id']}")
        when = due(run).isoformat()
        body = {
            "idempotency_key": f"moved/{run['id']}",
            "name": run["name"],
            "work_queue_name": coloured(base(run["work_queue_name"]), to),
            "parameters": run["parameters"],
            "tags": run["tags"],
            "state": {"type": "SCHEDULED", "state_details": {"scheduled_time": when}},
        }
        made = self._api.send("POST", f"/deployments/{deployment['id']}/create_flow_run", body)
        moved = {"type": "CANCELLED", "name": "Moved", "message": f"it is run {made['id']} now"}
        self._api.send("POST", f"/flow_runs/{run['id']}/set_state", {"state": moved, "force": True})

    def _is_later(self, run: Mapping[str, Any]) -> bool:
        return _untouched(run) and due(run) > datetime.now(UTC) + 2 * SOON

    def _open(self, colour: Colour) -> list[dict[str, Any]]:
        asked = {"work_pools": {"name": {"any_": [self._pool]}},
                 "flow_runs": {"state": {"type": {"any_": OPEN}}}}  # fmt: skip
        suffix = f"-{colour}"
        return [run for run in self._api.pages("/flow_runs/filter", asked)
                if (run["work_queue_name"] or "").endswith(suffix)]  # fmt: skip


def _untouched(run: Mapping[str, Any]) -> bool:
    scheduled = (run["state"] or {}).get("type") == "SCHEDULED"
    return scheduled and not run["run_count"] and not run["parent_task_run_id"]
