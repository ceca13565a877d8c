"""The heart: a run's process says every few seconds that it is alive, and learns if it may be.

Prefect 2 has no heartbeat of flow runs: when a worker and its run are killed together, the run
stays Running for ever. So each process of a run renews a small object under the storage root,
named for the run, the machine, the process and one start of it::

    _hearts/<flow run id>.<host>.<pid>.<start of the process>.<token>

Its content means nothing; that it changes is the beat. The storage is apart from Prefect's server
and database, so that an outage of those does not look like the death of every run.

Whoever declares a process dead (the reconciler) first puts ``<name>.fenced`` beside it. A heart
that finds itself fenced ends its process at once: a run that was paused, cut off or swapped out
and believed dead cannot wake up beside its successor and do its work twice.

What this does not do: a fence is seen at the next beat, not at once. Between waking up and that
beat a process runs on; what it writes in these seconds is guarded as everything is that two
attempts could write (`sdk.store` publishes a version once).
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sdk.crashes import process_start
from sdk.digest import text_hash
from sdk.errors import PlatformError
from sdk.storage import Storage

FOLDER = "_hearts"
FENCED = ".fenced"
SECONDS = 10.0
"""Between beats. A run is believed silent after several (`canary.reconciler`)."""
EXIT_CODE = 75
"""Of a process that found itself fenced: EX_TEMPFAIL of sysexits.h, another has its place."""


def this_host() -> str:
    """Return what stands for this machine in the names of hearts."""
    return text_hash(socket.gethostname())[:12]


@dataclass(frozen=True, slots=True)
class HeartName:
    """Which process a heart is of.

    Attributes:
        run: the flow run's id.
        host: the machine, hashed.
        process: its id there.
        started: when that process started, in clock ticks since boot; 0 where unknown.
        token: of this start alone.
    """

    run: str
    host: str
    process: int
    started: int
    token: str

    @classmethod
    def here(cls, run: str) -> HeartName:
        """Return the name of a new heart of this process."""
        pid = os.getpid()
        return cls(run, this_host(), pid, process_start(pid) or 0, uuid.uuid4().hex[:8])

    @classmethod
    def parse(cls, name: str) -> HeartName | None:
        """Return what a name says; None if it is none of a heart."""
        try:
            run, host, process, started, token = name.split(".")
            return cls(run, host, int(process), int(started), token)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.run}.{self.host}.{self.process}.{self.started}.{self.token}"


class Heart:
    """Beats for this process in a thread of its own.

    Args:
        storage: the root.
        run: the flow run's id.
        seconds: between beats.
        fenced: called when it finds itself fenced; by default it ends the process.
    """

    def __init__(
        self,
        storage: Storage,
        run: str,
        seconds: float = SECONDS,
        fenced: Callable[[], None] | None = None,
    ) -> None:
        self.storage, self.seconds = storage, seconds
        self.name = HeartName.here(run)
        self._path = f"{FOLDER}/{self.name}"
        self._end = threading.Event()
        self._fenced = fenced or _end_process
        self._thread = threading.Thread(target=self._beat_on, name="heart", daemon=True)

    def start(self) -> None:
        """Beat once, now, and go on; a storage that cannot be written is said and tried again."""
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """Stop, and take the heart away: an end that is no death."""
        self._end.set()
        self._thread.join(timeout=5)
        with contextlib.suppress(PlatformError):
            self.storage.delete(self._path)

    def _beat_on(self) -> None:
        while not self._end.wait(self.seconds):
            self._beat()

    def _beat(self) -> None:
        try:
            if self.storage.exists(self._path + FENCED):
                self._fenced()
                return
            self.storage.put(self._path, f"{time.time():.3f}".encode())
        except PlatformError as error:
            logging.getLogger("sdk").warning("a heartbeat could not be written: %s", error.problem)
        except Exception as error:
            # A run whose heart has stopped is believed dead: no defect of a driver is worth that.
            log = logging.getLogger("sdk")
            log.warning("a heartbeat could not be written: %s", type(error).__name__)


def _end_process() -> None:
    logging.getLogger("sdk").error("this process was declared dead: another run has its place")
    os._exit(EXIT_CODE)
