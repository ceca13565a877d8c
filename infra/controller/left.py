"""What a supervisor that was killed has left: its services, which nobody looks after any more.

A second supervisor beside them would start each again, in vain where a port or a database is taken,
and twice where it is not. So they are stopped first. They are known by their process id *and* by
when that process began: an old id may be a stranger's by now.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path

GRACE = 30.0
"""Seconds that a service has to end in good order; PostgreSQL writes what it holds in memory."""


def began(pid: int) -> int | None:
    """Return when a process began, in clock ticks since boot; None if it has ended."""
    try:
        # proc(5): the name, in parentheses, may hold spaces; state is field 3, start field 22.
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else int(fields[18])


def stop_left(state: Path, grace: float = GRACE) -> list[str]:
    """Stop the services of a state file, the last one first, and forget it.

    Args:
        state: a `Supervisor`'s, which is gone.
        grace: seconds for each, before it and its group are killed.

    Returns:
        Names of those that were there.
    """
    try:
        known = json.loads(state.read_text())
    except (FileNotFoundError, ValueError):
        known = {}
    found = []
    for name, one in reversed(known.items()):
        pid, start = one.get("pid"), one.get("began")
        if not pid or not start or began(pid) != start:
            continue
        found.append(name)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, one.get("stop", signal.SIGTERM))
        end = time.monotonic() + grace
        while began(pid) == start and time.monotonic() < end:
            time.sleep(0.05)
        # Whatever it leaves: each leads a group of its own.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    state.unlink(missing_ok=True)
    return found
