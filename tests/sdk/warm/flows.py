"""A flow that does what a test asks, and says what its process was given."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from prefect import flow


@flow
def act(what: str, path: str) -> None:
    """Say where and as what this runs, then do as asked."""
    here = {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "cwd": str(Path.cwd()),
        "env": dict(os.environ),
        "shown": Path("/proc/self/environ").read_text().split("\0"),
        "prefix": sys.prefix,
        "memory": resource.getrlimit(resource.RLIMIT_DATA)[0],
        "argv": sys.argv,
        "path": sys.path,
        "main": threading.current_thread() is threading.main_thread(),
        "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        "child": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
    }
    Path(path).with_suffix(".part").write_text(json.dumps(here))
    Path(path).with_suffix(".part").rename(path)
    print(f"out of {what} ünïcode")
    print(f"err of {what}", file=sys.stderr)
    if what == "fail":
        raise ValueError("as asked")
    if what == "exit":
        os._exit(3)
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "memory":
        len(bytearray(3_000_000_000))
    if what == "wait":
        end = Path(path).with_suffix(".end")
        patience = time.monotonic() + 900
        while not end.exists() and time.monotonic() < patience:
            time.sleep(0.05)
    if what == "leave":
        os.environ["LEFT"] = "behind"
        sys.modules["left_behind"] = sys
    Path(path).with_suffix(".done").write_text("")
