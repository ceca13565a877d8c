"""Normalise as a step: a source of which nothing can be used is said, from its first day on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from flows.pipeline import ingest_prices, normalise_prices
from sdk import Dataset, flow
from sdk.testing.platform import Platform, platform, prefect_api

__all__ = ["platform", "prefect_api"]

DAY = date(2026, 8, 15)
LAYOUT = """name: list
description: A list.
columns: {sku: code, name: what, price: costs}
required: [sku, price]
constants: {seller: Elm Street, currency: EUR}
"""


@flow(customer="acme")
def offers_of(source: str, day: date) -> Dataset:
    return normalise_prices(ingest_prices(source, day), currency="EUR")


def write(folder: Path, name: str, price: str, rows: int) -> None:
    lines = [f"{number},thing {number},{price}" for number in range(rows)]
    (folder / f"{name}_{DAY}.csv").write_text("\n".join(["code,what,costs", *lines]) + "\n")


def test_a_source_of_which_most_rows_are_no_offers_is_a_warning(platform: Platform) -> None:
    folder = platform.folder / "in"
    folder.mkdir()
    (folder / "list.layout.yaml").write_text(LAYOUT)
    write(folder, "whole", "7.50", 30)
    write(folder, "wrong", "on request", 30)
    write(folder, "small", "on request", 3)
    ran = platform.run(offers_of, source=str(folder), day=DAY)
    assert ran.value.frame("sources").rows() == [
        (f"small_{DAY}.csv", 3, 3),
        (f"whole_{DAY}.csv", 30, 0),
        (f"wrong_{DAY}.csv", 30, 30),
    ]
    checked = {check.name: check for check in ran.record("normalise_prices").checks}
    found = checked["most rows of a source are offers"]
    assert (found.passed, found.level, found.failed) == (False, "warn", 1)
    assert f"wrong_{DAY}.csv" in str(found)
