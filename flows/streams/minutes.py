"""Minutes: what happened in each, published as a version of a dataset of the stream's.

Every minute has a manifest of its own (``stream-<name>``, key of the day), a quiet one too: a
stream on which nothing happens can be told from one that nobody consumes. Counts are committed
with the events, so a minute in which consumers were killed still adds up.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from flows.streams.counts import Counts
from flows.streams.ledger import Ledger
from flows.streams.queues import Depth
from sdk.dataset import DatasetKey
from sdk.manifest import StepStatistics
from sdk.store import Store

TABLE = {
    "minute": pl.Datetime("us"),
    "received": pl.Int64(),
    "handled": pl.Int64(),
    "repeated": pl.Int64(),
    "superseded": pl.Int64(),
    "dead": pl.Int64(),
    "compared": pl.Int64(),
    "alerts": pl.Int64(),
    "notices": pl.Int64(),
    "batches": pl.Int64(),
    "busy": pl.Float64(),
    "lag_p50": pl.Float64(),
    "lag_p95": pl.Float64(),
    "lag_max": pl.Float64(),
}
"""The dataset's only table: one row. Times in seconds, lags from the queue to the notice."""
STEP = "consume"
_MINUTE = timedelta(minutes=1)


class Minutes:
    """Publishes a stream's minutes.

    Args:
        store: where to.
        customer: whose stream.
        name: of the stream.
        run_id: of the flow run.
    """

    def __init__(self, store: Store, customer: str, name: str, run_id: str | None = None) -> None:
        self.store, self.customer, self.name, self.run_id = store, customer, name, run_id
        self._current: datetime | None = None

    def of(self, moment: datetime) -> datetime:
        """Return the minute of a moment: UTC, without zone."""
        plain = moment.astimezone(UTC).replace(tzinfo=None)
        return plain.replace(second=0, microsecond=0)

    def is_over(self, moment: datetime) -> bool:
        """Say whether the minute of the last publication is not that of a moment."""
        minute = self.of(moment)
        if self._current is None:
            self._current = minute
        return minute != self._current

    def publish(
        self,
        ledger: Ledger,
        moment: datetime,
        *,
        depth: Depth | None = None,
        all_of_them: bool = False,
    ) -> int:
        """Publish the minutes that are over; return how many.

        Args:
            ledger: that has their counts.
            moment: now.
            depth: of the queue, if it is known.
            all_of_them: the minute of the moment, too.

        Raises:
            PlatformError: the store, or the ledger, cannot be written.
        """
        minute = self.of(moment)
        due = dict(ledger.minutes(minute + _MINUTE if all_of_them else minute))
        if self._current is not None and self._current != minute and not all_of_them:
            due.setdefault(self._current, Counts())
        for when, counts in sorted(due.items()):
            self._publish(when, counts, depth)
            ledger.published(when)
        self._current = minute
        return len(due)

    def _publish(self, minute: datetime, counts: Counts, depth: Depth | None) -> None:
        told: dict[str, Any] = counts.statistics()
        if depth is not None:
            told |= {"waiting": depth.waiting, "working": depth.working, "dead_letters": depth.dead}
        row = {"minute": minute, **{name: told[name] for name in TABLE if name != "minute"}}
        self.store.publish(
            DatasetKey(customer=self.customer, name=f"stream-{self.name}", day=minute.date()),
            pl.DataFrame([row], schema=TABLE),
            fingerprint="",
            run_id=self.run_id,
            statistics=StepStatistics(
                step=STEP,
                started=minute.replace(tzinfo=UTC),
                seconds=round(counts.busy, 3),
                attempts=counts.batches,
                rows_in=counts.received,
                rows_out=counts.handled,
                recorded=told,
            ),
        )
