"""Peak memory of this process and all that it started, in bytes."""

from __future__ import annotations

import threading
from pathlib import Path

import psutil


def _proportional(process: psutil.Process) -> int:
    """Memory of a process; pages that several share count in parts (PSS, Linux)."""
    try:
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        return 0
    except OSError:
        return 0


class Peak:
    """Samples memory in a thread while it is entered."""

    def __init__(self, every: float = 0.5) -> None:
        self.bytes, self._every, self._over = 0, every, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._over.wait(self._every):
            family = [me, *me.children(recursive=True)]
            self.bytes = max(self.bytes, sum(_proportional(process) for process in family))
