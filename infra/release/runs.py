"""Deployments and runs on Prefect's server: canaries, shifting, draining, publishing.

**A colour is a queue.** Workers of a colour serve ``coordinate-blue``, ``work-blue`` and so on; a
run is made for the queue that its deployment names at that moment and stays there, so it is run by
the version of that colour and no other. Its children are started on queues of the same colour
(`sdk.deployments.start_run`). Shifting is to change which queue deployments name, so many of them
at a step; which ones go first is decided by a hash of their names, the same at every look.

**Runs of a schedule that are due.** Prefect deletes the scheduled runs of a deployment that is
changed, those that are overdue and those that wait for their retry among them, and makes only
future ones anew. So a deployment with such runs is not changed until they have begun or ended.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from infra.release.declared import Declared
from infra.release.hands import Unanswered
from infra.release.model import Colour, Release, Version
from infra.release.plan import Look

OPEN: Final = ["SCHEDULED", "PENDING", "RUNNING", "CANCELLING", "PAUSED"]
SOON: Final = timedelta(seconds=30)
"""Before it is due, a run may be fetched by a worker already (10 s), and is left alone."""
PAGE: Final = 200
ENDED_BADLY: Final = frozenset({"FAILED", "CRASHED", "CANCELLED"})


class PrefectRuns:
    """Runs of a pool.

    Args:
        api: addresses of controllers past the proxy, the one to be asked first first.
        pool: the work pool.
        declared: what a version declares.
        canary: name of the deployment that is the canary; it takes the parameter ``expected``, the
            digest of the version that it has to be.
        headers: of every request.
        lost: of a colour, says which runs nobody will ever begin (`LocalFleet.lost`); by default
            nothing is known of that here.
    """

    def __init__(
        self,
        api: Callable[[], Sequence[str]],
        pool: str,
        declared: Callable[[Version], Sequence[Declared]],
        canary: str = "release-canary",
        headers: Mapping[str, str] | None = None,
        lost: Callable[[Colour], Callable[[Mapping[str, Any]], bool]] | None = None,
    ) -> None:
        self._lost = lost or (lambda _colour: lambda _run: False)
        self._api, self._pool, self._declared, self._canary = api, pool, declared, canary
        self._client = httpx.Client(timeout=20.0, headers=dict(headers or {}))

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    # Canary.

    def canary(self, colour: Colour, version: Version, key: str, url: str) -> tuple[Look, str]:
        """Say how the canary of a key goes."""
        asked = {"flow_runs": {"idempotency_key": {"any_": [key]}}}
        runs = self._send("POST", "/flow_runs/filter", asked, url=url)
        if not runs:
            return Look.ABSENT, ""
        state = runs[0]["state"] or {"type": "SCHEDULED", "message": ""}
        if state["type"] == "COMPLETED":
            return Look.DONE, f"run {runs[0]['id']} completed"
        if state["type"] in ENDED_BADLY:
            told = " ".join((state["message"] or "").split())[:200]
            return Look.FAILED, f"run {runs[0]['id']} is {state['type'].lower()}: {told}"
        return Look.WAITING, f"run {runs[0]['id']} is {state['type'].lower()}"

    def start_canary(self, colour: Colour, version: Version, key: str, url: str) -> None:
        """Start it on a colour's workers, through a given controller."""
        there = self._deployments(url=url).get(self._canary)
        if there is None:
            raise RuntimeError(f"there is no deployment {self._canary}")
        body = {
            "idempotency_key": key,
            "work_queue_name": _coloured(_base(there["work_queue_name"]), colour),
            "parameters": {"expected": version.digest},
            "state": {"type": "SCHEDULED"},
            "tags": ["canary"],
        }
        self._send("POST", f"/deployments/{there['id']}/create_flow_run", body, url=url)

    # Shifting.

    def shifted(self, release: Release, share: int) -> tuple[Look, str]:
        """Say whether exactly a share of deployments has runs made for the new workers."""
        wrong = self._wrong(release, share)
        if not wrong:
            return Look.DONE, ""
        held = self._held([there for there, _ in wrong if there])
        if len(held) == len(wrong):
            return Look.WAITING, f"{len(held)} deployments have runs that are due"
        return Look.ABSENT, f"{len(wrong)} deployments"

    def shift(self, release: Release, share: int) -> None:
        """Have it so, for those whose runs allow it."""
        wrong = self._wrong(release, share)
        held = self._held([there for there, _ in wrong if there])
        for there, body in wrong:
            if there is None or there["id"] not in held:
                self._upsert(body, there)

    def published(self, release: Release) -> tuple[Look, str]:
        """Say whether deployments are as the new version declares them."""
        wrong = self._unpublished(release)
        held = self._held([there for there, _ in wrong if there])
        if wrong and len(held) == len(wrong):
            return Look.WAITING, f"{len(held)} deployments have runs that are due"
        return (Look.ABSENT, f"{len(wrong)} deployments") if wrong else (Look.DONE, "")

    def publish(self, release: Release) -> None:
        """Have them so: new ones are made, those that are declared no more are paused."""
        wrong = self._unpublished(release)
        held = self._held([there for there, _ in wrong if there])
        for there, body in wrong:
            if there is None or there["id"] not in held:
                self._upsert(body, there)

    def _wrong(self, release: Release, share: int) -> list[tuple[Any, dict[str, Any]]]:
        """Return what differs: the deployment that is there, and what it has to be."""
        assert release.replaces is not None
        new = {one.name: one for one in self._declared(release.version)}
        old = {one.name: one for one in self._declared(release.replaces.version)}
        both = sorted((name for name in old if name in new), key=_rank)
        over = set(both[: math.ceil(len(both) * share / 100)])
        found, there = [], self._deployments()
        for name, one in old.items():
            if name in over:
                wanted = self._body(new[name], release.colour, release.version)
                # Runs of the old version are loaded by it until the last of them has ended.
                wanted["entrypoint"] = one.entrypoint
            elif name in new or share < 100:
                wanted = self._body(one, release.colour.other, release.replaces.version)
            else:
                continue  # declared no more: its runs end where they began
            if not _is(there.get(name), wanted):
                found.append((there.get(name), wanted))
        if share == 0:  # going back: what only the new version has starts nothing
            for name in new.keys() - old.keys():
                if name in there and not there[name]["paused"]:
                    paused = self._body(new[name], release.colour, release.version)
                    found.append((there[name], {**paused, "paused": True}))
        return found

    def _unpublished(self, release: Release) -> list[tuple[Any, dict[str, Any]]]:
        there = self._deployments()
        new = {one.name: one for one in self._declared(release.version)}
        found = []
        for name, one in new.items():
            wanted = self._body(one, release.colour, release.version)
            if not _is(there.get(name), wanted):
                found.append((there.get(name), wanted))
        for one in self._declared(release.replaces.version) if release.replaces else ():
            if one.name not in new and one.name in there and not there[one.name]["paused"]:
                body = self._body(one, release.colour, release.version)
                found.append((there[one.name], {**body, "paused": True}))
        return found

    def _body(self, one: Declared, colour: Colour, version: Version) -> dict[str, Any]:
        return {
            "name": one.name,
            "flow": one.flow,
            "entrypoint": one.entrypoint,
            "work_pool_name": self._pool,
            "work_queue_name": _coloured(one.queue, colour),
            "parameters": dict(one.parameters),
            "parameter_openapi_schema": dict(one.schema),
            "enforce_parameter_schema": one.enforce,
            "tags": list(one.tags),
            "schedules": [dict(schedule) for schedule in one.schedules],
            "description": one.description,
            "pull_steps": [dict(step) for step in one.pull_steps],
            "job_variables": dict(one.job_variables),
            "version": version.digest,
        }

    def _upsert(self, body: dict[str, Any], there: Mapping[str, Any] | None) -> None:
        made = dict(body)
        flow = self._send("POST", "/flows/", {"name": made.pop("flow")})
        if there is not None:  # somebody's pause stays
            made.setdefault("paused", there["paused"])
        self._send("POST", "/deployments/", {**made, "flow_id": flow["id"]})

    def _held(self, deployments: Sequence[Mapping[str, Any]]) -> set[str]:
        """Return those deployments of which a change would delete runs that are due."""
        if not deployments:
            return set()
        asked = {
            "deployments": {"id": {"any_": [one["id"] for one in deployments]}},
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        }
        soon = datetime.now(UTC) + SOON
        return {
            run["deployment_id"]
            for run in self._pages("/flow_runs/filter", asked)
            if run["auto_scheduled"] and (run["run_count"] or _due(run) <= soon)
        }

    # Draining.

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
                self._send("POST", f"/flow_runs/{run['id']}/set_state", body)
            elif self._is_later(run) or (due_too and _untouched(run)):
                self._move(run, colour.other)

    def _move(self, run: Mapping[str, Any], to: Colour) -> None:
        deployment = self._send("GET", f"/deployments/{run['deployment_id']}")
        due = _due(run)
        body = {
            "idempotency_key": f"moved/{run['id']}",
            "name": run["name"],
            "work_queue_name": _coloured(_base(run["work_queue_name"]), to),
            "parameters": run["parameters"],
            "tags": run["tags"],
            "state": {"type": "SCHEDULED", "state_details": {"scheduled_time": due.isoformat()}},
        }
        made = self._send("POST", f"/deployments/{deployment['id']}/create_flow_run", body)
        moved = {"type": "CANCELLED", "name": "Moved", "message": f"it is run {made['id']} now"}
        self._send("POST", f"/flow_runs/{run['id']}/set_state", {"state": moved, "force": True})

    def _is_later(self, run: Mapping[str, Any]) -> bool:
        return _untouched(run) and _due(run) > datetime.now(UTC) + 2 * SOON

    def _open(self, colour: Colour) -> list[dict[str, Any]]:
        asked = {"work_pools": {"name": {"any_": [self._pool]}},
                 "flow_runs": {"state": {"type": {"any_": OPEN}}}}  # fmt: skip
        suffix = f"-{colour}"
        return [run for run in self._pages("/flow_runs/filter", asked)
                if (run["work_queue_name"] or "").endswith(suffix)]  # fmt: skip

    # The API.

    def _deployments(self, url: str | None = None) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self._pages("/deployments/filter", {}, url)}

    def _pages(
        self, path: str, asked: Mapping[str, Any], url: str | None = None
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            body = {**asked, "limit": PAGE, "offset": len(found)}
            page = self._send("POST", path, body, url=url)
            found += page
            if len(page) < PAGE:
                return found

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        url: str | None = None,
    ) -> Any:
        """Ask the controllers in turn; the same request may be carried out twice."""
        told = "there is no controller"
        for one in [url] if url else self._api():
            try:
                answer = self._client.request(method, f"{one}{path}", json=body)
            except httpx.HTTPError as error:
                told = f"{one}: {type(error).__name__} {error}"
                continue
            if answer.status_code >= 500 or answer.status_code == 429:
                told = f"{one}: {answer.status_code}"
                continue
            if answer.is_error:
                said = " ".join(answer.text.split())[:300]
                raise RuntimeError(f"{method} {path}: {answer.status_code}: {said}")
            return answer.json() if answer.content else None
        raise Unanswered(told)


def _rank(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _coloured(queue: str, colour: Colour) -> str:
    return f"{queue}-{colour}"


def _base(queue: str | None) -> str:
    name = queue or "default"
    return next((name.removesuffix(f"-{c}") for c in Colour if name.endswith(f"-{c}")), name)


def _untouched(run: Mapping[str, Any]) -> bool:
    scheduled = (run["state"] or {}).get("type") == "SCHEDULED"
    return scheduled and not run["run_count"] and not run["parent_task_run_id"]


def _due(run: Mapping[str, Any]) -> datetime:
    said = run["next_scheduled_start_time"] or run["expected_start_time"] or run["created"]
    return datetime.fromisoformat(said.replace("Z", "+00:00"))


def _is(there: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> bool:
    """Say whether a deployment is what it has to be, in what a release changes.

    The version's digest stands for what it declares.
    """
    names = ("work_queue_name", "work_pool_name", "version", "entrypoint")
    paused = there is not None and wanted.get("paused", there["paused"]) == there["paused"]
    return there is not None and paused and all(there[name] == wanted[name] for name in names)
