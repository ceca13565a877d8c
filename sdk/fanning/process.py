"""What a spawned process of a fan-out runs; imported first, so it imports nothing heavy."""

from __future__ import annotations

import os
import pickle
from typing import Any

_work: Any = None


def begin(payload: bytes) -> None:
    """Take the work, once for each process."""
    global _work
    # One thread each: the processes share the cores already.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    _work = pickle.loads(payload)  # noqa: S301 - written by the parent of this process


def do(chunk: Any) -> Any:
    """Execute a chunk."""
    return _work.do(chunk)
