"""The day's data that a stream stands on: offers and matches, as the daily flow published them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl

from flows.pipeline.normalise.offers import Normaliser
from flows.streams.ledger import Ledger
from flows.streams.standing import Standing, merged
from flows.streams.work import remembered
from sdk.dataset import Dataset, DatasetKey
from sdk.manifest import Manifest
from sdk.store import Store

OFFERS, DECIDED, MATCHES = "offers", "decided_matches", "matches"
"""Names of the datasets; what was decided stands above what was only matched."""


class DaysData:
    """Loads a customer's latest day, and says when there is a later one.

    Args:
        store: where it is.
        customer: whose.
        own_seller: the customer's own.
        ledger: that has the stream's own prices.
        normaliser: of the customer.
        today: the day.
    """

    def __init__(
        self,
        store: Store,
        customer: str,
        own_seller: str,
        ledger: Ledger,
        normaliser: Normaliser,
        today: Callable[[], date],
    ) -> None:
        self.store, self.customer, self.own_seller = store, customer, own_seller
        self.ledger, self.normaliser, self.today = ledger, normaliser, today
        self._loaded: tuple[object, object] | None = None

    def load(self) -> Standing:
        """Return the market as it stands: the day's, and the stream's prices over it."""
        offers, matches = self._latest()
        self._loaded = (_mark(offers), _mark(matches))
        day = offers.day if offers else date.min
        frame = self._frame(offers, OFFERS) if offers else None
        pairs = self._frame(matches, None) if matches else None
        empty = Standing.of(self.own_seller, frame, pairs)
        stream = remembered(self.normaliser, self.ledger.prices(day))
        return merged(empty, empty.base, empty.matches, stream, day)

    def is_stale(self) -> bool:
        """Say whether there is newer data than what was loaded."""
        offers, matches = self._latest()
        return self._loaded != (_mark(offers), _mark(matches))

    def _latest(self) -> tuple[Manifest | None, Manifest | None]:
        # A clock that is behind must not hide the day's data.
        tomorrow = self.today() + timedelta(days=2)
        offers = next(self.store.history(self.customer, OFFERS, before=tomorrow, limit=1), None)
        if offers is None:
            return None, None
        for name in (DECIDED, MATCHES):
            key = DatasetKey(customer=self.customer, name=name, day=offers.day)
            if (found := self.store.latest(key)) is not None:
                return offers, found
        return offers, next(
            self.store.history(self.customer, DECIDED, before=offers.day, limit=1), None
        )

    def _frame(self, manifest: Manifest, table: str | None) -> pl.DataFrame:
        dataset = Dataset.of(manifest, self.store.url)
        names = dataset.tables
        return dataset.frame(
            table if table in names else ("matches" if "matches" in names else None)
        )


def _mark(manifest: Manifest | None) -> object:
    return manifest and (manifest.day, manifest.version)
