"""One look: what the server, the storage and the canaries' records say, as a snapshot."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from canary.reconciler.signs import PROBE
from canary.record import records
from canary.watch.snapshot import CanaryRun, Pool, Queue, Snapshot
from sdk.api import Api, Refused, Unreachable
from sdk.errors import PlatformError
from sdk.storage import Storage

CANARY = "canary"
"""The flow's name; each of its deployments is a canary."""
BEATEN = "_watch/probe"
ENDED = ["COMPLETED", "FAILED", "CRASHED"]
"""A canary that was skipped or came too late tells nothing of what it would have found."""


class Look:
    """Looks at a platform.

    Args:
        api: of the server; it should not be patient: silence is what is looked for.
        storage: the root.
        now: the time, UTC.
    """

    def __init__(
        self, api: Api, storage: Storage, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.api, self.storage, self.now = api, storage, now

    def snapshot(self) -> Snapshot:
        """Look once; what does not answer is part of what is seen."""
        try:
            self.api.get("/health")
        except (Unreachable, Refused) as error:
            return Snapshot(server=False, database=False, storage=False, error=error.problem)
        try:
            self.api.get("/ready")
            return self._seen()
        except (Unreachable, Refused) as error:
            return Snapshot(server=True, database=False, storage=False, error=error.problem)

    def _seen(self) -> Snapshot:
        pools = list(self.api.pages("/work_pools/filter", {}))
        writable, error = self._storage()
        deployments = list(self.api.pages("/deployments/filter", {"sort": "NAME_ASC"}))
        return Snapshot(
            server=True,
            database=True,
            storage=writable,
            error=error,
            unscheduled=self._unscheduled(deployments),
            pools=tuple(self._pool(pool, deployments) for pool in pools),
            queues=tuple(queue for pool in pools for queue in self._queues(pool["name"])),
            canaries=tuple(self._canary(d, writable) for d in self._canaries(deployments)),
            reconciler=self._reconciler() if writable else 0.0,
        )

    def _storage(self) -> tuple[bool, str]:
        wrote = uuid.uuid4().hex.encode()
        try:
            self.storage.put(BEATEN, wrote)
            return self.storage.read(BEATEN) == wrote, "it gives back something else"
        except (PlatformError, FileNotFoundError) as error:
            return False, str(error).splitlines()[0]

    def _reconciler(self) -> float | None:
        folder, _, name = PROBE.rpartition("/")
        for entry in self.storage.entries(folder):
            if entry.path.endswith(name) and entry.modified is not None:
                return max(0.0, (self.now() - entry.modified).total_seconds())
        return None

    def _unscheduled(self, deployments: list[Any]) -> tuple[str, ...]:
        """Return the deployments that should have runs ahead and have none."""
        wanted = {
            found["id"]: found["name"]
            for found in deployments
            if not found.get("paused")
            and any(s["active"] for s in found.get("schedules") or ())
            # One that was just made is not scheduled yet.
            and self._ago(found["updated"]) > 180
        }
        if not wanted:
            return ()
        asked = {
            "deployments": {"id": {"any_": sorted(wanted)}},
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
            "sort": "ID_DESC",
        }
        ahead = {run["deployment_id"] for run in self.api.pages("/flow_runs/filter", asked)}
        return tuple(sorted(name for id_, name in wanted.items() if id_ not in ahead))

    def _pool(self, pool: dict[str, Any], deployments: list[Any]) -> Pool:
        workers = self.api.pages(f"/work_pools/{pool['name']}/workers/filter", {})
        beats = {w["name"]: self._ago(w["last_heartbeat_time"]) for w in workers}
        used = any(found.get("work_pool_name") == pool["name"] for found in deployments)
        return Pool(pool["name"], bool(pool.get("is_paused")), beats, used)

    def _queues(self, pool: str) -> list[Queue]:
        found = []
        for queue in self.api.pages(f"/work_pools/{pool}/queues/filter", {}):
            which = {
                "work_pools": {"name": {"any_": [pool]}},
                "work_pool_queues": {"name": {"any_": [queue["name"]]}},
            }
            late = self._first({**which, "flow_runs": {
                "state": {"type": {"any_": ["SCHEDULED"]}},
                "expected_start_time": {"before_": self.now().isoformat()},
            }, "sort": "EXPECTED_START_TIME_ASC"})  # fmt: skip
            begun = self._first({**which, "flow_runs": {
                "start_time": {"after_": (self.now() - timedelta(days=1)).isoformat()},
            }, "sort": "START_TIME_DESC"})  # fmt: skip
            active = self.api.post("/flow_runs/count", {**which, "flow_runs": {
                "state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}})  # fmt: skip
            found.append(Queue(
                pool, queue["name"], bool(queue.get("is_paused")), queue.get("concurrency_limit"),
                late=self._ago(late["next_scheduled_start_time"] or late["expected_start_time"])
                if late else 0.0,
                begun=self._ago(begun["start_time"]) if begun else None,
                active=active,
            ))  # fmt: skip
        return found

    def _canaries(self, deployments: list[Any]) -> list[Any]:
        flows = self.api.post("/flows/filter", {"flows": {"name": {"any_": [CANARY]}}})
        mine = {flow["id"] for flow in flows}
        return [found for found in deployments if found["flow_id"] in mine]

    def _canary(self, deployment: dict[str, Any], readable: bool) -> CanaryRun:
        which = {"deployments": {"id": {"any_": [deployment["id"]]}}}
        due = {"expected_start_time": {"before_": self.now().isoformat()}}
        latest = self._first({**which, "flow_runs": due, "sort": "EXPECTED_START_TIME_DESC"})
        ended = self._first({**which, "flow_runs": {
            **due, "state": {"type": {"any_": ENDED}}}, "sort": "END_TIME_DESC"})  # fmt: skip
        # One that was just deployed was never due, and is not missing for that.
        since = self._ago(latest["expected_start_time"] if latest else deployment["created"])
        kind = latest["state_type"] if latest else ""
        name = str(deployment["name"])
        told = records(self.storage, _subject(deployment), 20) if readable else []
        kept = [record for record in told if ended and record.run == ended["id"]]
        return CanaryRun(
            name=name,
            since_due=since,
            queued=since if kind in {"SCHEDULED", "PENDING"} else 0.0,
            running=self._ago(latest["start_time"])
            if latest and kind == "RUNNING" and latest["start_time"] else 0.0,
            ended=str(ended["state_type"]) if ended else "",
            waited=kept[-1].waited if kept else 0.0,
            seconds=kept[-1].seconds if kept else 0.0,
            right=kept[-1].right if kept else None,
            notice=kept[-1].notice if kept else None,
        )  # fmt: skip

    def _first(self, body: dict[str, Any]) -> dict[str, Any] | None:
        found = self.api.post("/flow_runs/filter", {**body, "limit": 1})
        return found[0] if found else None

    def _ago(self, text: str) -> float:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return max(0.0, (self.now() - moment).total_seconds())


def _subject(deployment: dict[str, Any]) -> str:
    """Return under which name a canary keeps its records."""
    return str((deployment.get("parameters") or {}).get("name") or "work")
