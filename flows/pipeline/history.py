"""The days before: offers of earlier days, made where they are not there yet.

Earlier days feed the price changes, the baselines and the checks. None of them may cost the day
at hand: a day without files, or with files that cannot be read, is left out and named. What was
captured on a day belongs to it; afterwards it cannot be captured any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from flows.pipeline.ingest.discover import discover
from flows.pipeline.ingest.flow import explained, ingest_prices
from flows.pipeline.normalise.flow import normalise_prices
from sdk import Dataset, DatasetKey, PlatformError, Store


@dataclass(frozen=True)
class History:
    """Earlier days.

    Attributes:
        offers: of each earlier day that could be had, ascending.
        expected: the earlier days for which there should be offers.
        notes: what is missing or damaged, in words, by day.
    """

    offers: tuple[Dataset, ...]
    expected: tuple[date, ...]
    notes: tuple[str, ...]


def earlier_offers(source: str, day: date | None, *, days: int, currency: str) -> History:
    """Return the offers of the days before a day.

    Days are expected from the source's first day on, so that a young source misses nothing.

    Args:
        source: folder or URL of the daily files.
        day: the day at hand; inside a flow it is filled in.
        days: how many calendar days to look back.
        currency: the customer's, ISO 4217.
    """
    assert day is not None
    with explained():
        found = discover(source)
    first = max(min(found), day - timedelta(days=days))
    expected = [first + timedelta(days=offset) for offset in range((day - first).days)]
    offers: list[Dataset] = []
    notes: list[str] = []
    for earlier in expected:
        if earlier not in found:
            notes.append(f"{earlier}: there are no files for this day")
            continue
        try:
            prices = ingest_prices(source, earlier)
            key = DatasetKey(customer=prices.customer, name="captured", day=earlier)
            captured = Store(prices.store).dataset(key)
            offers.append(normalise_prices(prices, captured, currency=currency))
        except PlatformError as error:
            notes.append(f"{earlier}: left out ({error.problem})")
        else:
            notes.extend(_damages(prices))
    return History(tuple(offers), tuple(expected), tuple(notes))


def _damages(prices: Dataset) -> Iterator[str]:
    files = prices.frame("files", columns=["source_file", "damage"]).drop_nulls("damage")
    for name, damage in files.sort("source_file").iter_rows():
        # The damage often names the file itself.
        yield f"{prices.day}: {damage}" if name in damage else f"{prices.day}: {name}: {damage}"
