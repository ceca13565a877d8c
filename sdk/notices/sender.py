"""The sender: takes the outbox into the book, and tells Slack and Jira what is in the book.

One pass does what can be done now and returns; what cannot is left for the next one, which
whoever calls makes: a run at its end, a flow every minute. Passes exclude each other by a lease.
A pass may be killed at any moment.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from blocks.errors import DeliveryError, Rejected
from blocks.tickets import Tickets
from sdk.notices import speak_jira, speak_slack
from sdk.notices.book import Book
from sdk.notices.counting import count
from sdk.notices.fault_parts import Target
from sdk.notices.fault_state import FaultState, remind
from sdk.notices.lease import Lease, Lost
from sdk.notices.once import Hands, Later, Pace
from sdk.notices.outbox import Entry, Letter, Outbox
from sdk.notices.refusals import Refusals
from sdk.notices.silences import Silence, silence_of
from sdk.notices.speak_slack import Rooms
from sdk.notices.targets import Targets
from sdk.storage import Storage

log = logging.getLogger("dataweave.notices")


@dataclass
class Report:
    """What came of a pass.

    Attributes:
        held: whether it had the lease; without it nothing was done.
        counted: entries taken from the outbox into the book.
        left: faults and letters about which something is left to say.
        refused: what was refused for good in this pass, with the reason.
    """

    held: bool = True
    counted: int = 0
    left: int = 0
    refused: list[str] = field(default_factory=list)


class Sender:
    """Tells what is to be told.

    Args:
        storage: the root.
        rooms: the Slack channels; None without Slack.
        tickets: connects to Jira; None without it.
        silences: in force.
        now: the clock, UTC.
        pace: how patient it is.
    """

    def __init__(
        self,
        storage: Storage,
        rooms: Rooms | None,
        tickets: Callable[[], Tickets] | None,
        *,
        silences: Sequence[Silence] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pace: Pace | None = None,
    ) -> None:
        self.storage = storage
        self.rooms = rooms
        self.tickets = tickets
        self.silences = silences
        self.now = now
        self.pace = pace or Pace()
        self.outbox = Outbox(storage)
        self.book = Book(storage)
        self.lease = Lease(storage, now, self.pace.lease)
        self.refusals = Refusals(self.outbox, self.book, now)
        self._connected: Tickets | None = None
        self.targets = Targets(storage, now, self.pace)

    def deliver(self, until: datetime | None = None) -> Report:
        """Make one pass.

        Args:
            until: begin nothing new after this moment.

        Raises:
            PlatformError: the storage root cannot be read or written.
        """
        report = Report()
        with self.lease.held() as held:
            report.held = held
            if held:
                try:
                    self._pass(report, until)
                except Lost:
                    report.held = False
        return report

    def revive(self) -> int:
        """Have everything tried again that was refused for good; return how much it was."""
        with self.lease.held() as held:
            return self.refusals.revive(self.lease.keep) if held else 0

    def _pass(self, report: Report, until: datetime | None) -> None:
        self.targets.recall()
        report.counted, letters = count(
            self.outbox, self.book, self.now, keep=self.lease.keep, over=lambda: self._over(until)
        )
        for name, entry, letter in letters:
            if self._over(until) or not self._post(name, entry, letter, report):
                report.left += 1
        for fingerprint in self.book.due():
            if self._over(until) or not self._tell(fingerprint, report):
                report.left += 1

    def _over(self, until: datetime | None) -> bool:
        return until is not None and self.now() >= until

    def _tell(self, fingerprint: str, report: Report) -> bool:
        """Tell what is left to tell of a fault; return whether that is everything."""
        state = self.book.read(fingerprint)
        if state is None:
            self.book.done(fingerprint)
            return True
        silence = silence_of(self.silences, state, self.now())
        if silence is None:
            reminded = remind(state, self.now())
            if reminded is not state:
                state = reminded
                self.book.save(state)
        words = silence.words if silence else ""
        hands = Hands(self.now, self.pace, self.lease.keep, lambda: self.book.save(state))
        # Jira first: the head in Slack shows the ticket.
        jira = self._aim("jira", state, report, lambda: self._in_jira(state, hands, words))
        slack = self._aim("slack", state, report, lambda: self._in_slack(state, hands, words))
        waits = state.open and (silence is not None or state.story_count > state.reminded)
        if jira and slack and not waits:
            self.book.done(fingerprint)
            return True
        return jira and slack

    def _in_jira(self, state: FaultState, hands: Hands, silenced: str) -> None:
        if self.tickets is None:
            speak_jira.drop(state)
            hands.save()
            return
        self._connected = self._connected or self.tickets()
        speak_jira.speak(state, self._connected, hands, silenced)

    def _in_slack(self, state: FaultState, hands: Hands, silenced: str) -> None:
        if self.rooms is None:
            speak_slack.fall_silent(state)
            hands.save()
            return
        speak_slack.speak(state, self.rooms, hands, silenced)

    def _aim(
        self, target: Target, state: FaultState, report: Report, say: Callable[[], None]
    ) -> bool:
        """Say something to a target; return whether it is said, or never will be."""
        if state.given_up.get(target) == state.count and state.open:
            return True
        name = f"{state.fingerprint}-{target}"
        try:
            done = self._dare(target, say)
        except Rejected as error:
            report.refused.append(f"{name}: {error.problem}")
            subject = f"{state.latest.place}: {state.latest.headline}"
            self.refusals.bury(target, name, subject, error, about=state.latest.kind)
            state.given_up[target] = state.count
            self.book.save(state)
            return True
        if done and state.given_up.pop(target, None) is not None:
            self.book.save(state)
            self.refusals.delivered(target, name)
        return done

    def _post(self, name: str, entry: Entry, letter: Letter, report: Report) -> bool:
        """Post a letter; return whether it is posted, or never will be."""
        if self.rooms is None:
            # Slack is configured nowhere any more, and the digest of another day is no news.
            self.outbox.remove(name)
            return True
        hands = Hands(
            self.now, self.pace, self.lease.keep, lambda: self.outbox.rewrite(name, entry)
        )
        rooms = self.rooms
        dead = f"letter-{letter.key}"
        try:
            done = self._dare("slack", lambda: speak_slack.deliver(letter, rooms, hands))
        except Rejected as error:
            report.refused.append(f"{dead}: {error.problem}")
            self.refusals.bury("slack", dead, letter.subject, error, letter=letter)
            done = True
        else:
            if done:
                self.refusals.delivered("slack", dead)
        if done:
            self.outbox.note_posted(letter)
            self.outbox.remove(name)
        return done

    def _dare(self, target: Target, say: Callable[[], None]) -> bool:
        """Say something; return whether it is said, or is to be tried later.

        Raises:
            Rejected: it was refused for good.
        """
        if self.targets.is_quiet(target):
            return False
        try:
            say()
        except Later:
            return False
        except Rejected:
            self.targets.heard(target)
            raise
        except DeliveryError as error:
            self.targets.failed(target, error)
            return False
        self.targets.heard(target)
        return True
