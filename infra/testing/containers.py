"""Containers of a stand-in for ECS: processes of this machine, with a container's environment.

A container starts from its image's environment, its definition's, its secrets and its overrides,
and from nothing else of this machine; what it is told by SIGTERM it has `grace` seconds for; its
exit code is told as a container's is: 128 and the signal's number for one that was killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class Container:
    """A process in a session of its own.

    Args:
        command: program and arguments.
        environ: its whole environment.
        log: file that its output is appended to.
        cwd: where the image has the code.
        grace: seconds between the request to stop and SIGKILL.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        log: Path,
        cwd: Path,
        grace: float,
    ) -> None:
        self.grace, self._killed_at = grace, float("inf")
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the task's own command
                list(command), env=dict(environ), cwd=cwd, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return how it ended, None while it runs; what it started ends with it."""
        code = self._process.poll()
        if code is None:
            if time.monotonic() >= self._killed_at:
                self.kill()
            return None
        self._kill_session()
        return code if code >= 0 else 128 - code

    def stop(self) -> None:
        """Ask it to end; after its grace it is killed."""
        if self._killed_at == float("inf"):
            self._killed_at = time.monotonic() + self.grace
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it, as the kernel does when memory is short."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    def end(self) -> None:
        """Make an end of it and all that it started, now."""
        self._kill_session()
        self._process.wait()

    def _kill_session(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
