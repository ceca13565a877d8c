"""Stopping what is left of a run on this machine."""

from __future__ import annotations

import contextlib
import os
import signal

from canary.reconciler.census import processes


def stop(run: str) -> list[int]:
    """Kill the processes of a run that are on this machine; return their ids.

    They are found by the run's id in their environment, so that no stranger that got an old
    process id is meant. A run that is settled has had its time to end in good order.
    """
    killed = processes().get(run, [])
    for process in killed:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)
    return killed
