"""What of a customer's marts is published: the newest version of each day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sdk import Dataset, DatasetKey, Store

NAME = "marts"


def published(store: Store, customer: str, *, first: date | None = None) -> Iterator[Dataset]:
    """Yield the newest marts of each day, ascending.

    Args:
        store: where they are.
        customer: whose.
        first: earlier days are left out.
    """
    for day in store.days(customer, NAME):
        if first is not None and day < first:
            continue
        dataset = store.dataset(DatasetKey(customer=customer, name=NAME, day=day))
        if dataset is not None:
            yield dataset


def latest(store: Store, customer: str) -> Dataset | None:
    """Return the marts of the latest day; None where there are none."""
    found = None
    for dataset in published(store, customer):
        found = dataset
    return found
