"""Running a program: its own process group, environment, folder and limits; never a shell.

Arguments are a list and parameters travel as environment variables, so that nothing that stands
in data is ever read as a command. When the time is over the whole group is asked to end
(SIGTERM), and killed when it does not.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sdk.errors import Permanent

TAIL_LINES = 40
"""Lines of each stream that are kept: enough for a traceback, and never a flood in an error."""

LONGEST_LINE = 2000
GRACE_SECONDS = 10.0
"""How long a program may tidy up between SIGTERM and SIGKILL."""


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        code: its exit code; minus the number of the signal that ended it.
        out: the last lines of its standard output.
        err: the last lines of its standard error.
        seconds: wall time.
        timed_out: whether it was ended for its time limit.
    """

    code: int
    out: str
    err: str
    seconds: float
    timed_out: bool = False


def run_process(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: bytes = b"",
    time_limit: float | None = None,
    memory: int | None = None,
    log: Callable[[str], None] | None = None,
) -> Ended:
    """Run a program to its end.

    Args:
        argv: program and arguments.
        cwd: its working folder.
        env: all of its environment.
        stdin: what it reads.
        time_limit: seconds.
        memory: bytes of address space that each of its processes may have.
        log: told each line of output, of both streams.

    Raises:
        OSError: the program is not there or cannot be run.
        Permanent: it was stopped, since the run that it is part of ends.
    """
    from blocks.connectors.running import stoppable  # with it come Prefect and all connectors

    began = time.monotonic()
    process = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
        list(argv),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    if memory is not None:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_AS, (memory, memory))
    assert process.stdin and process.stdout and process.stderr
    out, err = _Tail(process.stdout, log), _Tail(process.stderr, log)
    feeder = threading.Thread(target=_feed, args=(process.stdin, stdin), daemon=True)
    feeder.start()
    timed_out = False
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        _end_group(process)

    # Also from another thread: a run that is cancelled does not wake the one that waits here, and
    # a program in a session of its own would outlive the run.
    with stoppable(f"program {Path(argv[0]).name}", stop):
        try:
            process.wait(time_limit)
        except subprocess.TimeoutExpired:
            timed_out = True
            _end_group(process)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # what it left in the background
    if stopped.is_set():
        raise Permanent(f"program {Path(argv[0]).name} was stopped", "Its run was to end.")
    return Ended(
        code=process.returncode,
        out=out.text(),
        err=err.text(),
        seconds=time.monotonic() - began,
        timed_out=timed_out,
    )


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _feed(stream: IO[bytes], data: bytes) -> None:
    # A program need not read what it is given.
    with contextlib.suppress(BrokenPipeError), stream:
        stream.write(data)


class _Tail:
    """Reads a stream to its end in a thread and keeps the last lines."""

    def __init__(self, stream: IO[bytes], log: Callable[[str], None] | None) -> None:
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._log = log
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for line in _lines(stream):
                self._lines.append(line)
                if self._log is not None:
                    self._log(line)

    def text(self) -> str:
        # A grandchild that left the group may hold the stream open for ever.
        self._thread.join(GRACE_SECONDS)
        return "\n".join(self._lines)


def _lines(stream: IO[bytes]) -> Iterator[str]:
    while line := stream.readline(LONGEST_LINE):
        yield line.decode(errors="replace").rstrip("\r\n")
