"""Queue order: value × uncertainty × age.

* value: what the product is worth to the customer, its own price over the median own price of the
  day, held between 0.1 and 10, so that one television does not push out a thousand groceries;
* uncertainty: the entropy of the match's probability in bits, 1 at 0.5 (Shannon 1948, H(p) =
  −p·log₂p − (1−p)·log₂(1−p)). A pair that goes to review although its probability is near 0 or 1
  contradicts itself (one GTIN, far prices), and counts as 1;
* age: days since the task was opened, the first day counting as 1, so that nothing waits for ever:
  whatever its weight, a task overtakes every later one of up to n times its weight after n days.

Age changes at midnight for all tasks at once. So a score is written with the task and renewed once
a day; between two renewals the order is an index of the database.
"""

from __future__ import annotations

from datetime import date, datetime
from math import log2
from typing import Final

VALUE_LOW, VALUE_HIGH = 0.1, 10.0
SURE: Final = 0.05
"""Distance from 0 or 1 below which a probability is no reason to ask anybody."""


def value(price: float | None, median: float | None) -> float:
    """Return a product's value against the median product; 1 where a price is missing."""
    if price is None or not median or median <= 0 or price <= 0:
        return 1.0
    return min(max(price / median, VALUE_LOW), VALUE_HIGH)


def uncertainty(probability: float | None) -> float:
    """Return how little a probability says: 0 to 1; 1 for one that contradicts the review."""
    if probability is None or not SURE < probability < 1 - SURE:
        return 1.0
    return -probability * log2(probability) - (1 - probability) * log2(1 - probability)


def age(opened: datetime, today: date) -> int:
    """Return a task's age in days, the day of its opening counting as 1.

    A clock that was set back makes no task younger than new.
    """
    return max((today - opened.date()).days, 0) + 1


def score(weight: float, opened: datetime, today: date) -> float:
    """Return a task's place in the queue on a day; the highest comes first.

    Args:
        weight: value × uncertainty.
        opened: when it was opened.
        today: the day.
    """
    return weight * age(opened, today)
