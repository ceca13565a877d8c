"""Workers of this machine: one process for each colour, on the queues of its colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx

from infra.release.local import processes
from infra.release.local.site import Site
from infra.release.model import Colour, Version
from infra.release.parts import Unanswered
from infra.release.seen import Look

GRACE: Final = 90.0
"""Seconds for a worker without runs to leave; below the lease."""


class LocalFleet:
    """The site's workers.

    Args:
        site: whose.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._client = httpx.Client(timeout=20.0)

    def look(self, colour: Colour, version: Version) -> tuple[Look, str]:
        """Say whether a worker of a version is up and asks for runs."""
        processes.reap()
        there = processes.find(self._site.folder, _role(colour))
        mine = [one for one in there if one.version == version.digest]
        if not mine:
            return Look.ABSENT, f"no worker of {colour} runs; see {self._log(colour)}"
        name, begun = _name(colour, version), max(one.started for one in mine)
        for worker in self._workers():
            # One of an earlier life has the same name: its last heartbeat is from before.
            if worker["name"] == name and _seconds(worker["last_heartbeat_time"]) > begun:
                return Look.DONE, f"worker {name}"
        return Look.WAITING, "it has not asked for runs yet"

    def start(self, colour: Colour, version: Version) -> None:
        """Have a worker come up; one of another version that was left there ends first."""
        role, site = _role(colour), self._site
        there = processes.find(site.folder, role)
        if any(one.version == version.digest for one in there):
            return
        processes.stop(site.folder, role, GRACE)
        self._make_queues(colour)
        self._take_back(colour)
        environ = site.environment(role, version) | {
            "PREFECT_API_URL": site.proxy_url,
            "DATAWEAVE_COLOUR": str(colour),
        }
        prefect = str(Path(site.python(version)).with_name("prefect"))
        command = [prefect, "worker", "start", "--pool", site.pool, "--type", "process",
                   "--name", _name(colour, version), "--limit", str(site.slots)]  # fmt: skip
        for queue in site.queues:
            command += ["--work-queue", f"{queue}-{colour}"]
        processes.start(command, environ, self._log(colour), site.folder)

    def gone(self, colour: Colour) -> Look:
        """Say whether a colour has no worker."""
        there = processes.find(self._site.folder, _role(colour))
        return Look.ABSENT if there else Look.DONE

    def stop(self, colour: Colour) -> None:
        """Have the worker end; it waits for runs that it has."""
        processes.stop(self._site.folder, _role(colour), GRACE)

    def _make_queues(self, colour: Colour) -> None:
        """Make the pool and a colour's queues; each is served as the one without a colour."""
        pool = self._site.pool
        self._ask("/work_pools/", {"name": pool, "type": "process"}, there_already=True)
        asked = {"limit": 200}
        there = {one["name"]: one for one in self._ask(f"/work_pools/{pool}/queues/filter", asked)}
        for queue in self._site.queues:
            like = there.get(queue, {})
            wanted = {name: like.get(name) for name in ("priority", "concurrency_limit")}
            kept = {name: value for name, value in wanted.items() if value is not None}
            if queue in self._site.limits:
                kept["concurrency_limit"] = self._site.limits[queue]
            body = {
                "name": f"{queue}-{colour}",
                "description": f"{queue}, {colour} workers",
                **kept,
            }
            if body["name"] not in there:
                self._ask(f"/work_pools/{pool}/queues", body, there_already=True)

    def lost(self, colour: Colour) -> Callable[[Mapping[str, Any]], bool]:
        """Look at processes; return which runs, read after that, nobody will ever begin.

        A worker that is killed leaves runs that it had fetched, some with a process already. Such a
        process may still begin its run, or die before that. The runs are read afterwards: one that
        is not begun then, and had no process, will have none: its worker is older than the one
        that is there.
        """
        alive = processes.runs_of(self._site.folder)
        there = processes.find(self._site.folder, _role(colour))
        begun = min((one.started for one in there), default=float("inf"))

        def is_lost(run: Mapping[str, Any]) -> bool:
            state = run["state"] or {}
            return (
                state.get("type") == "PENDING"
                and (run["work_queue_name"] or "").endswith(f"-{colour}")
                and run["id"] not in alive
                and _seconds(state["timestamp"]) < begun
            )

        return is_lost

    def _take_back(self, colour: Colour) -> None:
        """Reschedule what a worker that was killed had fetched and not begun."""
        is_lost = self.lost(colour)
        asked = {"flow_runs": {"state": {"type": {"any_": ["PENDING"]}}}, "limit": 200}
        for run in self._ask("/flow_runs/filter", asked):
            if is_lost(run):
                state = {"type": "SCHEDULED", "message": "its worker was lost before it began"}
                self._ask(f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})

    def _workers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask(
            f"/work_pools/{self._site.pool}/workers/filter", {"limit": 200}
        )
        return found

    def _ask(self, path: str, body: dict[str, Any], *, there_already: bool = False) -> Any:
        for colour in Colour:
            try:
                answer = self._client.post(f"{self._site.url(colour)}{path}", json=body)
                if there_already and answer.status_code == 409:
                    return None
                answer.raise_for_status()
                return answer.json()
            except httpx.HTTPError:
                continue
        raise Unanswered("no server answers")

    def _log(self, colour: Colour) -> Path:
        return self._site.folder / "logs" / f"worker-{colour}.log"


def _role(colour: Colour) -> str:
    return f"worker-{colour}"


def _name(colour: Colour, version: Version) -> str:
    return f"{colour}-{version.short}"


def _seconds(said: str | None) -> float:
    return datetime.fromisoformat(said.replace("Z", "+00:00")).timestamp() if said else 0.0
