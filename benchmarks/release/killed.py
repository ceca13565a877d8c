"""A driver that is killed at a step.

`python -m benchmarks.release.killed SITE KIND SHARE before|after`

The release comes on standard input.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from infra.release.driver import PROGRESS, Pace, drive
from infra.release.hands import Hands
from infra.release.local.hands import local_hands
from infra.release.local.site import Site
from infra.release.model import Release
from infra.release.seen import Seen
from infra.release.steps import Kind, Step


class Killed:
    """Hands of a driver that dies of one of its acts."""

    def __init__(self, hands: Hands, at: Step, when: str) -> None:
        self._hands, self._at, self._when = hands, at, when

    def look(self, step: Step, release: Release) -> Seen:
        """Look."""
        return self._hands.look(step, release)

    def act(self, step: Step, release: Release) -> None:
        """Act, and die before or after it."""
        if step == self._at and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        self._hands.act(step, release)
        if step == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Do what the command line says."""
    site, kind, share, when = Site.of(Path(sys.argv[1])), *sys.argv[2:]
    release = PROGRESS.validate_json(sys.stdin.buffer.read()).release
    hands = Killed(local_hands(site), Step(Kind[kind], int(share)), when)
    drive(site.store, hands, release, Pace(pause=0.5))


if __name__ == "__main__":
    main()
