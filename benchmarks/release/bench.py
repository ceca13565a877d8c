"""The releases of a bench: each made, disturbed, judged and noted, whatever became of it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from benchmarks.release.stand import Stand
from benchmarks.release.trouble import (
    BACK_POINTS,
    BROKEN,
    MEDDLED,
    carried,
    kill_points,
    killed,
    meddling,
    prepared,
)
from infra.release import history
from infra.release.driver import active, under_way
from infra.release.model import release_of
from infra.release.progress import Progress, Way

GOOD = "good"
KILLED = "killed"
KILLED_BACK = "killed going back"
ROLLBACK = "rollback"
KINDS = (*BROKEN, *MEDDLED, ROLLBACK, KILLED_BACK)
"""Kinds of disturbed releases, beside those whose driver is killed on the way forward."""
GOES_BACK = frozenset({*BROKEN, "database", "proxy", KILLED_BACK})
"""Kinds after which all is as it was; the others are got over."""


@dataclass
class Made:
    """A release that was made.

    Attributes:
        kind: what happened to it, in full.
        ended: how it did.
        right: whether that is how it has to end, and what runs is what has to.
        reason: why it went back.
        begun: seconds since the epoch.
        seconds: that it took.
    """

    kind: str
    ended: str
    right: bool
    reason: str
    begun: float
    seconds: float

    def __str__(self) -> str:
        """Return it as one line."""
        mark = "" if self.right else "WRONG "
        return f"{self.kind:48}  {self.ended:12}  {mark}{self.seconds:5.0f} s  {self.reason[:90]}"


def order(good: int, failing: int, kinds: tuple[str, ...] = ()) -> list[str]:
    """Return the kinds of releases in their order: mixed, so that a part has some of each.

    Args:
        good: how many are undisturbed.
        failing: how many are disturbed.
        kinds: of these; by default all, and every second one has its driver killed: there are as
            many steps to be killed at as other kinds twice over.
    """
    turns: Iterator[str] = itertools.cycle(
        kinds or [one for kind in KINDS for one in (kind, KILLED)]
    )
    disturbed = list(itertools.islice(turns, failing))
    # Where one stands in the whole, 0 to 1; a good one first: there has to be a version before.
    placed = [(n / max(1, good), GOOD) for n in range(good)]
    placed += [((n + 0.5) / max(1, failing), kind) for n, kind in enumerate(disturbed)]
    return [kind for _, kind in sorted(placed, key=lambda one: one[0])]


class Bench:
    """Releases, one after the other.

    Args:
        here: the stand, on which something was released.
    """

    def __init__(self, here: Stand) -> None:
        self.here = here
        self.done: list[Made] = []
        self._numbers = itertools.count(1)
        like = release_of(here.version(0), active(here.site.store), 0.0)
        self._points = itertools.cycle(kill_points(like))
        self._back_points = itertools.cycle(BACK_POINTS)

    def release(self, kind: str) -> Made:
        """Make a release of a kind, and note what became of it.

        Raises:
            RuntimeError: it cannot be brought to an end: no other can be made.
        """
        store, begun, told = self.here.site.store, time.time(), [kind]
        before = active(store)
        assert before is not None
        try:
            progress = self._make(kind, told)
            ended, reason = str(progress.way), progress.reason
            wanted = Way.TURNED_BACK if kind in GOES_BACK else Way.RELEASED
            # What there has to be is what was before, or else what this release brought.
            version = before.version if kind in GOES_BACK else progress.release.version
            right = progress.way is wanted and self._works(version.digest)
        except Exception as error:
            said = " ".join(str(error).split())
            ended, right, reason = "error", False, f"{type(error).__name__}: {said}"
            self._end()
        made = Made(" ".join(told), ended, right, reason, begun, time.time() - begun)
        self.done.append(made)
        return made

    def _make(self, kind: str, told: list[str]) -> Progress:
        here = self.here
        present = active(here.site.store)
        assert present is not None
        here.migrations = int(present.version.schema) + 1
        if kind == ROLLBACK:
            progress = carried(here, history.before(here.site.store, time.time(), "bench", ""))
        else:
            broken = "controller" if kind == KILLED_BACK else kind if kind in BROKEN else ""
            release = prepared(here, here.version(next(self._numbers), broken))
            if kind in (KILLED, KILLED_BACK):
                step, when = next(self._points if kind == KILLED else self._back_points)
                told.append(f"{when} {step}")
                killed(here, release, step, when)
                progress = carried(here, None)
            elif kind in MEDDLED:
                with meddling(here, kind):
                    progress = carried(here, release)
            else:
                progress = carried(here, release)
        # What was in the way is gone now.
        return carried(here, None) if progress.way is Way.STUCK else progress

    def _works(self, digest: str) -> bool:
        after = active(self.here.site.store)
        alive = {role.partition("-")[0]: found for role, found in self.here.alive().items()}
        return (
            after is not None
            and after.version.digest == digest
            and alive == {"worker": [digest], "server": [digest]}
        )

    def _end(self) -> None:
        """Bring a release to its end that was left under way."""
        for _ in range(3):
            if under_way(self.here.site.store) is None:
                return
            carried(self.here, None)
        raise RuntimeError("a release does not end")

    def told(self) -> list[dict[str, object]]:
        """Return the releases, as JSON takes them."""
        return [asdict(one) for one in self.done]
