"""The command line of a platform on one machine.

    python -m infra.controller up [--folder F] [--database URL] [--port N]
    python -m infra.controller status|down [--folder F]

`up` makes what is missing, starts every service under a supervisor, applies the work pools and
deploys prefect.yaml; it may be called again at any time. `down` stops all of it; the data stays.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from infra.controller.layout import (
    ROOT,
    Layout,
    PlatformProblemError,
    check_ports,
    check_reachable,
    default_folder,
)
from infra.controller.left import began, stop_left
from infra.controller.services import ENVIRONMENT, machine_environment, prepare, services
from infra.controller.supervisor import START, Supervisor


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description="A platform on this machine.")
    parser.add_argument("command", choices=["up", "down", "status", "supervise"])
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--database", help="of a PostgreSQL that is there already")
    parser.add_argument("--port", type=int, help="of the web server")
    parser.add_argument("--bare", action="store_true", help="apply no pools, deploy nothing")
    given = parser.parse_args()
    folder = given.folder or default_folder()
    try:
        if given.command == "up":
            return _up(folder, given.database, given.port, bare=given.bare)
        if given.command == "supervise":
            return _supervise(Layout.kept(folder))
        return {"down": _down, "status": _status}[given.command](Layout.kept(folder))
    except PlatformProblemError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


def _up(folder: Path, database: str | None, port: int | None, *, bare: bool) -> int:
    with _alone(folder):
        layout = Layout.at(folder, database, port)
        check_reachable(layout.folder)
        if _supervisor(layout) is None:
            _stop_left(layout)
            check_ports(layout)
            prepare(layout)
            _start(layout)
    _wait(layout)
    if not bare:
        environ = machine_environment(layout)
        _run(environ, sys.executable, "-m", "sdk.pools", "apply", "--environment", ENVIRONMENT)
        prefect = str(Path(sys.executable).with_name("prefect"))
        _run(environ, prefect, "--no-prompt", "deploy", "--all")
    sys.stdout.write(
        f"up: {layout.url}\nsign in as dataweave, password in "
        f"{layout.folder / 'secrets' / 'people-password'}\nstop it: make down\n"
    )
    return 0


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Have two that start a platform at the same moment do it one after the other."""
    folder = folder.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given back with the file, or the process
        yield


def _stop_left(layout: Layout) -> bool:
    left = stop_left(layout.folder / "run" / "services.json")
    if left:
        sys.stdout.write(f"its supervisor was killed; stopped what was left: {', '.join(left)}\n")
    return bool(left)


def _start(layout: Layout) -> None:
    command = [sys.executable, "-m", "infra.controller", "supervise", "--folder",
               str(layout.folder)]  # fmt: skip
    with (layout.folder / "logs" / "services" / "supervisor.log").open("ab") as output:
        child = subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    _note_supervisor(layout, child.pid)


def _wait(layout: Layout) -> None:
    state = layout.folder / "run" / "services.json"
    wanted = {service.name for service in services(layout)}
    end = time.monotonic() + 2 * START
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError, ValueError):
            found = json.loads(state.read_text())
            if wanted <= {name for name, one in found.items() if one["pid"]}:
                return
        if _supervisor(layout) is None:
            break
        time.sleep(0.3)
    log = layout.folder / "logs" / "services" / "supervisor.log"
    raise PlatformProblemError(f"the platform does not come up\nSee {log} and the logs beside it.")


def _run(environ: dict[str, str], *command: str) -> None:
    done = subprocess.run(  # noqa: S603
        command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        shown = " ".join(command[-4:])
        raise PlatformProblemError(f"{shown} failed\n{(done.stdout + done.stderr)[-2000:]}")


def _supervise(layout: Layout) -> int:
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO, stream=sys.stdout)
    # Started by hand or by another parent than `up`: what is stopped is this.
    _note_supervisor(layout, os.getpid())
    state = layout.folder / "run" / "services.json"
    Supervisor(services(layout), layout.folder / "logs" / "services", state).run()
    return 0


def _down(layout: Layout) -> int:
    pid = _supervisor(layout)
    if pid is None:
        sys.stdout.write("down\n" if _stop_left(layout) else "it is not running\n")
        return 0
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + 180
    while _supervisor(layout) is not None and time.monotonic() < end:
        time.sleep(0.2)
    still = _supervisor(layout) is not None
    sys.stdout.write("it does not stop: see the supervisor's log\n" if still else "down\n")
    return int(still)


def _status(layout: Layout) -> int:
    running = _supervisor(layout) is not None
    sys.stdout.write(f"{layout.url} {'is up' if running else 'is down'}\n")
    with contextlib.suppress(FileNotFoundError, ValueError):
        for name, one in json.loads((layout.folder / "run" / "services.json").read_text()).items():
            sys.stdout.write(f"  {name}: pid {one['pid']}, started {one['starts']} times\n")
    return 0 if running else 3


def _note_supervisor(layout: Layout, pid: int) -> None:
    # Both `up` and the supervisor note it, at the same moment: each by a file of its own.
    fresh = layout.folder / "run" / f"supervisor.pid.{os.getpid()}"
    fresh.write_text(f"{pid} {began(pid)}")
    fresh.replace(layout.folder / "run" / "supervisor.pid")  # a reader sees it whole, always


def _supervisor(layout: Layout) -> int | None:
    """Return the supervisor's process id, if it runs: an old id may be a stranger's by now."""
    try:
        noted = (layout.folder / "run" / "supervisor.pid").read_text().split()
        pid, start = map(int, noted)
    except (OSError, ValueError):
        return None
    return pid if began(pid) == start else None


if __name__ == "__main__":
    raise SystemExit(main())
