"""One look after the other: signs, runs, plan, hands.

A reconciler whose turn it is not looks all the same, and settles nothing: when it takes over, it
knows already who is silent, and for how long.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from canary.reconciler.plan import Limits, plan, suspicion
from canary.reconciler.seen import ENDED, Decision
from canary.reconciler.server import Runs
from sdk.errors import PlatformError

log = logging.getLogger("canary")


class Reconciler:
    """Settles runs, look by look.

    Args:
        runs: on the server, with their signs.
        limits: how long what may last.
        clock: monotonic seconds.
    """

    def __init__(
        self, runs: Runs, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.runs, self.limits, self.clock = runs, limits, clock
        self._looked = clock()
        self._suspected: dict[str, float] = {}

    def look(self, *, settle: bool = True) -> list[Decision]:
        """Look once; return what was done.

        Args:
            settle: do what is to be done; without it, only look.

        Raises:
            PlatformError: server or storage do not answer; nothing was judged.
        """
        now = self.clock()
        passed, self._looked = now - self._looked, now
        self.runs.signs.look(passed)
        seen = self.runs.read()
        counted = min(passed, self.runs.signs.longest)
        self._suspected = {
            run.state: self._suspected.get(run.state, -counted) + counted
            for run in seen
            if suspicion(run, self.limits) is not None
        }
        done: list[Decision] = []
        if not settle:
            return done
        for decision in plan(seen, self._suspected, self.limits):
            try:
                if self.runs.carry_out(decision):
                    done.append(decision)
            except PlatformError as error:  # the others' turn; this one's comes again
                log.warning("run %s is not settled: %s", decision.run.name, error.problem)
        self.runs.signs.forget(run.id for run in seen if run.kind not in ENDED)
        return done
