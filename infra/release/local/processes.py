"""Processes by what they are for, found in /proc and nowhere else.

A file with a process id is written after the process was started: a driver killed in between would
start a second one. A mark in the environment of the process itself cannot be forgotten.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROLE: Final = "DATAWEAVE_RELEASE_ROLE"
SITE: Final = "DATAWEAVE_RELEASE_SITE"
VERSION: Final = "DATAWEAVE_VERSION"
RUN: Final = "PREFECT__FLOW_RUN_ID"


@dataclass(frozen=True, slots=True)
class Found:
    """A process.

    Attributes:
        pid: its id.
        version: digest of what it runs.
        started: seconds since the epoch.
    """

    pid: int
    version: str
    started: float


def find(site: Path, role: str) -> list[Found]:
    """Return the living processes of a role: those that were started for it, not their children."""
    marks = (f"{ROLE}={role}".encode(), f"{SITE}={site}".encode())
    found = []
    for pid, lines in _environments():
        # A child inherits the marks; only what was started for the role leads a session.
        if all(mark in lines for mark in marks) and _session(pid) == pid:
            values = dict(line.split(b"=", 1) for line in lines if b"=" in line)
            version = values.get(VERSION.encode(), b"").decode()
            found.append(Found(pid, version, _started(pid)))
    return found


def runs_of(site: Path) -> set[str]:
    """Return the flow runs that have a process."""
    mark, name = f"{SITE}={site}".encode(), f"{RUN}=".encode()
    return {
        line.removeprefix(name).decode()
        for _, lines in _environments()
        if mark in lines
        for line in lines
        if line.startswith(name)
    }


def start(command: Sequence[str], environ: Mapping[str, str], log: Path, cwd: Path) -> int:
    """Start a process that outlives this one; return its id."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603
            list(command),
            env=dict(environ),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_default_signals,
        )
    return child.pid


def stop(site: Path, role: str, grace: float) -> None:
    """End the processes of a role, not their children: asked, then killed after `grace` seconds."""
    for one in find(site, role):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGTERM)
    end = time.monotonic() + grace
    while find(site, role) and time.monotonic() < end:
        reap()
        time.sleep(0.1)
    for one in find(site, role):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)
    reap()


def reap() -> None:
    """Let go of children of this process that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _environments() -> Iterator[tuple[int, list[bytes]]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            # Gone, somebody else's, or ended and not yet reaped: none of them lives for us.
            with contextlib.suppress(OSError):
                if found := (folder / "environ").read_bytes():
                    yield int(folder.name), found.split(b"\0")


def _session(pid: int) -> int:
    with contextlib.suppress(OSError):
        return os.getsid(pid)
    return 0


def _started(pid: int) -> float:
    with contextlib.suppress(OSError, ValueError, IndexError):
        # After the name, which may hold anything: the 20th field is its start in ticks since boot.
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        since_boot = int(ticks) / os.sysconf("SC_CLK_TCK")
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot
    return 0.0


def _default_signals() -> None:
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, signal.SIG_DFL)
