"""A customer whose days do as they are told, for the tests of backfills."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from sdk import NONE, Dataset, Permanent, Transient, default, flow, task

FIRST = date(2026, 8, 10)
DAYS = [FIRST + timedelta(days=offset) for offset in range(4)]
GOOD = pl.DataFrame({"price": [1.0]})


@task(dataset="report", retry=NONE, fallback=default(GOOD))
def report(day: date, source: str, orders: str) -> pl.DataFrame:
    with (Path(source) / "made.txt").open("a") as made:
        made.write(f"{day}\n")
    if "degrade" in orders:
        raise Transient(f"{day} is slow")
    return GOOD


@flow(customer="acme", owner="grocery", tier="gold", deadline="9m", name="acme-daily")
def acme_daily(day: date | None = None, source: str = "") -> Dataset | None:
    """Make a report, unless ``<source>/<day>`` orders otherwise."""
    orders = Path(source) / str(day)
    told = orders.read_text() if orders.exists() else ""
    if "fail" in told:
        raise Permanent(f"{day} cannot be had", "Ask for another.")
    if "nothing" in told:
        return None
    return report(day, source, told)


def made(source: Path) -> list[str]:
    """Return the days for which a report was made, in order, repeated ones repeatedly."""
    file = source / "made.txt"
    return file.read_text().split() if file.exists() else []
