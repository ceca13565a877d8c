"""Which queue, and which version, deployments name.

Shifting is to change which queue deployments name, so many of them at a step; which ones go first
is decided by a hash of their names, the same at every look.

**Runs of a schedule that are due.** Prefect deletes the scheduled runs of a deployment that is
changed, those that are overdue and those that wait for their retry among them, and makes only
future ones anew. So a deployment with such runs is not changed until they have begun or ended.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from infra.release.colours import coloured
from infra.release.declared import Declared
from infra.release.due import SOON, due
from infra.release.model import Colour, Release, Version
from infra.release.seen import Look
from infra.release.servers import Servers


class Shifting:
    """Deployments of a pool.

    Args:
        api: the controllers'.
        pool: the work pool.
        declared: what a version declares.
    """

    def __init__(
        self, api: Servers, pool: str, declared: Callable[[Version], Sequence[Declared]]
    ) -> None:
        self._api, self._pool, self._declared = api, pool, declared

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
        found, there = [], self._api.deployments()
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
        there = self._api.deployments()
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
            "work_queue_name": coloured(one.queue, colour),
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
        flow = self._api.send("POST", "/flows/", {"name": made.pop("flow")})
        if there is not None:  # somebody's pause stays
            made.setdefault("paused", there["paused"])
        self._api.send("POST", "/deployments/", {**made, "flow_id": flow["id"]})

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
            for run in self._api.pages("/flow_runs/filter", asked)
            if run["auto_scheduled"] and (run["run_count"] or due(run) <= soon)
        }


def _rank(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _is(there: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> bool:
    """Say whether a deployment is what it has to be, in what a release changes.

    The version's digest stands for what it declares.
    """
    names = ("work_queue_name", "work_pool_name", "version", "entrypoint")
    paused = there is not None and wanted.get("paused", there["paused"]) == there["paused"]
    return there is not None and paused and all(there[name] == wanted[name] for name in names)
