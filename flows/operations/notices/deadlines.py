"""`watch_deadlines`: escalate late, overrunning and stuck runs, and tell of crashed ones."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from flows.operations.limits import declared_limits
from sdk import Settings, flow
from sdk.missed import drop_missed
from sdk.notices import said
from sdk.notices.announcement import NOTICES, keep
from sdk.notices.build_deadline import notice
from sdk.notices.build_plain import plain
from sdk.notices.channels import sender
from sdk.notices.deadlines import Escalation, Limits, WatchedRun, plan
from sdk.notices.notice import Notice
from sdk.notices.outbox import ROOT
from sdk.notices.settings import NoticeSettings
from sdk.notices.watch import cancel, watched, with_life
from sdk.storage import Storage, storage

log = logging.getLogger(NOTICES)

LEVELS = f"{ROOT}/levels"
"""Where each level of each run is marked once it came."""
KEPT = timedelta(days=7)
"""How long a mark is kept: no run is left unfinished for longer without anybody cancelling it."""


@flow(name="notices-deadlines")
def watch_deadlines() -> list[str]:
    """Escalate runs that are late, overrunning, stuck or crashed; schedule it every other minute.

    Returns:
        The keys of the levels that came: run, trouble, level.
    """
    drop_missed()
    limits, now = declared_limits(), datetime.now(UTC)
    return sweep(with_life(watched(limits, now), Settings().storage, limits), limits, now)


def sweep(runs: Sequence[WatchedRun], limits: Mapping[str, Limits], now: datetime) -> list[str]:
    """Escalate what is due of some runs; return the keys of the levels that came."""
    settings, chosen = Settings(), NoticeSettings()
    root = storage(settings.storage)
    steps = plan(runs, limits, now, root.names(LEVELS))
    notices = [_escalate(step, limits[step.run.flow], settings, chosen, now) for step in steps]
    for told in notices:
        log.warning("%s", plain(told))
    # Kept first, marked after: a sweep that dies between puts the same event in again.
    if chosen.spoken:
        keep(settings.storage, notices)
        for step in steps:
            if step.run.deployment_id:
                said.tell(step.run.run_id, step.run.deployment_id, step.run.flow_id)
    for step in steps:
        root.put(f"{LEVELS}/{step.key}", b"")
    _forget(root, now)
    if chosen.spoken and notices:
        sender(settings.storage, chosen).deliver()
    return [step.key for step in steps]


def _escalate(
    step: Escalation, limit: Limits, settings: Settings, chosen: NoticeSettings, now: datetime
) -> Notice:
    runbook = f"{chosen.runbooks.rstrip('/')}/{step.run.flow}" if chosen.runbooks else ""
    url = chosen.run_url(step.run.run_id)
    made = notice(step, limit, settings.environment, now, run_url=url, runbook_url=runbook)
    if not step.cancel:
        return made
    try:
        taken = cancel(step.run)
        did = "the run is being cancelled" if taken else "the run had ended when it was cancelled"
    except Exception as error:
        # The others must be told all the same; this one is told that it failed.
        log.warning("run %s could not be cancelled: %s", step.run.run_id, error)
        did = "cancelling the run failed: cancel it by hand"
    return made.model_copy(update={"did": (did,)})


def _forget(root: Storage, now: datetime) -> None:
    for entry in root.entries(LEVELS):
        if entry.modified is not None and now - entry.modified > KEPT:
            root.delete(entry.path)
