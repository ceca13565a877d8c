"""From the outbox into the book: every notice is counted in its fault's state, once.

Entries are taken in batches and folded fault by fault, so that a thousand notices of one fault
cost one write of its state and not a thousand. They are removed after that write: whoever dies
between leaves entries whose events the state remembers (`fault_state.REMEMBERED` of them, which
is more than a batch).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice

from sdk.notices.book import Book
from sdk.notices.fault_state import fold, recovered
from sdk.notices.notice import Notice
from sdk.notices.outbox import DeadLetter, Entry, Letter, Outbox
from sdk.notices.undelivered import undelivered

BATCH = 500
"""Entries read at a time, some megabytes at most."""


def count(
    outbox: Outbox,
    book: Book,
    now: Callable[[], datetime],
    *,
    keep: Callable[[], None],
    over: Callable[[], bool],
) -> tuple[int, list[tuple[str, Entry, Letter]]]:
    """Take what is in the outbox into the book.

    Args:
        outbox: from which.
        book: into which.
        now: the clock, UTC.
        keep: extends the lease; raises where it is another's.
        over: says that no other batch is to be begun.

    Returns:
        How many entries were taken, and the letters, which stay: with name and entry.
    """
    taken, letters = 0, []
    entries = outbox.entries()
    while batch := list(_read(islice(entries, BATCH), keep)):
        by_fault: dict[str, list[tuple[str, Notice]]] = defaultdict(list)
        for name, entry in batch:
            if isinstance(entry, DeadLetter):
                outbox.put(undelivered(entry.model_copy(update={"at": now()})))
            elif entry.letter is not None:
                letters.append((name, entry, entry.letter))
            elif entry.notice is not None:
                by_fault[entry.notice.fault].append((name, entry.notice))
        for fault, told in by_fault.items():
            keep()
            _fold(book, fault, [notice for _, notice in told], now())
            for name, _ in told:
                keep()
                outbox.remove(name)
            taken += len(told)
        if over():
            break
    return taken, letters


def _read(
    entries: Iterator[tuple[str, Entry | DeadLetter]], keep: Callable[[], None]
) -> Iterator[tuple[str, Entry | DeadLetter]]:
    for entry in entries:
        keep()
        yield entry


def _fold(book: Book, fault: str, notices: list[Notice], now: datetime) -> None:
    known = state = book.read(fault)
    if state is None and book.is_lost(fault):
        state = recovered(notices[0], now)
    for notice in notices:
        state = fold(state, notice, now)
    if state is None:
        # Mended, and never broken as far as anybody knows: the runs to come need not say so again.
        book.mark_closed(notices[-1])
    elif state is not known:
        book.write(state)
