"""What goes wrong in a release: broken versions, a killed driver, and a hand that interferes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from benchmarks.release.stand import Stand
from infra.controller.layout import ROOT
from infra.release import plan
from infra.release.driver import PROGRESS, Pace, drive, under_way
from infra.release.local import processes
from infra.release.local.hands import local_hands
from infra.release.model import Release, Version
from infra.release.plan import Kind, Limits, Progress, Step
from infra.release.ready import prepare

BROKEN = ("image", "canary", "controller", "migration")
"""Versions that must not come to work."""
MEDDLED = ("worker", "database", "proxy")
"""Good versions, and somebody who gets in the way."""
PACE = Pace(pause=0.5, limits=Limits(deadlines={Kind.MIGRATE: 45.0}))


def prepared(stand: Stand, version: Version, shares: tuple[int, ...] = (10, 50, 100)) -> Release:
    """Return the release of a version over what works on the stand."""
    from infra.release.driver import active

    store = stand.site.store
    present = active(store)
    before = Path(present.version.where) if present else None
    return prepare(store, version, ROOT, time.time(), before=before, by="bench", why="",
                   shares=shares)  # fmt: skip


def carried(stand: Stand, release: Release | None, pace: Pace = PACE) -> Progress:
    """Carry a release through."""
    return drive(stand.site.store, local_hands(stand.site), release, pace)


@contextlib.contextmanager
def meddling(stand: Stand, how: str) -> Iterator[None]:
    """Get in the way of the release in the block.

    Args:
        stand: of the release.
        how: ``worker`` kills the old worker while it drains; ``database`` holds a lock on a table
            that the migration needs; ``proxy`` has nginx refuse its configuration.
    """
    over = threading.Event()
    acts: dict[str, tuple[Kind, Callable[[], None]]] = {
        "worker": (Kind.DRAIN_OLD, lambda: _kill_old_worker(stand)),
        "proxy": (Kind.START_CONTROLLER, lambda: _spoil(stand)),
    }
    if how == "database":
        with _locked(stand):
            yield
        return
    conf = stand.site.folder / "proxy" / "nginx.conf"
    kept = conf.read_text()
    kind, act = acts[how]

    def watch() -> None:
        while not over.wait(0.1):
            progress = under_way(stand.site.store)
            if progress and progress.step and progress.step.kind is kind:
                act()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)
        conf.write_text(kept)


def _kill_old_worker(stand: Stand) -> None:
    progress = under_way(stand.site.store)
    assert progress is not None and progress.release.replaces is not None
    for one in processes.find(stand.site.folder, f"worker-{progress.release.colour.other}"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)


def _spoil(stand: Stand) -> None:
    conf = stand.site.folder / "proxy" / "nginx.conf"
    conf.write_text(conf.read_text() + "\nno_such_directive on;\n")


@contextlib.contextmanager
def _locked(stand: Stand) -> Iterator[None]:
    address = f"postgresql://prefect@127.0.0.1:{stand.postgres}/prefect"
    with psycopg.connect(address) as connection:
        connection.execute("lock table ledger_note in access exclusive mode")
        yield
        connection.rollback()


def kill_points(release_steps: tuple[Step, ...]) -> list[tuple[int, str]]:
    """Return where a driver can be killed: before each act and after it."""
    acted = [n for n, step in enumerate(release_steps) if step.kind is not Kind.DRAIN_OLD]
    return [(number, when) for when in ("after", "before") for number in acted]


def killed(stand: Stand, release: Release, step: int, when: str) -> bool:
    """Have a driver start a release and be killed; say whether it was.

    Args:
        stand: where.
        release: which.
        step: number of the step at whose act it is killed.
        when: ``before`` or ``after`` the act.
    """
    asked = PROGRESS.dump_json(plan.begin(release, time.time()))
    command = [sys.executable, "-m", "benchmarks.release.killed", str(stand.site.folder),
               str(step), when]  # fmt: skip
    log = stand.home / "killed.log"
    with log.open("ab") as output:
        done = subprocess.run(command, input=asked, stdout=output, stderr=output, cwd=ROOT,
                              check=False, timeout=900)  # fmt: skip
    return done.returncode == -signal.SIGKILL
