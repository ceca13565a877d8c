"""Delivery beside the consumer: what is in the outbox goes out within seconds, not minutes.

The sender is the platform's own, under its own lease: `notices-deliver` and other runs do the same
beside it, and nothing is said twice. Slack and Jira are slow and fail; the consumer never waits.

A stream runs for weeks: what is silenced is read anew for each pass, and the channels after one
that failed, as their secrets may have been changed.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sdk.notices.announcement import NOTICES
from sdk.notices.outbox import OUTBOX
from sdk.notices.settings import NoticeSettings
from sdk.storage import storage

log = logging.getLogger(NOTICES)

PAUSE = 0.5
"""Seconds between looks into the outbox."""
PASS = 20.0
"""Seconds that one pass may take before it looks whether it is to end."""
REST = 30.0
"""Seconds after a pass that failed."""


@contextmanager
def delivering(store: str, settings: NoticeSettings) -> Iterator[None]:
    """Deliver the outbox of a store in the background within the block."""
    end = threading.Event()

    def deliver() -> None:
        from sdk.notices.channels import sender, silences

        found = None
        while not end.wait(PAUSE):
            try:
                if not storage(store).names(OUTBOX):
                    continue
                found = found or sender(store, settings)
                found.silences = silences(storage(store))
                found.deliver(until=found.now() + timedelta(seconds=PASS))
            except Exception as error:
                found = None
                log.warning("notices are kept and will be sent later (%s)", type(error).__name__)
                end.wait(REST)

    # In a copy of the context: settings that hold for this run alone hold for its notices, too.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(deliver,), name="delivery", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join(timeout=PASS)
