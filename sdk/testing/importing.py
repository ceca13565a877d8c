"""What importing a file does besides importing, seen by a fresh interpreter.

The interpreter imports the SDK first (which is allowed to set itself up), then listens to its own
audit events (PEP 578) and imports the file. A connection, a written file, a started thread or
program is reported, and not let through. What a library does while *it* is imported is the
library's own affair; what a file of the project does with a library is the file's.

It does not see reads, and nothing in C code that raises no audit event.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

LIMIT_SECONDS = 300
"""For one import: the SDK and the stages take seconds, many times that on a loaded machine."""


def work_at_import(file: Path, module: str) -> list[str]:
    """Return what importing a module does that it should not, in words; empty if nothing.

    Args:
        file: of the module.
        module: its name; where that cannot be imported, the file itself is.

    Raises:
        AssertionError: it cannot be imported in a fresh interpreter; says why.
    """
    with tempfile.TemporaryDirectory(prefix="import-") as home:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PREFECT_", "DATAWEAVE_"))
        }
        environment = kept | {
            "PREFECT_HOME": home,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        done = subprocess.run(  # noqa: S603 - this interpreter, our own module
            [sys.executable, "-B", "-m", "sdk.testing.importing", str(file), module],
            env=environment,
            cwd=home,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    marked = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if not marked:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise AssertionError(f"{file} cannot be imported in a fresh interpreter: {last}")
    events: list[str] = json.loads(marked[-1].removeprefix(_MARK))
    return events


_MARK = "imported: "

_THREAD = "thread"
"""Our own event: Python 3.11 raises none when a thread starts."""

_STARTED = {
    "socket.connect": "connects to {1}",
    "socket.bind": "listens on {1}",
    "socket.getaddrinfo": "looks up {0}",
    "subprocess.Popen": "starts a program ({0})",
    "os.system": "starts a program ({0})",
    "os.fork": "forks",
    "os.exec": "starts a program ({0})",
    "os.posix_spawn": "starts a program ({0})",
    _THREAD: "starts a thread",
    "sqlite3.connect": "opens the database {0}",
    "os.mkdir": "makes the folder {0}",
    "os.remove": "removes {0}",
    "os.rename": "renames {0}",
    "os.rmdir": "removes {0}",
    "os.truncate": "changes {0}",
    "os.symlink": "makes the link {1}",
    "os.link": "makes the link {1}",
}


class _Listener:
    """An audit hook that reports and refuses work done while a file is imported."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.armed = False

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.armed:
            return
        if event == "open":
            said = _written(arguments)
        else:
            pattern = _STARTED.get(event)
            said = pattern.format(*arguments) if pattern else None
        if said is None or "__pycache__" in said or _is_a_librarys():
            # Compiled code beside its source (Python's and numba's) is a cache, and no work.
            return
        self.events.append(said)
        raise RuntimeError(f"not at import: {said}")


def _written(arguments: tuple[object, ...]) -> str | None:
    path, mode, flags = (*arguments, None, None, None)[:3]
    writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if not writes and not (isinstance(mode, str) and set(mode) & set("wax+")):
        return None
    return None if path == os.devnull else f"writes {path}"


def _is_a_librarys() -> bool:
    """Say whether the innermost module that is being imported belongs to a library.

    A thread has no import above it: what runs there was started by somebody, and counts.
    """
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            name = frame.f_code.co_filename
            return "site-packages" in name or name.startswith(_LIBRARIES)
        frame = frame.f_back  # type: ignore[assignment]
    return False


_LIBRARIES = (os.path.dirname(os.__file__), "<frozen")  # noqa: PTH120 - compared as text


def _main(file: str, module: str) -> None:
    import importlib
    import importlib.util

    import sdk.flows
    import sdk.tasks

    assert sdk.flows
    assert sdk.tasks
    listener = _Listener()
    sys.addaudithook(listener)
    start = threading.Thread.start

    def started(thread: threading.Thread) -> None:
        sys.audit(_THREAD)
        start(thread)

    threading.Thread.start = started  # type: ignore[method-assign,assignment]
    found = None
    with contextlib.suppress(ImportError, ValueError):
        found = importlib.util.find_spec(module)
    listener.armed = True
    try:
        if found is not None and found.origin and Path(found.origin).resolve() == Path(file):
            importlib.import_module(module)
        else:
            spec = importlib.util.spec_from_file_location("imported_file", file)
            assert spec is not None
            assert spec.loader is not None
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except Exception:
        listener.armed = False
        if not listener.events:
            raise
    listener.armed = False
    sys.stdout.write(f"\n{_MARK}{json.dumps(listener.events)}\n")
    sys.stdout.flush()
    # What was started all the same must not keep this process.
    os._exit(0)


if __name__ == "__main__":
    _main(str(Path(sys.argv[1]).resolve()), sys.argv[2])
