"""Crashes: how a later attempt learns that a step died without a word.

A step that is killed (out of memory, a lost machine, SIGKILL) leaves no record: no Python was
left to write one. Run again by its parent's retry, it would die again, and take the parent with
it each time. So a step that has a fallback leaves a marker in the run's ledger when it begins
and takes it away when it ends, however it ends. A marker of a process that is no more is a
crashed attempt. Crashed attempts count like failed ones: when the policy's attempts are spent,
the fallback is served and the step is not run.

A marker counts as crashed where its process is gone from this machine; from another machine,
where it belongs to an earlier attempt of the flow (which is over, or we would not be running).
Only markers of the same root run count: a new run starts with a clean slate. A worker lost on
another machine within one attempt is therefore noticed at the flow's next attempt, not before.
"""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdk.digest import text_hash
from sdk.errors import PlatformError, Transient
from sdk.fingerprint import fingerprint
from sdk.run import Run
from sdk.statistics import ledger
from sdk.storage import storage

FOLDER = "begun"
"""Of the markers, in the run's ledger."""


class Crashed(Transient):
    """A step died so often that it is not begun again."""


@dataclass(frozen=True, slots=True)
class Marker:
    """Where and in which attempt a step began; its name in the ledger says all of it.

    Attributes:
        host: the machine, hashed.
        process: its id there.
        started: when that process started, in clock ticks since boot; 0 where unknown.
        attempt: the attempt of the flow that the step is part of, hashed.
    """

    host: str
    process: int
    started: int
    attempt: str

    @classmethod
    def here(cls, run: Run) -> Marker:
        """Return the marker of this process in a run."""
        return cls(
            host=text_hash(socket.gethostname())[:12],
            process=os.getpid(),
            started=process_start(os.getpid()) or 0,
            attempt=text_hash("/".join([*run.path, str(run.starts)]))[:12],
        )

    @classmethod
    def named(cls, name: str) -> Marker | None:
        """Return the marker of a name; None if it is none."""
        try:
            host, process, started, attempt, _ = name.split("-")
            return cls(host, int(process), int(started), attempt)
        except ValueError:
            return None

    def name(self) -> str:
        """Return a name that no other marker has."""
        unique = uuid.uuid4().hex[:8]
        return f"{self.host}-{self.process}-{self.started}-{self.attempt}-{unique}"

    def crashed(self, here: Marker) -> bool:
        """Say whether its step will never end, as seen from another marker."""
        if self.host == here.host:
            return process_start(self.process) != self.started
        return self.attempt != here.attempt


@contextmanager
def watched(
    run: Run,
    step: str,
    parameters: Mapping[str, Any],
    log: logging.Logger | logging.LoggerAdapter[Any],
) -> Iterator[int]:
    """Mark a step as begun for the block.

    A ledger that cannot be written costs the step its protection, not its run.

    Yields:
        How many earlier attempts of it crashed.
    """
    # What cannot be told apart (a parameter without stable text) counts as one.
    same = fingerprint(step, parameters=parameters, inputs=(), code_version="") or step
    folder = f"{ledger(run)}/{FOLDER}/{text_hash(same)[:16]}"
    root, here = storage(run.store), Marker.here(run)
    path, crashes = f"{folder}/{here.name()}", 0
    try:
        found = [Marker.named(name) for name in root.names(folder)]
        crashes = sum(marker.crashed(here) for marker in found if marker is not None)
        root.put(path, b"")
    except PlatformError as error:
        log.warning("%s: a crash of it would go unnoticed (%s)", step, error.problem)
    try:
        yield crashes
    finally:
        try:
            root.delete(path)
        except PlatformError as error:
            log.warning("%s: its marker stays in the ledger (%s)", step, error.problem)


def process_start(process: int) -> int | None:
    """Return when a process of this machine started, in clock ticks since boot.

    Returns:
        None if there is no such process (a zombie is none); 0 where the system does not say.
    """
    try:
        # proc(5): the name, in parentheses, may hold spaces; state is field 3, start field 22.
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return None if state in "ZX" else int(fields[18])
    except OSError:
        pass
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return 0
    return 0 if not Path("/proc/self/stat").exists() else None
