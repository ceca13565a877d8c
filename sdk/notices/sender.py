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
from sdk.notices.build_slack import letter as letter_words
from sdk.notices.fault_parts import Target
from sdk.notices.fault_state import FaultState, fold, remind
from sdk.notices.lease import Lease, Lost
from sdk.notices.once import Hands, Later, Pace
from sdk.notices.outbox import DeadLetter, Entry, Letter, Outbox
from sdk.notices.silences import Silence, silence_of
from sdk.notices.speak_slack import Rooms
from sdk.notices.targets import Targets
from sdk.notices.undelivered import undelivered, works_again
from sdk.storage import Storage

log = logging.getLogger("dataweave.notices")

AGAIN = -1
"""In `FaultState.given_up`: it is to be tried again, whatever was refused."""


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
        dead = self.outbox.dead()
        with self.lease.held() as held:
            if not held:
                return 0
            for entry in dead:
                self.lease.keep()
                state = self.book.read(entry.name.partition("-")[0])
                if state is not None:
                    state.given_up[entry.target] = AGAIN
                    self.book.write(state)
        return len(dead)

    def _pass(self, report: Report, until: datetime | None) -> None:
        self.targets.recall()
        letters: list[tuple[str, Entry, Letter]] = []
        for name, entry in self.outbox.entries():
            self.lease.keep()
            if entry.letter is not None:
                letters.append((name, entry, entry.letter))
                continue
            if entry.notice is not None:
                known = self.book.read(entry.notice.fault)
                state = fold(known, entry.notice, self.now())
                if state is not None and state is not known:
                    self.book.write(state)
            self.outbox.remove(name)
            report.counted += 1
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
        subject = f"{state.latest.place}: {state.latest.headline}"
        done = self._dare(target, name, subject, report, say, own=state.latest.kind)
        if done is None:
            state.given_up[target] = state.count
            self.book.save(state)
            return True
        if done and target in state.given_up:
            del state.given_up[target]
            self.book.save(state)
            self._delivered(target, name)
        return done

    def _dare(
        self,
        target: Target,
        name: str,
        subject: str,
        report: Report,
        say: Callable[[], None],
        *,
        own: str = "",
    ) -> bool | None:
        """Say something; True: said, False: later, None: refused for good."""
        if self.targets.is_quiet(target):
            return False
        try:
            say()
        except Later:
            return False
        except Rejected as error:
            self.targets.heard(target)
            report.refused.append(f"{name}: {error.problem}")
            self._bury(target, name, subject, error, own=own)
            return None
        except DeliveryError as error:
            self.targets.failed(target, error)
            return False
        self.targets.heard(target)
        return True

    def _post(self, name: str, entry: Entry, letter: Letter, report: Report) -> bool:
        channel = self.rooms.channels.get(letter.route) if self.rooms else None
        if channel is None:
            self.outbox.remove(name)
            return True
        words = letter_words(letter.subject, letter.body)
        hands = Hands(
            self.now, self.pace, self.lease.keep, lambda: self.outbox.rewrite(name, entry)
        )

        def say() -> None:
            mark = lambda at: setattr(letter, "tried", at)  # noqa: E731
            speak_slack.post(channel, letter.key, words, letter.tried, hands, mark)

        done = self._dare("slack", f"letter-{letter.key}", letter.subject, report, say)
        if done is not False:
            self.outbox.note_posted(letter)
            self.outbox.remove(name)
        return done is not False

    def _bury(self, target: Target, name: str, subject: str, error: Rejected, *, own: str) -> None:
        dead = DeadLetter(
            name=name,
            target=target,
            reason=error.problem,
            action=error.action,
            code=error.code,
            at=self.now(),
            subject=subject,
        )
        self.outbox.bury(dead)
        log.error("%s refused a notice for good: %s", target, error)
        # That a refusal cannot be told is not told either, or there would be no end.
        if own != "undelivered":
            self.outbox.put(undelivered(dead))

    def _delivered(self, target: Target, name: str) -> None:
        self.outbox.revive(name)
        if any(dead.target == target for dead in self.outbox.dead()):
            return
        for state in self.book.states():
            if state.open and state.latest.kind == "undelivered" and state.latest.step == target:
                self.outbox.put(works_again(state.latest, self.now()))
