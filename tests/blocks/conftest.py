"""A real Prefect server with events on, and commands run against it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

START = 120
"""Seconds that a server may take to be healthy: 8 to 26 when the machine is idle."""


@dataclass(frozen=True)
class PrefectServer:
    """A running server: its API, and the environment in which commands reach it."""

    api_url: str
    environ: dict[str, str]

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a Python command against the server."""
        return subprocess.run(
            [sys.executable, *arguments],
            env={**self.environ, **more},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Start a server on SQLite in a home of its own; it knows our blocks by their entry point."""
    home = tmp_path_factory.mktemp("prefect-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environ.update(
        {
            "PREFECT_HOME": str(home),
            "PREFECT_EXPERIMENTAL_EVENTS": "true",
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_TO_API_ENABLED": "false",
            "PREFECT_API_SERVICES_LATE_RUNS_LOOP_SECONDS": "1",
            "PREFECT_API_SERVICES_LATE_RUNS_AFTER_SECONDS": "1",
            "PREFECT_EVENTS_PROACTIVE_GRANULARITY": "PT1S",
            "PYTHONPATH": os.pathsep.join([str(_entry_point(home)), str(ROOT)]),
        }
    )
    log = home / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("prefect")),
                "server",
                "start",
                "--port",
                str(port),
            ],
            env=environ,
            cwd=home,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}/api"
        _wait(lambda: _healthy(url), START, lambda: log.read_text()[-3000:], server)
        yield PrefectServer(url, environ)
    finally:
        for way in (signal.SIGTERM, signal.SIGKILL):
            if server.poll() is None:
                os.killpg(server.pid, way)
                try:
                    server.wait(10)
                except subprocess.TimeoutExpired:
                    continue


def _entry_point(home: Path) -> Path:
    """Return a folder that says what the installed project says: blocks is a collection."""
    folder = home / "installed"
    folder.mkdir()
    if not any(e.value == "blocks" for e in entry_points(group="prefect.collections")):
        info = folder / "dataweave_blocks-0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: dataweave-blocks\nVersion: 0\n"
        )
        (info / "entry_points.txt").write_text("[prefect.collections]\nblocks = blocks\n")
    return folder


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _wait(
    done: Callable[[], bool],
    seconds: float,
    story: Callable[[], str],
    server: subprocess.Popen[bytes],
) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():
            return
        if server.poll() is not None:
            break
        time.sleep(0.2)
    pytest.fail(f"the Prefect server did not start:\n{story()}")
