"""While a batch is worked on: its messages stay hidden, and the lease stays ours.

A thread of its own does both, so that a long batch loses neither. It stops after `LONGEST_WORK`:
work that hangs must not keep its messages from others for ever.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flows.streams.lease import Lease, Lost
from flows.streams.queues import Message, Queue

log = logging.getLogger(__name__)

LONGEST_WORK = 600.0
"""Seconds that a batch may take; one takes less than one."""


class Keeper:
    """Keeps what is under way ours.

    Args:
        queue: whose messages are extended.
        lease: that is kept.
        longest: seconds after which a batch is given up.
    """

    def __init__(self, queue: Queue, lease: Lease, longest: float = LONGEST_WORK) -> None:
        self.queue, self.lease, self.longest = queue, lease, longest
        self.heir = False
        self.lost = False
        self._messages: tuple[Message, ...] = ()
        self._since = self._extended = time.monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._keep_on, name="keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._end.set()
        self._thread.join(timeout=30)

    def alive(self) -> None:
        """Say that the consumer goes on, be it only waiting."""
        self._since = time.monotonic()

    @contextmanager
    def holding(self, messages: Sequence[Message]) -> Iterator[None]:
        """Keep messages hidden within the block."""
        self._since = self._extended = time.monotonic()
        self._messages = tuple(messages)
        try:
            yield
        finally:
            self._messages = ()

    def _keep_on(self) -> None:
        pause = min(self.lease.seconds / 5, self.queue.visibility / 6)
        beaten = time.monotonic()
        while not self._end.wait(pause):
            if time.monotonic() - self._since > self.longest:
                continue
            try:
                if time.monotonic() - beaten >= self.lease.seconds / 5:
                    self.heir = self.lease.beat() or self.heir
                    beaten = time.monotonic()
                messages = self._messages
                due = time.monotonic() - self._extended >= self.queue.visibility / 3
                if messages and due:
                    self.queue.extend(messages)
                    self._extended = time.monotonic()
            except Lost:
                self.lost = True
                return
            except Exception as error:
                # The loop meets the same and says so; here the next beat may succeed.
                log.info("not kept this time: %s", type(error).__name__)
