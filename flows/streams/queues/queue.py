"""What every queue promises.

A message that was received is hidden from others for the queue's ``visibility``, and comes again
after it unless it is `done`, `dead` or extended. So a message is handled at least once, and may be
handled twice; whoever handles it makes the second time harmless (`flows.streams.ledger`).

A queue that does not answer raises what its client raises, or `Transient`; what cannot become
right by waiting (no such queue, wrong password) is a `Permanent`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it was received.

    Attributes:
        id: the queue's own; the same each time that the message is received.
        body: as it was sent.
        receipt: by which the queue knows this receiving of it.
        deliveries: how often it was received so far, this time included.
        sent: when it was sent, UTC, by the queue's clock.
    """

    id: str
    body: bytes
    receipt: str
    deliveries: int
    sent: datetime


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is in a queue; queues that only estimate say their estimate.

    Attributes:
        waiting: messages that nobody works on.
        working: messages that were received and are not done.
        dead: messages that were set aside.
    """

    waiting: int
    working: int
    dead: int


class Queue(Protocol):
    """One queue, its dead letters included. Its methods may be called from several threads."""

    name: str
    """As people may see it: without credentials."""
    visibility: float
    """Seconds for which a message that was received is hidden."""

    def send(self, bodies: Sequence[bytes]) -> None:
        """Put messages in, in this order; when it returns, the queue has them."""

    def receive(self, most: int, wait: float) -> list[Message]:
        """Return up to `most` messages, waiting up to `wait` seconds for the first."""

    def extend(self, messages: Sequence[Message]) -> None:
        """Hide messages for another `visibility` from now."""

    def release(self, messages: Sequence[Message]) -> None:
        """Give messages back at once, undone."""

    def done(self, messages: Sequence[Message]) -> None:
        """Take messages out for good; those that are gone already are no error."""

    def dead(self, message: Message, reason: str) -> None:
        """Set a message aside with the reason; nothing happens if it is gone already."""

    def depth(self) -> Depth:
        """Say how much is in it."""

    def close(self) -> None:
        """Let go of connections."""
