"""What a spawned process of a fan-out runs; imported first, so it imports nothing heavy."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from typing import Any

_work: Any = None


def begin(payload: bytes) -> None:
    """Take the work, once for each process."""
    global _work
    # First: what it takes to load the work may be long, and what began it may be gone meanwhile.
    threading.Thread(target=_end_with_parent, name="fanout-parent", daemon=True).start()
    # One thread each: the processes share the cores already.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    _work = pickle.loads(payload)  # noqa: S301 - written by the parent of this process


def do(chunk: Any) -> Any:
    """Execute a chunk; return its outcomes as they travel."""
    return [_work.pack(item, outcome) for item, outcome in zip(chunk, _work.do(chunk), strict=True)]


def _end_with_parent() -> None:
    """End this process when its parent has ended, however it did.

    A pool's process waits for work on a pipe whose other end it holds itself: of a parent that was
    killed it would hear nothing, go on with its chunk beside the run that is started in its place,
    and then wait for ever.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
