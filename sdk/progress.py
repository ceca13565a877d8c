"""Progress: who wants to know, in this process, that a step began or ended.

A terminal's progress display and tests listen here. Listeners must be quick and must not fail;
one that raises is dropped, since showing progress is never worth a run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from sdk.statistics import StepRecord


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step began; `detail` says on what, such as its dataset and day."""

    step: str
    detail: str


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step ended, one way or another."""

    record: StepRecord


@dataclass(frozen=True, slots=True)
class FanoutProgress:
    """So many items of a fan-out are done."""

    step: str
    done: int
    total: int
    failed: int


Event: TypeAlias = StepStarted | StepEnded | FanoutProgress
Listener: TypeAlias = Callable[[Event], None]

_lock = threading.Lock()
_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell a listener of every step of this process during the block."""
    with _lock:
        _listeners.append(listener)
    try:
        yield
    finally:
        with _lock:
            if listener in _listeners:
                _listeners.remove(listener)


def tell(event: Event) -> None:
    """Tell every listener."""
    with _lock:
        current = list(_listeners)
    for listener in current:
        try:
            listener(event)
        except Exception:
            with _lock:
                if listener in _listeners:
                    _listeners.remove(listener)
