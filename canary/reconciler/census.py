"""The census: which runs have a process on this machine.

    python -m canary.reconciler.census [--storage URL] [--seconds 5]

Prefect's process worker gives each run's process its id in the environment. The list is put under
the storage root every few seconds, changed or not: that it changes is the machine's own sign of
life. It is another process than any run or worker, so that what kills those does not end it.

It is also the reconciler's hand on this machine: a process that was declared dead and is there all
the same (stopped, or stuck in a call that lets no thread of it run) is killed here.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path

from canary.reconciler.signs import CENSUS, fenced
from sdk.crashes import process_start
from sdk.errors import PlatformError
from sdk.running.heart import this_host
from sdk.storage import Storage, storage

RUN_ID = b"PREFECT__FLOW_RUN_ID="
SECONDS = 5.0

log = logging.getLogger("canary")


def processes() -> dict[str, list[int]]:
    """Return the processes of each run on this machine: children of a run's process too."""
    found: dict[str, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # ended meanwhile, or another user's
            continue
        for variable in environment:
            if variable.startswith(RUN_ID) and process_start(int(entry.name)) is not None:
                run = variable.removeprefix(RUN_ID).decode(errors="replace")
                found.setdefault(run, []).append(int(entry.name))
    return found


def kill_fenced(root: Storage, host: str) -> list[int]:
    """Kill what is left here of processes that were declared dead; return their ids.

    Its start is compared, too: an old process id may have become a stranger's.
    """
    killed = []
    for name in fenced(root, host):
        if name.started and process_start(name.process) == name.started:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(name.process, signal.SIGKILL)
                killed.append(name.process)
    return killed


def main() -> None:
    """Take the census for ever."""
    parser = argparse.ArgumentParser(description="Say which runs have a process here.")
    parser.add_argument("--storage", default=os.environ.get("DATAWEAVE_STORAGE", ""))
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args()
    if not given.storage:
        parser.error("name the storage root: --storage, or DATAWEAVE_STORAGE")
    root, path = storage(given.storage), f"{CENSUS}/{this_host()}"
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        _take(root, path, given.seconds)
    finally:
        # A machine that leaves in good order is no machine that is silent.
        with contextlib.suppress(PlatformError):
            root.delete(path)


def _take(root: Storage, path: str, seconds: float) -> None:
    while True:
        try:
            kill_fenced(root, this_host())
            root.put(path, json.dumps(processes()).encode())
        except PlatformError as error:
            log.warning("the census could not be written: %s", error.problem)
        time.sleep(seconds)


if __name__ == "__main__":
    main()
