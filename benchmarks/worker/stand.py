"""One server with PostgreSQL, and a worker of each contender in its turn."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sdk.api import Api
from sdk.testing.processes import Process, wait_until
from sdk.testing.server import PrefectServer
from sdk.warm import WarmWorker

ROOT = Path(__file__).parents[2]
LAST = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
PATIENCE = 600.0


@dataclass(frozen=True)
class Contender:
    """A way to run a worker.

    Attributes:
        name: in the results.
        type: of the worker.
        environ: its settings.
        what: it is, for the page.
    """

    name: str
    type: str
    environ: Mapping[str, str]
    what: str


CONTENDERS = (
    Contender("process", "process", {"PREFECT_WORKER_QUERY_SECONDS": "10"},
              "Prefect's process worker, its defaults"),
    Contender("process-1s", "process", {"PREFECT_WORKER_QUERY_SECONDS": "1"},
              "the same, looking for runs every second"),
    Contender("warm", "warm", {"PREFECT_WORKER_QUERY_SECONDS": "10"},
              "warm, forked; its defaults"),
    Contender("warm-spawn", "warm",
              {"PREFECT_WORKER_QUERY_SECONDS": "10", "DATAWEAVE_WARM_START": "spawn",
               "DATAWEAVE_WARM_SPARES": "4"},
              "warm, four interpreters spawned ahead"),
)  # fmt: skip


class Stand:
    """A pool and a deployment for each contender.

    Args:
        server: that all use.
        api: of it.
    """

    def __init__(self, server: PrefectServer, api: Api) -> None:
        self.server, self.api = server, api
        self._deployments: dict[str, str] = {}

    def deployment(self, contender: Contender) -> str:
        """Return a contender's deployment of the flow that does nothing."""
        if contender.name not in self._deployments:
            template = WarmWorker.get_default_base_job_template()
            self.api.post("/work_pools/", {
                "name": contender.name, "type": contender.type, "base_job_template": template,
            })  # fmt: skip
            flow = self.api.post("/flows/", {"name": "nothing"})["id"]
            made = self.api.post("/deployments/", {
                "name": contender.name, "flow_id": flow, "work_pool_name": contender.name,
                "entrypoint": "benchmarks/worker/noop.py:nothing",
                "pull_steps": [{"prefect.deployments.steps.set_working_directory":
                                {"directory": str(ROOT)}}],
            })  # fmt: skip
            self._deployments[contender.name] = str(made["id"])
        return self._deployments[contender.name]

    @contextmanager
    def worker(self, contender: Contender, **more: str) -> Iterator[Process]:
        """Run its worker, warm where it is of that type, for the block."""
        self.deployment(contender)
        given = {**contender.environ, "PREFECT_LOGGING_TO_API_ENABLED": "true", **more}
        started = self.server.worker(
            contender.name, "--type", contender.type, "--limit", "4", **given
        )
        try:
            ready = "interpreter is ready" if contender.type == "warm" else "started!"
            wanted = 4 if contender.name == "warm-spawn" else 1
            wait_until(
                lambda: started.log.read_text().count(ready) >= wanted,
                PATIENCE, "the worker is not ready", started,
            )  # fmt: skip
            time.sleep(1)
            yield started
        finally:
            started.stop(grace=60)

    def start(self, contender: Contender, number: int = 1) -> list[str]:
        """Ask for runs."""
        path = f"/deployments/{self.deployment(contender)}/create_flow_run"
        body = {"state": {"type": "SCHEDULED"}}
        return [str(self.api.post(path, body)["id"]) for _ in range(number)]

    def wait(self, runs: list[str]) -> list[dict[str, Any]]:
        """Return runs when all have ended.

        Raises:
            RuntimeError: one did not complete.
        """
        left, found, end = set(runs), {}, time.monotonic() + PATIENCE
        while left and time.monotonic() < end:
            time.sleep(0.25)
            for start in range(0, len(runs), 200):
                asked = [run for run in runs[start : start + 200] if run in left]
                body = {"flow_runs": {"id": {"any_": asked}}}
                for run in self.api.post("/flow_runs/filter", body) if asked else []:
                    if run["state_type"] in LAST:
                        left.discard(run["id"])
                        found[run["id"]] = run
        bad = [run["state"] for run in found.values() if run["state_type"] != "COMPLETED"]
        if bad or left:
            raise RuntimeError(f"{len(left)} runs did not end, {len(bad)} not well: {bad[:1]}")
        return [found[run] for run in runs]


def moment(text: str) -> float:
    """Return a moment of the server in seconds."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC).timestamp()


def memory(pid: int) -> dict[str, float]:
    """Return a process's memory in 10^6 bytes: resident, proportional share, its own."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split()[:2]
        found[name.rstrip(":")] = int(value) * 1024 / 1e6
    own = found["Private_Dirty"] + found["Private_Clean"]
    return {"rss": found["Rss"], "pss": found["Pss"], "own": own}


def children(pid: int) -> list[int]:
    """Return a process's children."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(one) for task in tasks for one in (task / "children").read_text().split()]


def descriptors(pid: int) -> int:
    """Return how many descriptors a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
