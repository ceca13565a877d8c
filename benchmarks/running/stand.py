"""A platform to be killed: `make up` in a folder of the test's, and a hand that kills in it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canary.reconciler.census import processes
from infra.controller.layout import Layout
from sdk.api import Api

ROOT = Path(__file__).parent.parent.parent
VICTIMS = ("flow", "flow", "flow", "worker-local", "server", "postgres", "nginx", "both")
"""Who is killed, as often as they stand here. ``both``: a worker and all its runs at once."""


@dataclass
class Stand:
    """A platform that runs, and what was done to it.

    Attributes:
        layout: its folder and ports.
        api: as a machine, behind nginx; patient.
        kills: who was killed, in order.
    """

    layout: Layout
    api: Api
    kills: list[str] = field(default_factory=list)

    @property
    def store(self) -> Path:
        """The folder of its storage root."""
        return self.layout.folder / "store"

    def services(self) -> dict[str, dict[str, Any]]:
        """Return the process of each service, as the supervisor notes them."""
        path = self.layout.folder / "run" / "services.json"
        found: dict[str, dict[str, Any]] = json.loads(path.read_text())
        return found

    def deploy(self, name: str, entrypoint: str, *tags: str) -> str:
        """Make a deployment of a flow of this project on the pool `local`; return its id."""
        flow = self.api.post("/flows/", {"name": name})["id"]
        made = self.api.post("/deployments/", {
            "name": name, "flow_id": flow, "tags": list(tags),
            "work_pool_name": "local", "work_queue_name": "coordinate",
            "entrypoint": entrypoint, "path": str(ROOT),
            "pull_steps": [{"prefect.deployments.steps.set_working_directory":
                            {"directory": str(ROOT)}}],
        })  # fmt: skip
        return str(made["id"])

    def start(
        self, deployment: str, key: str, *, queue: str = "coordinate", **parameters: Any
    ) -> str:
        """Start a run under a key, which is its name too; return its id."""
        body = {"parameters": parameters, "idempotency_key": key, "name": key,
                "work_queue_name": queue, "state": {"type": "SCHEDULED"}}  # fmt: skip
        return str(self.api.post(f"/deployments/{deployment}/create_flow_run", body)["id"])

    def states(self, deployment: str) -> dict[str, dict[str, Any]]:
        """Return the runs of a deployment, as the server has them."""
        asked = {"deployments": {"id": {"any_": [deployment]}}, "sort": "ID_DESC"}
        return {run["id"]: run for run in self.api.pages("/flow_runs/filter", asked)}

    def state(self, run: str) -> str:
        """Return the name of a run's state."""
        return str(self.api.get(f"/flow_runs/{run}")["state_name"])

    def kill(self, victim: str, chance: random.Random) -> bool:
        """Kill somebody; say whether there was anybody to kill."""
        if victim in {"flow", "both"}:
            mine = {run: pids for run, pids in self.running().items() if pids}
            if not mine:
                return False
            if victim == "both":
                kill(self.services()["worker-local"]["pid"])
            runs = sorted(mine) if victim == "both" else [chance.choice(sorted(mine))]
            for run in runs:
                for pid in mine[run]:
                    kill(pid)
        else:
            pid = self.services()[victim]["pid"]
            if pid is None:
                return False
            kill(pid)
        self.kills.append(victim)
        return True

    def running(self) -> dict[str, list[int]]:
        """Return the processes of runs of this platform; others have theirs on this machine."""
        return dict(runs_below(self.store))

    def crashed(self, deployment: str) -> list[dict[str, Any]]:
        """Return the runs of a deployment that are crashed."""
        return [r for r in self.states(deployment).values() if r["state_type"] == "CRASHED"]

    def settled(self) -> list[dict[str, Any]]:
        """Return what the reconciler says that it did."""
        found = (self.store / "_reconciler").rglob("*.json")
        return [json.loads(path.read_text()) for path in sorted(found)]


@contextlib.contextmanager
def stand(**environ: str) -> Iterator[Stand]:
    """Run a platform for the block."""
    # Not below the test's own folder: PostgreSQL and nginx give root's rights up.
    home = Path(tempfile.mkdtemp(prefix="dataweave-stand-"))
    home.chmod(0o755)
    given = {**os.environ, **environ, "PREFECT_WORKER_QUERY_SECONDS": "1"}
    command = [sys.executable, "-m", "infra.controller", "--folder", str(home / "platform")]
    try:
        up = subprocess.run(
            [*command, "up", "--bare"], cwd=ROOT, env=given, capture_output=True, text=True,
            check=False, timeout=600,
        )  # fmt: skip
        assert up.returncode == 0, up.stderr
        layout = Layout.kept(home / "platform")
        with Api(layout.api_url, layout.secret("machine-token"), patience=300) as api:
            made = Stand(layout, api)
            end = time.monotonic() + 180
            while time.monotonic() < end:
                pools = {pool["name"] for pool in api.pages("/work_pools/filter", {})}
                if "local" in pools:
                    break
                time.sleep(0.5)
            yield made
    finally:
        subprocess.run([*command, "down"], cwd=ROOT, capture_output=True, check=False, timeout=300)
        for run in runs_below(home):
            for pid in run[1]:
                kill(pid)
        shutil.rmtree(home, ignore_errors=True)


def runs_below(folder: Path) -> list[tuple[str, list[int]]]:
    """Return the runs whose platform is below a folder, and their processes."""
    found: dict[str, list[int]] = {}
    for run, pids in processes().items():
        for pid in pids:
            with contextlib.suppress(OSError):
                if str(folder).encode() in Path(f"/proc/{pid}/environ").read_bytes():
                    found.setdefault(run, []).append(pid)
    return list(found.items())


def kill(pid: int | None) -> None:
    """Kill a process, if it is there."""
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
