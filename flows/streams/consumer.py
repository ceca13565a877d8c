"""The consumer: take a batch, work on it, commit, tell, take it out of the queue; and again.

The order is the promise. Nothing is taken out of the queue before its effects are on the disk, and
nothing is said that is not. Whoever is killed between two of these steps leaves work that the next
one finds: messages that come again and are known, notices that are committed and not put out.

Backpressure: one batch at a time, so that what is in memory is bounded whatever waits; and while
the outbox cannot be written, committed notices pile up to `MOST_UNSAID`, then nothing is taken.

It ends when it is asked to (it finishes its batch first), or when another consumer waits for the
stream: see `flows.streams.lease`. It waits for its turn itself when it comes second.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flows.streams.counts import Counts
from flows.streams.event import Event
from flows.streams.keeper import Keeper
from flows.streams.lease import Lease
from flows.streams.ledger import Effects, Ledger
from flows.streams.minutes import Minutes
from flows.streams.patience import Patience, Stopped
from flows.streams.queues import Message, Queue
from flows.streams.standing import Standing
from flows.streams.work import Worker
from sdk.errors import PlatformError

log = logging.getLogger(__name__)

Ending = Literal["stopped", "handed over", "idle"]

MOST_UNSAID = 1000
"""Notices that may wait for the outbox: hours of them, as one is made for a group, not a price."""
SUSPICIOUS = 3
"""Deliveries after which a message is worked on alone: it may be what kills consumers."""
HOPELESS = 10
"""Deliveries after which it is set aside untried. An innocent one that is alone gets through."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a consumer goes.

    Attributes:
        batch: messages at once, at most.
        pause: seconds from the start of one batch to that of the next, at least, while a batch is
            not full: fewer and larger ones cost less.
        wait: seconds that it waits for a message.
        lease: seconds without a beat after which another takes the stream.
    """

    batch: int = 500
    pause: float = 0.1
    wait: float = 1.0
    lease: float = 15.0


class Consumer:
    """Consumes one stream.

    Args:
        queue: where its messages are.
        ledger: what was done with them.
        lease: the right to.
        worker: says what they do.
        patience: for what fails for a while.
        minutes: publishes what happened.
        load: returns the market as it stands; called at the start and when `fresher` says so.
        fresher: whether there is a newer day's data.
        now: the clock, UTC.
        pace: how it goes.
    """

    def __init__(
        self,
        queue: Queue,
        ledger: Ledger,
        lease: Lease,
        worker: Worker,
        patience: Patience,
        minutes: Minutes,
        load: Callable[[], Standing],
        *,
        fresher: Callable[[], bool] = lambda: False,
        now: Callable[[], datetime],
        pace: Pace | None = None,
    ) -> None:
        self.queue, self.ledger, self.lease, self.worker = queue, ledger, lease, worker
        self.patience, self.minutes = patience, minutes
        self.load, self.fresher, self.now = load, fresher, now
        self.pace = pace or Pace()
        self.stop = patience.stop
        self.total = Counts()
        self._late = Counts()  # what is known of a batch only after its commit
        self._keeper = Keeper(queue, lease)
        self._standing: Standing | None = None

    def run(self, *, until_idle: bool = False) -> Ending:
        """Consume until asked to stop, or until another waits, or until nothing is left.

        Args:
            until_idle: end when the queue gives nothing more.

        Raises:
            Lost: the stream was taken by another while this one was away.
            PlatformError: it cannot go on, and waiting would not help.
        """
        try:
            while True:
                if not self._wait_for_turn():
                    return "stopped"
                ending = self._consume(until_idle)
                if ending != "handed over" or self._is_inherited():
                    return ending
                log.warning("nobody took the stream over: it goes on here")
        except Stopped as error:
            log.warning("stopped while it could not %s; nothing is lost", error)
            return "stopped"

    def _wait_for_turn(self) -> bool:
        told = False
        while not self.patience.do("take the lease", self.lease.take):
            if not told:
                log.info("another consumer has the stream; waiting for it to hand over")
                told = True
            if self.stop.wait(min(1.0, self.lease.seconds / 5)):
                return False
        return True

    def _is_inherited(self) -> bool:
        end = time.monotonic() + self.lease.seconds
        while time.monotonic() < end and not self.stop.is_set():
            if self.patience.do("read the lease", self.lease.is_taken):
                return True
            time.sleep(0.05)
        return self.stop.is_set()

    def _consume(self, until_idle: bool) -> Ending:
        self._keeper = Keeper(self.queue, self.lease)
        self._keeper.start()
        try:
            self._standing = self.patience.do("load the day's data", self.load)
            log.info("consuming %s", self.queue.name)
            ending = self._loop(until_idle)
            self._account()
            return ending
        finally:
            self._keeper.stop()
            if not self._keeper.lost:
                self._give_up_lease()

    def _account(self) -> None:
        """Commit what is known of the last batch only after its commit."""
        if self._late != Counts():
            self._commit(Effects())

    def _give_up_lease(self) -> None:
        try:
            self.minutes.publish(self.ledger, self.now(), all_of_them=True)
        except PlatformError as error:
            log.warning("the last minute is published by the next consumer: %s", error.problem)
        try:
            self.lease.release()
        except PlatformError as error:
            log.warning("the lease ends by itself: %s", error.problem)

    def _loop(self, until_idle: bool) -> Ending:
        while not self.stop.is_set():
            began = time.monotonic()
            if not self._said():
                self.stop.wait(1.0)
                continue
            messages = self.patience.do("receive", self._receive, self._keeper.alive)
            if messages:
                self._handle(messages)
            elif until_idle:
                return "idle"
            self._minute()
            if self._keeper.heir:
                return "handed over"
            if len(messages) < self.pace.batch:
                self.stop.wait(max(0.0, self.pace.pause - (time.monotonic() - began)))
        return "stopped"

    def _receive(self) -> list[Message]:
        return self.queue.receive(self.pace.batch, self.pace.wait)

    def _said(self) -> bool:
        """Put out what is committed; return whether so little is left that work may go on."""
        try:
            while self.worker.teller.put_out(self.ledger):
                pass
        except PlatformError as error:
            left = len(self.ledger.unsaid(MOST_UNSAID))
            log.warning("%d notices wait for the outbox: %s", left, error.problem)
            return left < MOST_UNSAID
        return True

    def _handle(self, messages: Sequence[Message]) -> None:
        began = time.monotonic()
        with self._keeper.holding(messages):
            try:
                for part in _apart(messages):
                    self._handle_part(part, began)
            except (Stopped, PlatformError):
                self._give_back(messages)
                raise

    def _handle_part(self, messages: Sequence[Message], began: float) -> None:
        if messages[0].deliveries > HOPELESS:
            reason = f"was received {messages[0].deliveries} times and never finished"
            self._set_aside([(message, reason) for message in messages], len(messages))
            return
        found = self.patience.do("read the ledger", lambda: self.worker.sort(messages))
        again = len(found.repeated) + len(found.buried)
        self._late.repeated += again
        self._late.received += again
        for message, reason in found.buried:
            self._bury(message, reason)
        if found.poison:
            self._set_aside(found.poison, len(found.poison))
        for events in found.rounds:
            self._round(events, began)
        if found.repeated:
            self.patience.do("take messages out", lambda: self.queue.done(found.repeated))

    def _round(self, events: Sequence[Event], began: float) -> None:
        standing = self._standing
        assert standing is not None
        done = self.patience.do("work", lambda: self.worker.work(events, standing))
        done.effects.counts.received = len(events)
        done.effects.counts.busy = time.monotonic() - began
        self._commit(done.effects)
        self._standing = done.standing
        self._said()
        ended = self.now()
        self._late.took((ended - event.message.sent).total_seconds() for event in events)
        dead = {message.id for message, _ in done.poison}
        for message, reason in done.poison:
            self._bury(message, reason)
        rest = [event.message for event in events if event.message.id not in dead]
        self.patience.do("take messages out", lambda: self.queue.done(rest))

    def _set_aside(self, poison: Sequence[tuple[Message, str]], received: int) -> None:
        effects = self.worker.set_aside(poison)
        effects.counts.received = received
        self._commit(effects)
        for message, reason in poison:
            self._bury(message, reason)

    def _bury(self, message: Message, reason: str) -> None:
        log.warning("message %s is set aside: %s", message.id, reason)
        self.patience.do("set a message aside", lambda: self.queue.dead(message, reason))

    def _commit(self, effects: Effects) -> None:
        effects.counts.batches += bool(effects.handled)
        effects.counts += self._late
        effects.minute = self.minutes.of(self.now())
        heir = self.patience.do("commit", lambda: self.ledger.commit(effects, self.lease))
        self._late = Counts()
        self.total += effects.counts
        self._keeper.heir = self._keeper.heir or heir

    def _give_back(self, messages: Sequence[Message]) -> None:
        try:
            self.queue.release(messages)
        except Exception as error:
            log.warning("messages come back by themselves: %s", type(error).__name__)

    def _minute(self) -> None:
        """What is done once a minute: publish the last one, look for a newer day, forget."""
        self._keeper.alive()
        if not self.minutes.is_over(self.now()):
            return
        try:
            self._account()
            self.minutes.publish(self.ledger, self.now(), depth=self.queue.depth())
            if self.fresher():
                self._standing = self.load()
            if self._standing is not None and self._standing.base.height:
                self.ledger.forget(self._standing.base["day"].max())  # type: ignore[arg-type]
        except (PlatformError, OSError) as error:
            log.warning("the minute's housekeeping is put off: %s", error)


def _apart(messages: Sequence[Message]) -> list[list[Message]]:
    """Return suspicious messages alone, then all others together."""
    suspects = [[message] for message in messages if message.deliveries > SUSPICIOUS]
    others = [message for message in messages if message.deliveries <= SUSPICIOUS]
    return [*suspects, others] if others else suspects
