"""Processes of a test: started as a supervisor would start them, and gone when the test is.

A process started here has a session of its own and default signal handlers: what a shell starts
in the background ignores SIGINT and SIGTERM, and a Prefect worker that ignores them goes on
taking runs for ever. What it writes is kept in a file, of which the end is in every error.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

__all__ = ["Process", "free_port", "wait_until"]

SHOWN = 3000
"""Characters of a log in an error: a traceback and what led to it."""
GRACE = 10.0
"""Seconds between the request to stop and SIGKILL."""


class Process:
    """A process of its own session.

    Args:
        command: program and arguments.
        log: file that its output is appended to.
        environ: its whole environment.
        cwd: where it runs.
        user: whose rights it has; by default the test's.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        environ: Mapping[str, str],
        *,
        cwd: Path | None = None,
        user: str | None = None,
    ) -> None:
        self.command, self.log = list(command), log
        with log.open("ab") as output:
            self._child = subprocess.Popen(  # noqa: S603 - the command is the test's own
                self.command,
                env=dict(environ),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_default_signals,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._child.poll()

    @property
    def story(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-SHOWN:]

    def send(self, which: signal.Signals) -> None:
        """Send a signal to it alone, as a supervisor does."""
        if self.exit_code is None:
            self._child.send_signal(which)

    def kill(self) -> None:
        """Kill it alone, without a word, and wait until it is gone."""
        self.send(signal.SIGKILL)
        self._child.wait()

    def wait(self, seconds: float) -> int:
        """Return how it ended.

        Raises:
            TimeoutError: it did not, within so many seconds.
        """
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.command[0]} still runs:\n{self.story}") from None

    def stop(self, grace: float = GRACE, how: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, then make an end of it and all that it started."""
        self.send(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(grace)
        # Its session's other processes too: runs of a worker, backends of a database.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_until(
    done: Callable[[], bool], seconds: float, what: str, process: Process | None = None
) -> None:
    """Return when something is so.

    Args:
        done: whether it is.
        seconds: for how long to ask.
        what: is waited for, for the error.
        process: on whose life it depends.

    Raises:
        TimeoutError: it was not so in time, or the process ended before.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():
            return
        if process is not None and process.exit_code is not None:
            raise TimeoutError(f"{what}: exit code {process.exit_code}:\n{process.story}")
        time.sleep(0.1)
    raise TimeoutError(f"{what}: not within {seconds:g} s\n{process.story if process else ''}")


def _default_signals() -> None:
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, signal.SIG_DFL)
