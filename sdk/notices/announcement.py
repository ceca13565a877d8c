"""At the end of a run: decide, tell the console, keep the rest for the sender, try for a moment.

A run's outcome never depends on a notice: whatever goes wrong here is a line in the log. Without
any channel configured the console is all there is, and nothing is kept.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sdk.notices import said
from sdk.notices.book import Book
from sdk.notices.build_plain import plain
from sdk.notices.decide import Surroundings, decide
from sdk.notices.history import last_good
from sdk.notices.notice import SEVERITIES, Notice
from sdk.notices.outbox import Outbox
from sdk.notices.settings import NoticeSettings
from sdk.run import Run
from sdk.statistics import StepRecord
from sdk.storage import storage

NOTICES = "dataweave.notices"
"""The logger that notices go to."""

PATIENCE = 3.0
"""Seconds that the end of a run waits for its notice to go out; the sender's flow does the rest."""

log = logging.getLogger(NOTICES)


def announce(
    run: Run,
    records: Sequence[StepRecord],
    failure: Exception | None,
    *,
    owner: str | None = None,
    tier: str | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    settings: NoticeSettings | None = None,
) -> list[Notice]:
    """Say how a run ended, as far as that is worth saying.

    Args:
        run: the outermost one.
        records: of all its steps and subflows, in all its attempts.
        failure: what it ended with, if it failed.
        owner: the team that answers for it.
        tier: how much it matters.
        now: the clock, UTC.
        settings: where notices go; by default what the environment says.

    Returns:
        What was said, or put where it will be.
    """
    try:
        settings = settings or NoticeSettings()
        around = Surroundings(
            now=now(),
            owner=owner,
            tier=tier,
            run_url=settings.run_url(run.run_id),
            runbooks=settings.runbooks,
            open_faults=Book(storage(run.store)).open_faults() if settings.spoken else None,
        )
        notices = [_dated(run, notice) for notice in decide(run, records, failure, around)]
        for notice in notices:
            if notice.kind != "mended":
                loud = SEVERITIES.index(notice.severity) >= SEVERITIES.index("error")
                log.log(logging.ERROR if loud else logging.WARNING, "%s", plain(notice))
        if notices and settings.spoken:
            keep(run.store, notices)
            if failure is not None:
                said.note(run.run_id)
            _attempt(run.store, settings)
    except Exception:
        log.exception("the end of run %s could not be announced", run.run_id)
        return []
    return notices


def keep(store: str, notices: Sequence[Notice]) -> None:
    """Put notices where the sender finds them."""
    root = storage(store)
    outbox, book = Outbox(root), Book(root)
    for notice in notices:
        if notice.kind != "mended":
            # Before the sender knows: the next run may come first.
            book.mark_open(notice)
        outbox.put(notice)


def _dated(run: Run, notice: Notice) -> Notice:
    if notice.kind == "mended" or notice.last_good is not None:
        return notice
    return notice.model_copy(update={"last_good": last_good(run, notice.flow, notice.step)})


def _attempt(store: str, settings: NoticeSettings) -> None:
    """Try to deliver, in a thread that is left behind when it takes long."""

    def work() -> None:
        from sdk.notices.channels import sender

        try:
            found = sender(store, settings)
            found.deliver(until=found.now() + timedelta(seconds=PATIENCE))
        except Exception as error:
            log.warning("notices are kept and will be sent later (%s)", error)

    # In a copy of the context: settings that hold for this run alone hold for its notices, too.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name="notices", daemon=True)
    thread.start()
    thread.join(PATIENCE)
