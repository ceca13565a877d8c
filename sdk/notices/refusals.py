"""What Slack or Jira refused for good: kept in the dead-letter list, told, tried again on request.

A refusal is told by a notice of its own, in whichever system still takes one; it ends when the
target takes everything again. That a refusal cannot be told is not told either, or there would be
no end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from blocks.errors import Rejected
from sdk.notices.book import Book
from sdk.notices.fault_parts import Target
from sdk.notices.notice import Kind
from sdk.notices.outbox import DeadLetter, Letter, Outbox
from sdk.notices.undelivered import undelivered, works_again

log = logging.getLogger("dataweave.notices")

AGAIN = -1
"""In `FaultState.given_up`: it is to be tried again, whatever was refused."""


class Refusals:
    """The dead-letter list of a storage root.

    Args:
        outbox: in which it lies.
        book: of the faults.
        now: the clock, UTC.
    """

    def __init__(self, outbox: Outbox, book: Book, now: Callable[[], datetime]) -> None:
        self.outbox = outbox
        self.book = book
        self.now = now

    def bury(
        self,
        target: Target,
        name: str,
        subject: str,
        error: Rejected,
        *,
        about: Kind | None = None,
        letter: Letter | None = None,
    ) -> None:
        """Keep what was refused, and have it told.

        Args:
            target: who refused.
            name: of the fault or the letter, with the target.
            subject: what was to be said.
            error: the refusal.
            about: the kind of notice that it was.
            letter: the letter, where it was one.
        """
        dead = DeadLetter(
            name=name,
            target=target,
            reason=error.problem,
            action=error.action,
            code=error.code,
            at=self.now(),
            subject=subject,
            letter=letter,
        )
        self.outbox.bury(dead)
        log.error("%s refused a notice for good: %s", target, error)
        if about != "undelivered":
            self.outbox.put(undelivered(dead))

    def delivered(self, target: Target, name: str) -> None:
        """Note that something went through after all."""
        self.outbox.forget_dead(name)
        if any(dead.target == target for dead in self.outbox.dead()):
            return
        for state in self.book.states():
            if state.open and state.latest.kind == "undelivered" and state.latest.step == target:
                self.outbox.put(works_again(state.latest, self.now()))

    def revive(self, keep: Callable[[], None]) -> int:
        """Have everything tried again; return how much it was.

        Args:
            keep: extends the lease; raises where it is another's.
        """
        dead = self.outbox.dead()
        for entry in dead:
            keep()
            if entry.letter is not None:
                self.outbox.post_again(entry.letter)
                continue
            if self.outbox.read_again(entry.name):
                continue
            state = self.book.read(entry.name.partition("-")[0])
            if state is None or entry.target not in ("slack", "jira"):
                # The fault is no longer known: there is nothing left to tell of it.
                self.outbox.forget_dead(entry.name)
                continue
            state.given_up[entry.target] = AGAIN
            self.book.write(state)
        return len(dead)
