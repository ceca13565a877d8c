"""The driver: does what the plan says, and may be killed at any moment.

Before each act the plan's state is written under the lease, after each one the step is looked at
again. A driver that is started after another was killed reads the state, looks, and goes on; one
that is started beside another is refused; one that has lost its lease stops before its next act.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from pydantic import TypeAdapter

from infra.release import plan
from infra.release.limits import Limits
from infra.release.model import ACTIVE, RECORD, Active, Record, Release
from infra.release.parts import Unanswered
from infra.release.plan import Do
from infra.release.progress import ENDED, Progress, Way
from infra.release.seen import Look, Seen
from infra.release.steps import Step
from infra.release.store import CURRENT, ReleaseProblemError, Session, Store, put

PROGRESS: Final[TypeAdapter[Progress]] = TypeAdapter(Progress)
LEASE: Final = 180.0
"""Seconds: longer than the longest act, so that nobody else acts during one."""
WISH: Final = "wish"
"""Document by which somebody asks a release that is under way to go back."""

log = logging.getLogger("infra.release")


class Doing(Protocol):
    """What carries steps out: `infra.release.hands.Hands`."""

    def look(self, step: Step, release: Release) -> Seen:
        """Return how a step stands."""
        ...

    def act(self, step: Step, release: Release) -> None:
        """Do it, or have it begun."""
        ...


@dataclass(frozen=True)
class Pace:
    """The driver's time.

    Attributes:
        clock: seconds since the epoch.
        sleep: waits so many seconds.
        pause: seconds between two looks at what takes its time.
        lease: seconds.
        limits: the plan's.
        patience: seconds that one call may go on; then it returns, and the release with it.
    """

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    pause: float = 1.0
    lease: float = LEASE
    limits: Limits = field(default_factory=Limits)
    patience: float = float("inf")


def holder() -> str:
    """Return this process's name as a driver."""
    return f"{socket.gethostname()}/{os.getpid()}/{time.time_ns()}"


def drive(
    store: Store,
    doing: Doing,
    release: Release | None = None,
    pace: Pace | None = None,
    who: str | None = None,
) -> Progress:
    """Carry a release through, from where it is to its end.

    Args:
        store: what is remembered.
        doing: hands.
        release: a new one; None to go on with the one that is under way.
        pace: time and limits.
        who: the driver's name.

    Returns:
        How it ended; under way still if the pace's patience was over.

    Raises:
        HeldError: another driver is at work.
        ReleaseProblemError: there is nothing to go on with, or a new release would meet one that is
            under way, or what is active has changed since the release was made.
        ConflictError: the lease was lost.
    """
    pace = pace or Pace()
    with store.alone() as certain:
        session = Session(store, who or holder(), pace.lease, pace.clock(), void=certain)
        try:
            progress = _load(session, release, pace)
            progress = _loop(session, store, doing, progress, pace)
            if progress.way in ENDED:
                settle(session, store, progress, pace.clock())
        finally:
            _leave(session, pace.clock())
        return progress


def active(store: Store) -> Active | None:
    """Return what is active."""
    found = store.read(CURRENT).value.get("active")
    return ACTIVE.validate_python(found) if found else None


def under_way(store: Store) -> Progress | None:
    """Return the release that has not ended, if there is one."""
    found = store.read(CURRENT).value.get("progress")
    return PROGRESS.validate_python(found) if found else None


def ask_back(store: Store, release: str, by: str) -> None:
    """Ask the release that is under way to go back."""
    put(store, WISH, {"release": release, "by": by})


def _load(session: Session, release: Release | None, pace: Pace) -> Progress:
    found = session.value.get("progress")
    if found and release is not None:
        raise ReleaseProblemError(
            f"release {found['release']['id']} is {found['way']}\n"
            "Go on with it (release resume) or have it go back (release rollback) first."
        )
    if found:
        return plan.resume(PROGRESS.validate_python(found), pace.clock(), session.idle)
    if release is None:
        raise ReleaseProblemError("no release is under way")
    now_active = session.value.get("active")
    if (ACTIVE.validate_python(now_active) if now_active else None) != release.replaces:
        raise ReleaseProblemError("what is active has changed since this release was made")
    progress = plan.begin(release, pace.clock())
    _keep(session, progress, pace)
    return progress


def _loop(session: Session, store: Store, doing: Doing, progress: Progress, pace: Pace) -> Progress:
    seen: Seen | None = None
    started = renewed = pace.clock()
    while True:
        if progress.way is Way.FORWARD and (why := _asked_back(store, progress)):
            progress, seen = plan.turn_back(progress, why, pace.clock()), None
            _keep(session, progress, pace)
        made, action = plan.next(progress, seen, pace.clock(), pace.limits)
        now = pace.clock()
        # Written before an act, always: who has lost the lease learns of it here.
        if made != progress or action.do is Do.ACT or not 0 <= now - renewed <= pace.lease / 4:
            _keep(session, made, pace)
            renewed = now
            for event in made.events[len(progress.events) :]:
                log.info("%s %s", f"{event.step}:" if event.step else "release", event.what)
        progress = made
        if action.do is Do.STOP or action.step is None:
            return progress
        if action.do is Do.ACT:
            if progress.tries > 1:
                pace.sleep(pace.pause)  # what did not help is not done again at once
            seen = _act(doing, action.step, progress.release)
            continue
        if action.do is Do.PAUSE:
            if pace.clock() - started > pace.patience:
                return progress
            pace.sleep(pace.pause)
        seen = _look(doing, action.step, progress.release)


def _act(doing: Doing, step: Step, release: Release) -> Seen | None:
    try:
        doing.act(step, release)
    except Unanswered as error:
        return Seen(step, Look.UNKNOWN, str(error))
    except Exception as error:
        return Seen(step, Look.FAILED, _line(error))
    return None  # to be looked at


def _look(doing: Doing, step: Step, release: Release) -> Seen:
    try:
        return doing.look(step, release)
    except Exception as error:
        return Seen(step, Look.UNKNOWN, _line(error))


def _line(error: Exception) -> str:
    said = " ".join(str(error).split())[:300]
    return said or type(error).__name__


def _asked_back(store: Store, progress: Progress) -> str | None:
    wish = store.read(WISH).value
    if wish.get("release") != progress.release.id:
        return None
    return f"asked to go back by {wish.get('by') or 'somebody'}"


def _keep(session: Session, progress: Progress, pace: Pace) -> None:
    session.keep(pace.clock(), progress=PROGRESS.dump_python(progress, mode="json"))


def settle(session: Session, store: Store, progress: Progress, now: float) -> None:
    """Write a release that has ended into history, and what is active; may be done again."""
    release, previous = progress.release, session.value.get("last")
    record = Record(
        release,
        str(progress.way),
        progress.reason,
        progress.events[0].at,
        now,
        previous,
        progress.events,
    )
    put(store, f"releases/{release.id}", RECORD.dump_python(record, mode="json"))
    changed: dict[str, Any] = {"progress": None, "last": release.id}
    if progress.way is Way.RELEASED:
        made = Active(release.version, release.colour, release.id)
        changed["active"] = ACTIVE.dump_python(made, mode="json")
    session.keep(now, **changed)


def _leave(session: Session, now: float) -> None:
    try:
        session.leave(now)
    except Exception as error:
        log.warning("the lease was not given back: %s", _line(error))
