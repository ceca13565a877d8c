"""Telling: a batch's alerts become notices, and notices get into the platform's outbox.

A notice is made with the batch and committed with it, so it is one and the same however often it
is put out. The outbox takes an event once, and the fault's book counts it once: see `sdk.notices`.
Its fault is that of the day's alerts of the same rule and group, so that both are one thread.
"""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime, timedelta

import polars as pl

from flows.pipeline.alerting.decide import Group, groups
from flows.streams.ledger import Ledger
from sdk.errors import PlatformError
from sdk.notices.announcement import NOTICES, keep
from sdk.notices.build_plain import plain
from sdk.notices.fault import fingerprint
from sdk.notices.notice import Notice, event_id
from sdk.notices.settings import NoticeSettings
from sdk.storage import storage

log = logging.getLogger(NOTICES)


class Teller:
    """Words what a stream finds.

    Args:
        customer: whose stream.
        store: the storage root.
        environment: where.
        owner: the team in whose channel it is told; None for everybody's.
        settings: where notices go.
        run_id: of the flow run that consumes.
        flow: its name.
    """

    def __init__(
        self,
        customer: str,
        store: str,
        environment: str,
        *,
        owner: str | None = None,
        settings: NoticeSettings | None = None,
        run_id: str = "",
        flow: str = "",
    ) -> None:
        self.customer, self.store, self.environment = customer, store, environment
        self.owner, self.run_id, self.flow = owner, run_id, flow
        self.settings = settings or NoticeSettings()
        self._last = datetime.min.replace(tzinfo=UTC)

    def notices(
        self, alerts: pl.DataFrame, before: pl.DataFrame, ledger: Ledger, now: datetime
    ) -> list[Notice]:
        """Return what is to be said of a batch.

        Args:
            alerts: ALERTS after it.
            before: ALERTS of the same things before it.
            ledger: as it was before it.
            now: UTC.
        """
        made = []
        # Of two notices of a fault the later counts, also where the clock stood still meanwhile.
        now = self._last = max(now, self._last + timedelta(microseconds=1))
        for group in groups(alerts):
            stood = _standing(before, group)
            standing = ledger.standing(group.rule, group.group) - stood + group.standing
            if not group.told and (standing or not stood):
                continue  # something of it still stands, or nothing of it ended now
            made.append(self._notice(group, standing, now))
        return made

    def _notice(self, group: Group, standing: int, now: datetime) -> Notice:
        flow = f"alerts of {self.customer}"
        fault = fingerprint(self.environment, flow, group.rule, group.group)
        about = "" if group.group == group.rule else f" at {group.group}"
        over = not group.told
        headline = (
            f"{group.rule}{about}: nothing is left of it"
            if over
            else f"{group.rule}{about}: {group.told:,} new, {standing:,} in all"
        )
        return Notice(
            event=event_id(fault, uuid.uuid4()),
            fault=fault,
            kind="mended" if over else "alert",
            severity="info" if over else group.severity,
            environment=self.environment,
            flow=flow,
            step=group.rule,
            error_class=group.group,
            customer=self.customer,
            day=now.date(),
            headline=headline,
            did=() if over else ("found it in the stream of prices",),
            examples=group.examples,
            count=max(group.told, 1),
            root_flow=self.flow,
            run_id=self.run_id,
            run_url=self.settings.run_url(self.run_id) if self.run_id else "",
            owner=self.owner,
            happened=now,
        )

    def trouble(self, what: str, error: BaseException, since: datetime, now: datetime) -> Notice:
        """Return the notice that a stream does not go on.

        Args:
            what: it was doing.
            error: by which.
            since: when it began.
            now: UTC.
        """
        problem = error.problem if isinstance(error, PlatformError) else type(error).__name__
        action = error.action if isinstance(error, PlatformError) else "See the run's log."
        name = type(error).__name__
        fault = fingerprint(self.environment, self.flow, what, name)
        return Notice(
            event=event_id(fault, self.run_id, since.isoformat()),
            fault=fault,
            kind="stuck",
            severity="error",
            environment=self.environment,
            flow=self.flow,
            step=what,
            error_class=name,
            customer=self.customer,
            headline=f"the stream does not go on: {problem}",
            action=f"{action} It tries again by itself; what waits in the queue is not lost.",
            root_flow=self.flow,
            run_id=self.run_id,
            run_url=self.settings.run_url(self.run_id) if self.run_id else "",
            owner=self.owner,
            happened=now,
            since=since,
        )

    def say(self, notice: Notice) -> None:
        """Put a notice out, and on the console.

        Raises:
            PlatformError: the storage root cannot be written.
        """
        if notice.kind != "mended":
            log.warning("%s", plain(notice))
        if self.settings.spoken:
            keep(self.store, [notice])

    def mended(self, notice: Notice, now: datetime) -> Notice:
        """Return the notice that a trouble is over."""
        return notice.model_copy(
            update={
                "event": event_id(notice.event, "mended"),
                "kind": "mended",
                "severity": "info",
                "headline": "the stream goes on",
                "action": "",
                "happened": now,
            }
        )

    def put_out(self, ledger: Ledger, most: int = 100) -> int:
        """Put out what the ledger holds for it; return how much it was.

        Raises:
            PlatformError: the storage root, or the ledger, cannot be written.
        """
        waiting = ledger.unsaid(most)
        for _, content in waiting:
            self.say(Notice.model_validate_json(content))
        if waiting:
            ledger.said(number for number, _ in waiting)
        return len(waiting)

    def has_room(self) -> bool:
        """Say whether the storage root can be written."""
        try:
            storage(self.store).check_writable()
        except PlatformError:
            return False
        return True


def _standing(before: pl.DataFrame, group: Group) -> int:
    mine = (pl.col("rule") == group.rule) & (pl.col("group") == group.group)
    return before.filter(mine & (pl.col("state") != "ended")).height
