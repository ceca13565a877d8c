"""One run in a warm interpreter: it waits for it, becomes it, and ends as it ends.

Part of the program `sdk.warm.interpreter`: the standard library alone.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import os
import resource
import runpy
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, NoReturn

RUN_ID = "PREFECT__FLOW_RUN_ID"
NO_RUN = "warm-----no-run-----------------warm"
"""Stands in the environment for a run's id, and is as long."""
MESSAGE = 1 << 16


def single(orders: socket.socket, known: frozenset[str] | None = None) -> NoReturn:
    """Wait for one run, be it, and end with its exit code.

    Args:
        orders: where it comes from; its end is this process's.
        known: packages that need not be told of; None tells of none.
    """
    code = 1
    try:
        data, passed, _, _ = socket.recv_fds(orders, MESSAGE, 3)
        if not data:
            os._exit(0)
        job = json.loads(data)
        status = become(job, passed)
        code = run(job["argv"])
        threading._shutdown()  # type: ignore[attr-defined]  # as Python's own end: first threads,
        atexit._run_exitfuncs()  # then what was registered, such as Prefect's last logs
        with contextlib.suppress(OSError):  # the worker is gone; the run is done all the same
            os.write(status, b"%d\n" % code)
        if known is not None:
            with contextlib.suppress(OSError):
                orders.send(json.dumps(_imported(known)).encode())
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                code = code or 120  # as Python's
        os._exit(code)


def become(job: dict[str, Any], passed: list[int]) -> int:
    """Make this process the run's; return where its exit code is to be written."""
    out, err, status = passed
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is what is wanted
        os.dup2(nothing.fileno(), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(job["cwd"])
    sys.path[0] = str(Path.cwd())
    os.environ[RUN_ID] = job["run"]
    _show_run(job["run"])
    _draw_anew()
    if job["memory"]:
        resource.setrlimit(resource.RLIMIT_DATA, (job["memory"], job["memory"]))
    os.write(status, b"%d\n" % os.getpid())
    return status


def _draw_anew() -> None:
    """Have numpy's global generator begin anew, as `random` does by itself in a forked process.

    Two runs forked from one interpreter would otherwise draw the same numbers.
    """
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def _show_run(run: str) -> None:
    """Write the run's id over its placeholder where ``/proc/<pid>/environ`` shows it."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[47]), int(fields[48])  # proc(5): env_start is field 50
    at = ctypes.string_at(start, end - start).find(f"{RUN_ID}={NO_RUN}".encode())
    if at >= 0 and len(run) == len(NO_RUN):
        ctypes.memmove(start + at + len(RUN_ID) + 1, run.encode(), len(run))


def run(argv: list[str]) -> int:
    """Run a module as ``python -m`` does; return the exit code."""
    sys.argv = list(argv)
    try:
        runpy.run_module(argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        sys.stderr.write(f"{end.code}\n")
        return 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        return 130
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _imported(known: frozenset[str]) -> list[str]:
    """Return installed packages that the run imported and that were not there before it."""
    found = {
        name
        for name, module in list(sys.modules.items())
        if "." not in name
        and name not in known
        and not name.startswith("_")
        and "site-packages" in (getattr(module, "__file__", None) or "")
    }
    return sorted(found)
