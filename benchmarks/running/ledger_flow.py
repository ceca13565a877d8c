"""The flow that is killed: it works for a while, then writes its row in the ledger, once."""

from __future__ import annotations

import os
import time
from pathlib import Path

from prefect import flow


@flow(name="ledger", log_prints=False)
def ledger(row: str, folder: str, seconds: float = 1.0) -> None:
    """Write a row that is this run's and nobody else's.

    The row is created exclusively: a second writer leaves a trace instead of a row.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.05)
    path = Path(folder) / f"{row}.row"
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        # A run whose last word did not reach the server does it again: the row is idempotent.
        (Path(folder) / f"{row}.again.{time.time_ns()}").touch()
        return
    os.write(handle, str(os.getpid()).encode())
    os.close(handle)
