"""A stand-in for a Prefect process worker: a folder is its queue, a sleep is its run.

Used where hundreds of drains are tested: a real worker takes seconds to start. What matters is as
in Prefect's: it polls; each run is a child process with ``PREFECT__FLOW_RUN_ID``; on the first
SIGTERM it takes no new run, waits for those it has, and exits 0; a second one makes it drop them.
A run is claimed by renaming ``due/<id>`` to ``held/<id>``, which only one worker can do, and writes
``begin`` and ``end`` with its id to ``log``, a line each.

    python -m infra.testing.stand_in_worker FOLDER SLOTS
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final

from infra.worker.processes import RUN_ID

POLL: Final = 0.05
"""Seconds between two looks at the queue."""


def work(folder: Path, slots: int) -> int:
    """Poll and run until told to drain; return the exit code."""
    told = 0

    def on_term(_number: int, _frame: FrameType | None) -> None:
        nonlocal told
        told += 1

    signal.signal(signal.SIGTERM, on_term)
    runs: list[subprocess.Popen[bytes]] = []
    while True:
        runs = [run for run in runs if run.poll() is None]
        if told > 1:
            for run in runs:
                run.kill()
            return 1
        if told and not runs:
            return 0
        if not told:
            for path in sorted((folder / "due").iterdir())[: slots - len(runs)]:
                if claim(folder, path):
                    runs.append(start(folder, path.name))
        time.sleep(POLL)


def claim(folder: Path, path: Path) -> bool:
    """Take a run from the queue; say whether this worker got it."""
    try:
        path.rename(folder / "held" / path.name)
    except FileNotFoundError:
        return False
    return True


def start(folder: Path, run: str) -> subprocess.Popen[bytes]:
    """Start a run as a child process of its own session, as Prefect's worker does."""
    seconds = (folder / "held" / run).read_text()
    # A shell sleeps for a hundredth of what an interpreter costs.
    script = f'echo "begin {run}" >> log; sleep {float(seconds)}; echo "end {run}" >> log'
    return subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-c", script],
        cwd=folder,
        env={**os.environ, RUN_ID: run},
        start_new_session=True,
    )


if __name__ == "__main__":
    raise SystemExit(work(Path(sys.argv[1]), int(sys.argv[2])))
