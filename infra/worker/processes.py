"""Worker processes: started, signalled by pid alone, and looked at through ``/proc``.

A worker's runs are its child processes that carry ``PREFECT__FLOW_RUN_ID``. Each worker is a
session of its own with default signal handlers: a worker started by a shell in the background
ignores SIGTERM and would go on taking runs. Its pid is kept in a file with the process's start
time, so that an agent that was started again adopts the workers of the one before (systemd leaves
them alive: ``KillMode=process``) and never signals a stranger that got an old pid.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from infra.worker.plan import Hand

RUN_ID: Final = "PREFECT__FLOW_RUN_ID"
"""Set by Prefect's process worker in the environment of every run."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a pid file says."""

    pid: int
    born: str
    slots: int
    draining: bool


class Workers:
    """The worker processes of this machine.

    Args:
        command: makes the command line of a worker with so many slots and a running number.
        folder: for the pid files; made if absent. A tmpfs, since pids end with the machine.
    """

    def __init__(self, command: Callable[[int, int], Sequence[str]], folder: Path) -> None:
        self._command, self._folder = command, folder
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def hands(self) -> list[Hand]:
        """Return the live workers, oldest first; forget the others."""
        # Polling reaps what has ended, so that no zombie is taken for alive.
        self._children = {p: child for p, child in self._children.items() if child.poll() is None}
        found = []
        for path in sorted(self._folder.glob("worker-*.json")):
            kept = _Kept(**json.loads(path.read_text()))
            if _born(kept.pid) != kept.born:
                path.unlink()
                continue
            found.append(Hand(kept.pid, kept.slots, len(runs_of(kept.pid)), kept.draining))
        return found

    def start(self, slots: int) -> int:
        """Start a worker with so many slots; return its pid."""
        number = time.time_ns()
        child = subprocess.Popen(  # noqa: S603 - the command is the unit's own
            list(self._command(slots, number)),
            start_new_session=True,
            preexec_fn=_default_signals,
            stdin=subprocess.DEVNULL,
        )
        self._children[child.pid] = child
        kept = _Kept(child.pid, _born(child.pid) or "", slots, draining=False)
        self._keep(self._folder / f"worker-{number:020d}.json", kept)
        return child.pid

    def drain(self, pid: int) -> None:
        """Tell a worker to take no new run: one SIGTERM, to its pid alone, once."""
        for path in self._folder.glob("worker-*.json"):
            kept = _Kept(**json.loads(path.read_text()))
            if kept.pid == pid and not kept.draining and _born(pid) == kept.born:
                # A second SIGTERM makes Prefect's worker drop its runs: remember the first before.
                self._keep(path, replace(kept, draining=True))
                os.kill(pid, signal.SIGTERM)

    def stop(self, pid: int, grace: float = 5.0) -> list[str]:
        """Stop a worker and its runs, the worker first, so that it reports nothing of theirs.

        Args:
            pid: the worker's.
            grace: seconds that a run has between SIGTERM and SIGKILL.

        Returns:
            The ids of the runs that were cut off.
        """
        runs = runs_of(pid)
        _signal(pid, signal.SIGKILL)
        worker = self._children.pop(pid, None)
        if worker is not None:
            worker.wait()
        for child in runs.values():
            _signal(child, signal.SIGTERM)
        end = time.monotonic() + grace
        while any(_alive(child) for child in runs.values()) and time.monotonic() < end:
            time.sleep(0.05)
        for child in runs.values():
            _signal(child, signal.SIGKILL)
        return sorted(runs)

    def _keep(self, path: Path, kept: _Kept) -> None:
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(kept)))
        fresh.replace(path)


def runs_of(pid: int) -> dict[str, int]:
    """Return the runs of a worker: flow run id and process; none if it is gone."""
    found = {}
    try:
        tasks = sorted(Path(f"/proc/{pid}/task").iterdir())
        children = [c for task in tasks for c in (task / "children").read_text().split()]
    except OSError:
        return {}
    for child in children:
        try:
            environment = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for entry in environment:
            name, _, value = entry.partition(b"=")
            if name.decode(errors="replace") == RUN_ID and _alive(int(child)):
                found[value.decode()] = int(child)
    return found


def _stat(pid: int) -> list[str]:
    # The command's name stands in parentheses and may hold anything: read after the last one.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _born(pid: int) -> str | None:
    """Return a process's start time in clock ticks since boot; None for none, or a zombie."""
    try:
        fields = _stat(pid)
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _alive(pid: int) -> bool:
    return _born(pid) is not None


def _signal(pid: int, which: signal.Signals) -> None:
    try:
        os.kill(pid, which)
    except ProcessLookupError:
        return


def _default_signals() -> None:
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, signal.SIG_DFL)
