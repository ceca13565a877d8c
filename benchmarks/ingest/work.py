"""One contender's work on one file, in a process of its own."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

DAY = date(2026, 8, 15)


def step(folder: str) -> None:
    """Read, check and publish a folder's day by the step, as a customer's flow does."""
    from flows.pipeline import ingest_prices
    from sdk import flow
    from sdk.dataset import DatasetKey
    from sdk.store import Store

    @flow(customer="bench")
    def read(source: str) -> object:
        return ingest_prices(source, DAY)

    read(folder)
    store = Store(f"{folder}/../store")
    made = store.dataset(DatasetKey(customer="bench", name="prices", day=DAY))
    assert made is not None
    print(f"rows {next(part.rows for part in made.parts if part.name == 'prices')}")


def pure(folder: str) -> None:
    """Read a folder's day without the step: rows and faults, kept nowhere."""
    from flows.pipeline.ingest.discover import discover
    from flows.pipeline.ingest.layout_files import layouts_for
    from flows.pipeline.ingest.read import read_day_into

    rows = 0

    def count(frame: object) -> None:
        nonlocal rows
        rows += frame.height  # type: ignore[attr-defined]

    read_day_into(discover(folder)[DAY], layouts_for(folder), count, len)
    print(f"rows {rows}")


def plain(folder: str) -> None:
    """Read the same file by polars alone: all columns as text, in memory."""
    import polars as pl

    (path,) = Path(folder).glob("*.csv")
    print(f"rows {pl.read_csv(path, infer_schema=False).height}")


if __name__ == "__main__":
    {"step": step, "pure": pure, "plain": plain}[sys.argv[1]](sys.argv[2])
