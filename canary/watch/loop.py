"""Look after look: snapshot, findings, changes, telling, heartbeat, page."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from canary.watch.changes import Change, Open, changes
from canary.watch.findings import Expected, findings
from canary.watch.heartbeat import Pulse
from canary.watch.look import Look
from canary.watch.snapshot import Finding
from canary.watch.tell import Teller

log = logging.getLogger("canary")


class Watch:
    """Watches.

    Args:
        look: sees.
        expected: what is normal.
        teller: tells.
        pulse: beats.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        look: Look,
        expected: Expected,
        teller: Teller,
        pulse: Pulse,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.look, self.expected, self.teller, self.pulse = look, expected, teller, pulse
        self.clock = clock
        self.open: dict[str, Open] = {}
        self.found: list[Finding] = []

    def cycle(self) -> list[Change]:
        """Look once and tell what changed; return it."""
        self.found = findings(self.look.snapshot(), self.expected)
        self.open, told = changes(self.open, self.found, self.clock())
        self.teller.tell(told)
        self.pulse.beat(len(self.found))
        return told
