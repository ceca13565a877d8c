"""Made-up tables of two shops, with labelled pairs: small, and the same for every test."""

from __future__ import annotations

import random

import polars as pl
import pytest

from flows.pipeline.matching.matcher import Matcher
from flows.pipeline.matching.training import train

KINDS = ("Drucker", "Kamera", "Lautsprecher", "Monitor", "Tastatur", "מדפסת", "מצלמה", "Router")
MAKERS = ("Nordwal", "Ostrava", "Pellum", "Quorin", "Rivano", "Sabrel")
COLOURS = ("schwarz", "weiss", "silber", "rot", "blau")


def shops(count: int = 240, seed: int = 3) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Two tables with columns of their own names, and labelled pairs."""
    chance = random.Random(seed)
    left, right, pairs = [], [], []
    for number in range(count):
        kind, maker = chance.choice(KINDS), chance.choice(MAKERS)
        code = f"{chance.choice('abcxyz')}{chance.choice('klm')}{chance.randint(100, 999)}"
        colour, price = chance.choice(COLOURS), chance.uniform(20, 400)
        left.append(
            (f"a{number}", f"{maker} {kind} {code.upper()} {colour}", maker, f"{price:.2f}")
        )
        name = f"{kind} {maker} {code[:2]}-{code[2:]}" + (f", {colour}" if number % 3 else "")
        right.append((f"b{number}", name, price * chance.uniform(0.9, 1.1)))
        pairs.append((f"a{number}", f"b{number}", 1))
        for other in chance.sample(range(count), 6):
            if other != number:
                pairs.append((f"a{number}", f"b{other}", 0))
    a = pl.DataFrame(left, schema=["id", "name", "manufacturer", "price"], orient="row")
    b = pl.DataFrame(right, schema=["sku", "title", "preis"], orient="row")
    labelled = pl.DataFrame(pairs, schema=["ltable_id", "rtable_id", "label"], orient="row")
    return a, b, labelled.unique(maintain_order=True)


@pytest.fixture(scope="session")
def two_shops() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    return shops()


@pytest.fixture(scope="session")
def matcher(two_shops: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]) -> Matcher:
    return train(*two_shops)
