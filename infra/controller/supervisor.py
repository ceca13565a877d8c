"""The supervisor: keeps services running, starts what has died again, stops all in order.

A service that dies at once, again and again, is started at growing intervals. A service that runs
is left alone: whether it does its work is the watch's to say, which alerts; to restart what is slow
makes a bad hour worse.

A full disk takes no service down that runs: what cannot be noted or started is tried again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.controller.left import began
from infra.controller.services import Service

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0
STEADY = 60.0
"""Seconds after which a service counts as steady, and its next death as the first."""
START = 300.0
"""Seconds that a service may take to be up: a new database is migrated first."""
LOOK = 0.2

log = logging.getLogger("infra")


@dataclass
class _Running:
    service: Service
    child: subprocess.Popen[bytes] | None = None
    since: float = 0.0
    pause: float = FIRST_PAUSE
    next_start: float = 0.0
    starts: int = 0


class Supervisor:
    """Runs services.

    Args:
        services: in the order in which they are started.
        logs: folder for their output, a file each.
        state: file that says which process each service has.
    """

    def __init__(self, services: Sequence[Service], logs: Path, state: Path) -> None:
        self._all = [_Running(service) for service in services]
        self._logs, self._state = logs, state
        self._ending = False

    def run(self) -> None:
        """Start all in order, keep them running until SIGTERM or SIGINT, stop all in order."""
        for which in (signal.SIGTERM, signal.SIGINT):
            signal.signal(which, self._end)
        try:
            for one in self._all:
                self._start(one)
                self._wait_up(one)
            while not self._ending:
                self._look()
                time.sleep(LOOK)
        finally:
            self._stop_all()

    def _end(self, *_: object) -> None:
        self._ending = True

    def _wait_up(self, one: _Running) -> None:
        end = time.monotonic() + START
        while not self._ending and time.monotonic() < end:
            self._look()
            if one.child is not None and one.service.up():
                return
            time.sleep(LOOK)
        if not self._ending:
            log.error("%s is not up after %.0f s; see its log", one.service.name, START)

    def _look(self) -> None:
        now = time.monotonic()
        for one in self._all:
            if one.child is not None and (code := one.child.poll()) is not None:
                log.warning("%s ended with exit code %s", one.service.name, code)
                if one.service.leaves:
                    _kill_group(one.child.pid)
                steady = now - one.since > STEADY
                one.pause = FIRST_PAUSE if steady else min(LONGEST_PAUSE, one.pause * 2)
                one.child, one.next_start = None, now + one.pause
                self._say()
            if one.child is None and one.starts and now >= one.next_start:
                self._start(one)

    def _start(self, one: _Running) -> None:
        service = one.service
        one.starts += 1
        try:
            with (self._logs / f"{service.name}.log").open("ab") as output:
                one.child = subprocess.Popen(  # noqa: S603
                    service.command,
                    env=dict(service.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    user=service.user,
                    group=service.user,
                    extra_groups=None if service.user is None else [],
                    start_new_session=True,
                    preexec_fn=_default_signals,
                )
        except OSError as error:
            log.error("%s cannot be started: %s", service.name, error)
            one.pause = min(LONGEST_PAUSE, one.pause * 2)
            one.next_start = time.monotonic() + one.pause
            return
        one.since = time.monotonic()
        log.info("%s started, pid %s", service.name, one.child.pid)
        self._say()

    def _stop_all(self) -> None:
        for one in reversed(self._all):
            if one.child is None:
                continue
            with contextlib.suppress(ProcessLookupError):
                one.child.send_signal(one.service.stop)
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.child.wait(one.service.grace)
            # Whatever it leaves: runs of a worker that did not end in time.
            _kill_group(one.child.pid)
            one.child.wait()
            log.info("%s stopped", one.service.name)
            one.child = None
        self._say()

    def _say(self) -> None:
        said = {
            one.service.name: {
                "pid": one.child.pid if one.child else None,
                "began": began(one.child.pid) if one.child else None,
                "stop": int(one.service.stop),
                "starts": one.starts,
            }
            for one in self._all
        }
        fresh = self._state.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(said, indent=2))
            fresh.replace(self._state)
        except OSError as error:
            log.error("%s cannot be written: %s", self._state, error)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _default_signals() -> None:
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, signal.SIG_DFL)
