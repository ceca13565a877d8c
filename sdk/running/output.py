"""What a run's process writes, kept in a file of its own: the application's log.

The platform's nginx serves the folder; a housekeeping flow archives it. A pipe to the worker
would break when the worker dies, and a run that prints would die of that.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sdk.running.heart import this_host


def into_file(folder: Path, run: str) -> Path | None:
    """Send this process's standard output and error to a file; None if it cannot be made."""
    path = folder / f"{run}.{this_host()}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        sys.stderr.write(f"the run's output is not kept: {error}\n")
        return None
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(handle, stream.fileno())
    os.close(handle)
    return path
