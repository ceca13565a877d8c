"""The runs on Prefect's server, and how what was decided is done to them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from canary.reconciler.ecs import Tasks
from canary.reconciler.seen import ACTIVE, Decision, Process, SeenRun
from canary.reconciler.signs import Signs
from canary.reconciler.stopping import stop
from sdk.api import Api
from sdk.digest import text_hash
from sdk.running.rules import Rules

log = logging.getLogger("canary")

LONGEST_RUN = timedelta(days=1)
OPEN = ["SCHEDULED", "PENDING", "RUNNING", "CANCELLING", "PAUSED"]


class Runs:
    """The runs that may need settling.

    Args:
        api: the server's.
        signs: of life, looked at before each read.
        tasks: of ECS; None where there are none.
        crashed_within: how far back crashed runs are looked for.
        now: the time, UTC.
    """

    def __init__(
        self,
        api: Api,
        signs: Signs,
        tasks: Tasks | None,
        crashed_within: timedelta,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.api, self.signs, self.tasks, self.now = api, signs, tasks, now
        self.crashed_within = crashed_within
        self._recent = crashed_within.total_seconds()
        self._parents: dict[str, str] = {}
        self._clusters: dict[str, tuple[str, ...]] = {}

    def read(self) -> list[SeenRun]:
        """Return every run that was due and has not ended, and those that crashed of late."""
        now = self.now()
        if self.tasks is not None:
            self.tasks.look()
            self._clusters = self._ecs_pools()
        found: dict[str, dict[str, Any]] = {}
        due = {"state": {"type": {"any_": OPEN}}, "expected_start_time": {"before_": _text(now)}}
        # The API filters by when a run was due, not by when it ended: the rest is done here.
        crashed = {
            "state": {"type": {"any_": ["CRASHED"]}},
            "expected_start_time": {"after_": _text(now - self.crashed_within - LONGEST_RUN)},
        }
        for which in (due, crashed):
            body = {"flow_runs": which, "sort": "ID_DESC"}
            for run in self.api.pages("/flow_runs/filter", body):
                if which is due or _since(run["state"]["timestamp"], now) < self._recent:
                    found[run["id"]] = run
        parents = self._parents_of(found.values())
        for missing in sorted(set(parents.values()) - set(found)):
            found[missing] = self.api.get(f"/flow_runs/{missing}")
        return [self._seen(run, parents.get(run["id"]), now) for run in found.values()]

    def _seen(self, run: dict[str, Any], parent: str | None, now: datetime) -> SeenRun:
        state = run.get("state") or {}
        due = run.get("expected_start_time")
        where = run.get("infrastructure_pid")
        process = self._process(run, where)
        return SeenRun(
            id=run["id"],
            name=run["name"],
            state=str(run.get("state_id")),
            kind=run["state_type"] or "SCHEDULED",
            seconds=_since(state.get("timestamp"), now),
            late=_since(due, now),
            starts=self._starts(run),
            rules=Rules.of(run.get("tags") or ()),
            deployed=run.get("deployment_id") is not None,
            parent=parent,
            heart=self.signs.heart(run["id"]),
            process=process,
            fate=self.tasks.fate(where) if self.tasks and where and process == "gone" else "",
        )

    def _starts(self, run: dict[str, Any]) -> int:
        """Return how often a run was begun; one that died before it ran was begun, too."""
        count = int(run.get("run_count") or 0)
        if run["state_type"] != "CRASHED" or Rules.of(run.get("tags") or ()).starts <= count:
            return count
        states = self.api.get("/flow_run_states/", flow_run_id=run["id"])
        return max(count, len([state for state in states if state["type"] == "CRASHED"]))

    def _process(self, run: dict[str, Any], where: str | None) -> Process:
        if run["state_type"] not in ACTIVE:
            return "unknown"  # nothing is asked of it
        clusters = self._clusters_of(run)
        if clusters or (where and "::" in where):
            if self.tasks is None:
                return "unknown"
            noted = self.tasks.process(where) if where and "::" in where else "gone"
            # What is noted may be the task of an earlier start.
            return self.tasks.process_of(run["id"], clusters) if noted == "gone" else noted
        host = text_hash(where.rpartition(":")[0])[:12] if where and ":" in where else None
        return self.signs.process(run["id"], host)

    def _clusters_of(self, run: dict[str, Any]) -> list[str]:
        """Return the clusters that a run's tasks may be in; none where its pool is none of ECS."""
        cluster, colons, _ = str(run.get("infrastructure_pid") or "").partition("::")
        pool = self._clusters.get(run.get("work_pool_name") or "", ())
        return sorted({*pool, *([cluster] if colons else [])})

    def _ecs_pools(self) -> dict[str, tuple[str, ...]]:
        """Return the clusters of each pool of ECS, as its template names them."""
        found: dict[str, tuple[str, ...]] = {}
        for pool in self.api.pages("/work_pools/filter", {}):
            if pool["type"] == "ecs":
                properties = pool["base_job_template"].get("variables", {}).get("properties", {})
                cluster = properties.get("cluster", {}).get("default")
                found[pool["name"]] = (str(cluster),) if cluster else ()
        return found

    def _parents_of(self, runs: Iterable[dict[str, Any]]) -> dict[str, str]:
        asked = {run["id"]: t for run in runs if (t := run.get("parent_task_run_id"))}
        unknown = sorted(set(asked.values()) - set(self._parents))
        for start in range(0, len(unknown), 200):
            body = {"task_runs": {"id": {"any_": unknown[start : start + 200]}}, "limit": 200}
            for task in self.api.post("/task_runs/filter", body):
                self._parents[task["id"]] = task["flow_run_id"]
        return {run: self._parents[t] for run, t in asked.items() if t in self._parents}

    def carry_out(self, decision: Decision) -> bool:
        """Do what was decided, unless the run has moved on; say whether it was done."""
        run = self.api.get(f"/flow_runs/{decision.run.id}")
        if str(run.get("state_id")) != decision.run.state:
            return False
        if decision.action != "cancel":
            self._stop(run)
        done = self.api.set_state(decision.run.id, _state(decision, self.now()))
        if decision.action in {"crash", "cancelled"}:
            self._settle_tasks(decision)
        log.warning("%s run %s: %s", decision.action, decision.run.name, decision.why)
        return done

    def _stop(self, run: dict[str, Any]) -> None:
        """Make an end of every process of a run, before another one may be started."""
        # The fence first: what cannot be stopped from here is stopped by the census of its
        # machine, or ends itself when it wakes up.
        self.signs.fence(run["id"])
        stop(run["id"])
        where = run.get("infrastructure_pid")
        if self.tasks is None:
            return
        if where and "::" in where:
            self.tasks.stop(where, "its run was settled")
        self.tasks.stop_all(run["id"], self._clusters_of(run), "its run was settled")

    def _settle_tasks(self, decision: Decision) -> None:
        """End what the run's process was doing: task runs that hold slots of limits by tag."""
        body = {
            "flow_runs": {"id": {"any_": [decision.run.id]}},
            "task_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}},
            "sort": "ID_DESC",
        }
        state = {"type": "CRASHED", "name": "Crashed", "message": "its flow run's process is gone"}
        for task in self.api.pages("/task_runs/filter", body):
            asked = {"state": state, "force": True}
            self.api.post(f"/task_runs/{task['id']}/set_state", asked)


def _state(decision: Decision, now: datetime) -> dict[str, Any]:
    message = f"reconciler: {decision.why}"
    if decision.action == "relaunch":
        details = {"scheduled_time": now.isoformat()}
        return {"type": "SCHEDULED", "name": "AwaitingRetry", "message": message,
                "state_details": details}  # fmt: skip
    if decision.action == "crash":
        return {"type": "CRASHED", "name": "Crashed", "message": message}
    if decision.action == "cancel" and decision.run.kind != "SCHEDULED":
        return {"type": "CANCELLING", "name": "Cancelling", "message": message}
    return {"type": "CANCELLED", "name": "Cancelled", "message": message}


def _since(text: str | None, now: datetime) -> float:
    if text is None:
        return 0.0
    return max(0.0, (now - datetime.fromisoformat(text.replace("Z", "+00:00"))).total_seconds())


def _text(moment: datetime) -> str:
    return moment.isoformat()
