"""The flows behind the notices: deliver, watch deadlines, tell of the day, review silences.

None of them is needed for a run's own notices to go out in fair weather: a run tries that itself.
They see to the rest: what could not be delivered, what never began, what is still broken, and what
was silenced and forgotten. Each is safe to run at any time, and twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flows.operations.catalogue import customers, daily_flow
from sdk import Settings, flow
from sdk.errors import ConfigurationError, PlatformError
from sdk.fallback import duration
from sdk.notices.announcement import NOTICES, keep
from sdk.notices.book import Book
from sdk.notices.build_plain import plain
from sdk.notices.channels import rooms, sender, tickets
from sdk.notices.deadlines import Escalation, Limits, WatchedRun, notice, plan
from sdk.notices.digest import RanRun, digest, ran
from sdk.notices.notice import Notice
from sdk.notices.outbox import ROOT, Letter, Outbox
from sdk.notices.sender import Report
from sdk.notices.settings import NoticeSettings
from sdk.notices.silences import read_silences, review, silence_of
from sdk.notices.watch import cancel, unfinished, with_life
from sdk.run import Run
from sdk.statistics import read_records
from sdk.storage import Storage, storage

log = logging.getLogger(NOTICES)

LEVELS = f"{ROOT}/levels"
"""Where each level of each run is marked once it came."""
KEPT = timedelta(days=7)
"""How long a mark is kept: no run is left unfinished for longer without anybody cancelling it."""


@flow(name="notices-deliver")
def deliver_notices(again: bool = False) -> dict[str, int]:
    """Tell what is left to tell; schedule it every minute, one at a time.

    Args:
        again: try also what was refused for good.
    """
    found = sender(Settings().storage, NoticeSettings())
    revived = found.revive() if again else 0
    report: Report = found.deliver()
    return {
        "counted": report.counted,
        "left": report.left,
        "refused": len(report.refused),
        "revived": revived,
    }


@flow(name="notices-deadlines")
def watch_deadlines() -> list[str]:
    """Escalate runs that are late, overrunning or stuck; schedule it every minute."""
    limits, whose = declared_limits()
    now = datetime.now(UTC)
    return sweep(with_life(unfinished(limits, now), Settings().storage, whose, now), limits, now)


@flow(name="notices-digest")
def tell_of_the_day(day: date | None = None) -> list[str]:
    """Post the digest of a day in each channel; schedule it once a day.

    Args:
        day: of the data; by default yesterday, UTC.
    """
    settings, chosen = Settings(), NoticeSettings()
    now = datetime.now(UTC)
    day = day or (now - timedelta(days=1)).date()
    channels = rooms(chosen)
    if channels is None:
        return []
    root = storage(settings.storage)
    _, owners = _owners()
    listed = runs_of(root, day)
    silences = read_silences(root)

    def silenced(state: Any) -> str:
        found = silence_of(silences, state, now)
        return found.words if found else ""

    posted = []
    paged = {channels.oncall} - {channels.default, *(channels.routes or {}).values()}
    for route in sorted(set(channels.channels) - paged):
        mine = [run for run in listed if channels.route(owners.get(run.flow)) == route]
        faults = [s for s in Book(root).states() if channels.route(s.latest.owner) == route]
        dead = Outbox(root).dead() if route == channels.default else []
        letter = digest(route, day, now, runs=mine, faults=faults, dead=dead, silenced=silenced)
        Outbox(root).post(letter)
        posted.append(letter.key)
    sender(settings.storage, chosen).deliver()
    return posted


@flow(name="notices-silences")
def review_silences() -> list[str]:
    """Post the silences that somebody has to look at; schedule it once a week."""
    settings, chosen = Settings(), NoticeSettings()
    root, connect = storage(settings.storage), tickets(chosen)
    silences = read_silences(root)
    closed: list[str] = []
    if connect is not None:
        jira = connect()
        for key in sorted({silence.ticket for silence in silences}):
            if closed_ticket(lambda key=key: jira.read(key).category):  # type: ignore[misc]
                closed.append(key)
    now = datetime.now(UTC)
    found = review(silences, closed, now.date())
    lines = [
        f"– {silence.fault or silence.pattern} ({silence.reason or 'no reason given'}) — {why}"
        for silence, why in found
    ]
    if lines and chosen.slack_block:
        year, week, _ = now.isocalendar()
        letter = Letter(
            key=f"silences-{year}-{week:02}",
            route=chosen.slack_block,
            subject=f"Silences to look at: {len(lines)}",
            body="\n".join(lines),
            written=now,
        )
        Outbox(root).post(letter)
        sender(settings.storage, chosen).deliver()
    return lines


def closed_ticket(category: Callable[[], str]) -> bool:
    """Say whether a ticket is done; one that is gone counts as that."""
    from blocks import Rejected

    try:
        return category() == "done"
    except Rejected as error:
        if error.code == "404":
            return True
        raise


def sweep(runs: list[WatchedRun], limits: dict[str, Limits], now: datetime) -> list[str]:
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
    if step.cancel:
        try:
            cancel(step.run)
        except Exception as error:
            # The others must be told all the same; this one is told that it failed.
            log.warning("run %s could not be cancelled: %s", step.run.run_id, error)
            made = made.model_copy(
                update={"did": ("cancelling the run failed: cancel it by hand",)}
            )
    return made


def declared_limits() -> tuple[dict[str, Limits], dict[str, str]]:
    """Return what each customer's daily flow is held to, and whose it is, by the flow's name."""
    limits: dict[str, Limits] = {}
    whose: dict[str, str] = {}
    for customer in customers():
        try:
            found = daily_flow(customer)
        except (ConfigurationError, ImportError):
            continue  # a customer's file that is broken is that customer's own failure
        options = found.options
        assert options is not None
        within = getattr(options, "start_within", None)
        limits[found.name] = Limits(
            deadline=duration(options.deadline) if options.deadline else None,
            start_within=duration(within) if within else Limits().start_within,
            cancel=bool(getattr(options, "cancel", False)),
            owner=options.owner,
            tier=options.tier,
        )
        whose[found.name] = customer
    return limits, whose


def runs_of(root: Storage, day: date) -> list[RanRun]:
    """Return how the runs of a day ended, by their ledgers."""
    found = []
    for customer in root.names(""):
        if customer.startswith(("_", ".")):
            continue
        for run_id in root.names(f"{customer}/_runs/{day}"):
            ledger = Run(customer=customer, day=day, store=root.url, run_id=run_id, root_id=run_id)
            try:
                entry = ran(customer, run_id, read_records(ledger))
            except PlatformError:
                continue
            if entry is not None:
                found.append(entry)
    return found


def _owners() -> tuple[dict[str, Limits], dict[str, str | None]]:
    limits, _ = declared_limits()
    return limits, {name: limit.owner for name, limit in limits.items()}


def _forget(root: Storage, now: datetime) -> None:
    for entry in root.entries(LEVELS):
        if entry.modified is not None and now - entry.modified > KEPT:
            root.delete(entry.path)
