"""What the agent does next: a pure decision over notices, workers and time.

The machine has a number of slots, and the agent hands them out to worker processes. A worker that
drains (one SIGTERM to its pid, never to its group) takes no new run and exits when its last one
has ended; that cannot be revoked, so taking a cordoned machine back starts *another* worker on the
slots that are free, and gives it the rest as the draining one lets go. The slots of all workers
together never exceed the machine's.

A termination is drained as a cordon, with heartbeats; it is completed when no worker is left. After
`limit` seconds, or `spot_margin` before a spot machine is reclaimed, what still runs is handed
back to be scheduled again: stopped on purpose and said so, never silently killed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Wish = Literal["work", "cordon", "terminate"]


@dataclass(frozen=True, slots=True)
class Notice:
    """What is wanted of the machine.

    Attributes:
        wish: to work, to take no new runs, or to go.
        until: when a spot machine will be reclaimed, seconds since the epoch; None for no such end.
        hooked: whether a lifecycle action waits to be completed.
    """

    wish: Wish = "work"
    until: float | None = None
    hooked: bool = False


@dataclass(frozen=True, slots=True)
class Hand:
    """A worker process with the slots that it was given.

    Attributes:
        pid: its process.
        slots: how many runs it may have at once.
        runs: how many it has.
        draining: whether it was told to drain.
    """

    pid: int
    slots: int
    runs: int
    draining: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Durations in seconds, and the machine's slots.

    Attributes:
        slots: runs that the machine runs at once.
        heartbeat: between two heartbeats; a third of the hook's timeout or less.
        limit: of a drain, after which runs are handed back.
        spot_margin: what handing back takes, before a spot machine is gone.
    """

    slots: int = 4
    heartbeat: float = 240.0
    limit: float = 6 * 3600.0
    spot_margin: float = 30.0


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do.

    Attributes:
        kind: `start` or `drain` a worker, send a `heartbeat`, `hand_back` a worker's runs, or
            `complete` the termination.
        pid: of the worker, for `drain` and `hand_back`.
        slots: for `start`.
    """

    kind: Literal["start", "drain", "heartbeat", "hand_back", "complete"]
    pid: int = 0
    slots: int = 0


def plan(
    notice: Notice,
    hands: Sequence[Hand],
    now: float,
    *,
    leaving_since: float | None,
    beat_at: float | None,
    limits: Limits,
) -> list[Act]:
    """Decide what to do now.

    Args:
        notice: what is wanted.
        hands: the live worker processes.
        now: seconds since the epoch.
        leaving_since: when the wish to terminate was first seen; None if it was not.
        beat_at: when the last heartbeat was sent; None for never.
        limits: the machine's.
    """
    if notice.wish == "work":
        free = limits.slots - sum(hand.runs if hand.draining else hand.slots for hand in hands)
        return [Act("start", slots=free)] if free > 0 else []
    acts = [Act("drain", pid=hand.pid) for hand in hands if not hand.draining]
    if notice.wish == "cordon":
        return acts
    if not hands:
        return [Act("complete")] if notice.hooked else []
    since = now if leaving_since is None else leaving_since
    end = since + limits.limit
    if notice.until is not None:
        end = min(end, notice.until - limits.spot_margin)
    if now >= end:
        return [Act("hand_back", pid=hand.pid) for hand in hands]
    if notice.hooked and (beat_at is None or now - beat_at >= limits.heartbeat):
        acts.append(Act("heartbeat"))
    return acts
