"""Workers of both types on one server, and what the tests ask of them."""

from __future__ import annotations

import json
import os
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdk.api import Api
from sdk.testing.processes import Process, wait_until
from sdk.testing.server import PrefectServer
from sdk.warm import WarmWorker

ROOT = Path(__file__).parents[3]
PATIENCE = 240.0
"""Seconds for anything: a few on an idle machine; no test is about time."""


@dataclass
class Stand:
    """A pool of one type, its worker and its deployment.

    Attributes:
        kind: of the worker: ``process`` or ``warm``.
    """

    server: PrefectServer
    api: Api
    folder: Path
    kind: str
    pool: str
    workers: list[Process] = field(default_factory=list)
    runs: int = 0

    def __post_init__(self) -> None:
        template = WarmWorker.get_default_base_job_template()
        self.api.post(
            "/work_pools/", {"name": self.pool, "type": self.kind, "base_job_template": template}
        )
        flow = self.api.post("/flows/", {"name": "act"})["id"]
        self.deployment = self.api.post("/deployments/", {
            "name": self.pool, "flow_id": flow, "work_pool_name": self.pool,
            "entrypoint": "tests/sdk/warm/flows.py:act",
            "pull_steps": [{"prefect.deployments.steps.set_working_directory":
                            {"directory": str(ROOT)}}],
        })["id"]  # fmt: skip

    def worker(self, **given: str) -> Process:
        """Return a worker; where it is of type warm, it is warm."""
        started = self.server.worker(
            self.pool, "--type", self.kind, "--limit", "2",
            DATAWEAVE_WARM_SPARES="1", PREFECT_WORKER_QUERY_SECONDS="1",
            PREFECT_LOGGING_TO_API_ENABLED="true", **given,
        )  # fmt: skip
        self.workers.append(started)
        if self.kind == "warm":
            wait_until(
                lambda: "A warm interpreter is ready" in started.log.read_text(),
                PATIENCE, "nothing is warm", started,
            )  # fmt: skip
        return started

    def start(self, what: str, **variables: Any) -> Run:
        """Start a run that does something."""
        self.runs += 1
        path = self.folder / f"{self.pool}-{self.runs}.json"
        made = self.api.post(f"/deployments/{self.deployment}/create_flow_run", {
            "parameters": {"what": what, "path": str(path)},
            "state": {"type": "SCHEDULED"}, "job_variables": variables,
        })["id"]  # fmt: skip
        return Run(self.api, str(made), path)


@dataclass
class Run:
    """A run that was asked for."""

    api: Api
    id: str
    path: Path

    def begun(self) -> dict[str, Any]:
        """Return what its flow said when it began."""
        wait_until(self.path.exists, PATIENCE, f"run {self.id} does not begin: {self.state()}")
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    def end(self) -> None:
        """Have a waiting flow end."""
        self.path.with_suffix(".end").write_text("")

    def state(self) -> dict[str, Any]:
        """Return its state now."""
        found: dict[str, Any] = self.api.get(f"/flow_runs/{self.id}")["state"]
        return found

    def ended(self) -> dict[str, Any]:
        """Return its last state."""
        last = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
        wait_until(lambda: self.state()["type"] in last, PATIENCE, f"run {self.id} does not end")
        return self.state()

    def infrastructure(self) -> str:
        """Return what the server knows of its process."""

        def known() -> bool:
            return bool(self.api.get(f"/flow_runs/{self.id}")["infrastructure_pid"])

        wait_until(known, PATIENCE, f"the server is not told of the process of {self.id}")
        return str(self.api.get(f"/flow_runs/{self.id}")["infrastructure_pid"])

    def logged(self, text: str) -> None:
        """Wait until the server has a line of the run's log."""

        def there() -> bool:
            body = {"logs": {"flow_run_id": {"any_": [self.id]}}, "limit": 200}
            return any(text in line["message"] for line in self.api.post("/logs/filter", body))

        wait_until(there, PATIENCE, f"{text!r} is not in the log of {self.id}")

    def cancel(self) -> None:
        """Ask for its end, as the UI does."""
        self.api.set_state(self.id, {"type": "CANCELLING", "name": "Cancelling"})


def children(pid: int) -> list[int]:
    """Return the living children of a process."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        found = [int(one) for task in tasks for one in (task / "children").read_text().split()]
    except OSError:
        return []
    return [one for one in found if alive(one)]


def interpreters(worker: Process) -> list[int]:
    """Return a worker's warm interpreters; those still warming too."""
    found = []
    for pid in children(worker.pid):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"sdk/warm/interpreter.py" in command:
            found.append(pid)
    return found


def alive(pid: int) -> bool:
    """Say whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def kill(pid: int) -> None:
    """Kill a process without a word."""
    os.kill(pid, signal.SIGKILL)


HOST = socket.gethostname()
