"""`prefect_server`: a real Prefect server on PostgreSQL, with events on, for a module of tests.

What only a server shows (schedules, late runs, queues, automations, workers) is tested against
one: a process of its own, a database of its own, on loopback. Take it in the module::

    from sdk.testing.server import prefect_server  # noqa: F401

It is shared by the tests of a module: give pools, flows and deployments names of your own. A test
that stops or kills servers makes its own with `serving`. Commands of Prefect's and workers run
against it with `run` and `worker`; code in the test's process reaches it within `connected`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from sdk.testing.postgres import Postgres
from sdk.testing.processes import Process, free_port, wait_until

__all__ = ["PrefectServer", "connected", "prefect_server", "serving"]

ROOT = Path(__file__).parent.parent.parent

PREFECT = (str(Path(sys.executable).with_name("prefect")), "--no-prompt")
APPLICATION = "prefect.server.api.server:create_app"
START = 180.0
"""Seconds until it is healthy: 8 to 26 on an idle machine, its database new."""

SETTINGS = {
    "PREFECT_EXPERIMENTAL_EVENTS": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    # What takes a server minutes by default, a test waits for.
    "PREFECT_API_SERVICES_LATE_RUNS_LOOP_SECONDS": "1",
    "PREFECT_API_SERVICES_LATE_RUNS_AFTER_SECONDS": "1",
    "PREFECT_API_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
    "PREFECT_EVENTS_PROACTIVE_GRANULARITY": "PT1S",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_WORKER_HEARTBEAT_SECONDS": "3",
}


class PrefectServer:
    """A server, and what runs against it.

    Args:
        folder: for its home and the logs.
        database: address of its database; None for SQLite in its home.
        settings: Prefect's, beyond `SETTINGS`.

    Attributes:
        environ: the environment in which commands reach it.
        port: on loopback; the same after a restart.
    """

    def __init__(
        self, folder: Path, database: str | None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder, self.port = folder, free_port()
        environ = {n: v for n, v in os.environ.items() if not n.startswith("PREFECT_")}
        environ |= {"PREFECT_HOME": str(folder / "home"), "PREFECT_API_URL": self.api_url}
        environ["PYTHONPATH"] = os.pathsep.join([str(_installed(folder)), str(ROOT)])
        # Pools say `python`: it is to be this one.
        environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', '')}"
        if database is not None:
            environ["PREFECT_API_DATABASE_CONNECTION_URL"] = database
        self.environ = environ | SETTINGS | dict(settings or {})
        self._process: Process | None = None
        self._workers: list[Process] = []

    @property
    def api_url(self) -> str:
        """The address of its API."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; return when it is healthy."""
        # What `prefect server start` starts, without the process around it, which would hide it
        # from signals.
        command = [sys.executable, "-m", "uvicorn", "--factory", APPLICATION,
                   "--host", "127.0.0.1", "--port", str(self.port)]  # fmt: skip
        self._process = Process(command, self.folder / "server.log", self.environ, cwd=ROOT)
        wait_until(self.is_healthy, START, "the Prefect server does not start", self._process)

    def stop(self) -> None:
        """Stop it and the workers that were started here, with their runs."""
        for process in (*self._workers, self._process):
            if process is not None:
                process.stop()

    def kill(self) -> None:
        """Kill it without a word; `start` starts it again."""
        assert self._process is not None
        self._process.kill()
        self._process.stop()

    def is_healthy(self) -> bool:
        """Say whether it answers, its database too."""
        try:
            with urllib.request.urlopen(f"{self.api_url}/ready", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a Python command against it, such as ``run("-m", "blocks", "check", …)``."""
        return self._ran(sys.executable, *arguments, **more)

    def prefect(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Prefect's against it, such as ``prefect("deploy", "--all")``."""
        return self._ran(*PREFECT, *arguments, **more)

    def _ran(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            command,
            env={**self.environ, **more},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def worker(self, pool: str, *arguments: str, **more: str) -> Process:
        """Start a worker of a pool that is there; it ends with the server."""
        name = f"worker-{pool}-{len(self._workers)}.log"
        made = self._prefect(name, "worker", "start", "--pool", pool, *arguments, **more)
        self._workers.append(made)
        return made

    def _prefect(self, log: str, *arguments: str, **more: str) -> Process:
        return Process(
            [*PREFECT, *arguments], self.folder / log, {**self.environ, **more}, cwd=ROOT
        )


@contextmanager
def serving(
    folder: Path, *, postgres: bool = True, settings: Mapping[str, str] | None = None
) -> Iterator[PrefectServer]:
    """Run a server for the block, on PostgreSQL or, faster to start, on SQLite."""
    if not postgres:
        yield from _started(PrefectServer(folder, None, settings))
        return
    with Postgres() as database:
        yield from _started(PrefectServer(folder, database.url, settings))


def _started(server: PrefectServer) -> Iterator[PrefectServer]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def connected(server: PrefectServer) -> Iterator[None]:
    """Have Prefect's client of this process speak to a server in the block."""
    from prefect.settings import PREFECT_API_URL, PREFECT_EXPERIMENTAL_EVENTS, temporary_settings

    settings: dict[Any, Any] = {
        PREFECT_API_URL: server.api_url,
        PREFECT_EXPERIMENTAL_EVENTS: True,
    }
    with temporary_settings(settings):
        yield


# Of the module: each that imports it has a server of its own in any case, and one that nobody
# asks any more would take a tenth of a processor until the session ends.
@pytest.fixture(scope="module")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A server on PostgreSQL for the module; skipped where PostgreSQL is not installed."""
    from sdk.testing.postgres import programs

    if programs() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with serving(tmp_path_factory.mktemp("prefect-server")) as server:
        yield server


def _installed(folder: Path) -> Path:
    """Return a folder that says what the installed project says: its collections for Prefect."""
    made = folder / "installed"
    info = made / "dataweave_collections-0.dist-info"
    known = {e.value for e in entry_points(group="prefect.collections")}
    ours = {"blocks": "blocks.collection", "warm": "sdk.warm"}
    missing = [f"{name} = {value}\n" for name, value in ours.items() if value not in known]
    if missing:
        info.mkdir(parents=True, exist_ok=True)
        said = "Metadata-Version: 2.1\nName: dataweave-collections\nVersion: 0\n"
        (info / "METADATA").write_text(said)
        (info / "entry_points.txt").write_text("".join(["[prefect.collections]\n", *missing]))
    return made
