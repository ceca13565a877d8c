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
from infra.release.limits import Limits
from infra.release.local import processes
from infra.release.local.hands import local_hands
from infra.release.model import Release, Version
from infra.release.progress import Progress
from infra.release.ready import prepare
from infra.release.steps import Kind, Step, forward

BROKEN = ("image", "canary", "controller", "migration")
"""Versions that must not come to work."""
MEDDLED = ("worker", "database", "proxy", "slow", "second")
"""Good versions, and somebody who gets in the way."""
STALL = 5.0
"""Seconds that the database stands still: less than what Prefect gives a statement."""
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


class UndisturbedError(Exception):
    """The disturbance did not happen, or not as it has to."""


@contextlib.contextmanager
def meddling(stand: Stand, how: str) -> Iterator[None]:
    """Get in the way of the release in the block.

    Args:
        stand: of the release.
        how: ``worker`` kills the old worker while it drains; ``database`` holds a lock on a table
            that the migration needs; ``proxy`` has nginx refuse its configuration; ``slow`` has
            the database stand still; ``second`` starts another driver beside.

    Raises:
        UndisturbedError: it did not come to that: what the release ended as says nothing.
    """
    if how == "database":
        with _locked(stand):
            yield
        return
    acts: dict[str, tuple[Kind, Callable[[Stand], None]]] = {
        "worker": (Kind.DRAIN_OLD, _kill_old_worker),
        "proxy": (Kind.START_CONTROLLER, _spoil),
        "slow": (Kind.START_CONTROLLER, _stall),
        "second": (Kind.CANARY_WORKERS, _drive_beside),
    }
    over = threading.Event()
    conf = stand.site.folder / "proxy" / "nginx.conf"
    kept = conf.read_text()
    kind, act = acts[how]
    told = [f"the step {kind} was not seen"]

    def watch() -> None:
        while not over.wait(0.05):
            progress = under_way(stand.site.store)
            if progress and progress.step and progress.step.kind is kind:
                try:
                    act(stand)
                    told.clear()
                except Exception as error:
                    told[:] = [f"{type(error).__name__}: {error}"]
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(120)
        conf.write_text(kept)
    if told:
        raise UndisturbedError(f"{how}: {told[0]}")


def _kill_old_worker(stand: Stand) -> None:
    progress = under_way(stand.site.store)
    assert progress is not None and progress.release.replaces is not None
    found = processes.find(stand.site.folder, f"worker-{progress.release.colour.other}")
    for one in found:
        os.kill(one.pid, signal.SIGKILL)
    assert found, "there is no old worker"


def _stall(stand: Stand) -> None:
    """Have every process of PostgreSQL stand still for a while."""
    master = int((stand.home / "postgres" / "postmaster.pid").read_text().split()[0])
    found = [master, *(pid for pid in _pids() if _parent(pid) == master)]
    try:
        for pid in found:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(STALL)
    finally:
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _drive_beside(stand: Stand) -> None:
    """Start another driver, which must be refused."""
    command = [sys.executable, "-m", "infra.release", "--site", str(stand.site.folder), "resume"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False,
                          timeout=120)  # fmt: skip
    assert done.returncode == 1, done
    assert "another driver is at work" in done.stderr, done.stderr[-500:]


def _pids() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError):
        # After the name, which may hold anything: state, parent.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


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


def kill_points(release: Release) -> list[tuple[Step, str]]:
    """Return where a driver can be killed on the way forward: before each act and after it."""
    # A drain is an act only where runs are handed over.
    acted = [step for step in forward(release) if step.kind is not Kind.DRAIN_OLD]
    return [(step, when) for when in ("after", "before") for step in acted]


BACK_POINTS = [
    (Step(kind), when)
    for when in ("after", "before")
    for kind in (Kind.UNSHIFT, Kind.REVERT, Kind.STOP_NEW_WORKERS)
]
"""The same on the way back from a controller that does not come up."""


def killed(stand: Stand, release: Release, step: Step, when: str) -> None:
    """Have a driver start a release and be killed.

    Args:
        stand: where.
        release: which.
        step: at whose act it is killed.
        when: ``before`` or ``after`` the act.

    Raises:
        UndisturbedError: it was not.
    """
    asked = PROGRESS.dump_json(plan.begin(release, time.time()))
    command = [sys.executable, "-m", "benchmarks.release.killed", str(stand.site.folder),
               step.kind.name, str(step.share), when]  # fmt: skip
    log = stand.home / "killed.log"
    with log.open("ab") as output:
        done = subprocess.run(command, input=asked, stdout=output, stderr=output, cwd=ROOT,
                              check=False, timeout=900)  # fmt: skip
    if done.returncode != -signal.SIGKILL:
        said = log.read_text(errors="replace")[-500:]
        raise UndisturbedError(f"the driver was not killed {when} {step}: {said}")
