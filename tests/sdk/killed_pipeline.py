"""A small pipeline that a test kills: three steps, driven without Prefect, in a process of its own.

``python killed_pipeline.py STORE EFFECTS``: prints ``begun`` when it begins to work. Each step
that is carried out enters itself in the folder of effects, once for what it made: the name of
the entry is the fingerprint of the data, created exclusively, after the publication.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from sdk import checks
from sdk.dataset import Dataset
from sdk.execution import Execution
from sdk.local_files import write_new
from sdk.policy import NONE
from sdk.run import Run
from sdk.step import Call, Step, drive, invoke

DAY = date(2026, 8, 15)
ROWS = 2000


def load(day: date) -> dict[str, pl.DataFrame | bytes]:
    """Make rows, some of them bad, and a file."""
    rows = pl.DataFrame({"sku": range(ROWS), "price": [n % 97 - 1.0 for n in range(ROWS)]})
    return {"data": rows, "notes.txt": f"prices of {day}".encode()}


def convert(prices: Dataset) -> pl.DataFrame:
    """Convert the prices."""
    return prices.frame("data").with_columns(pl.col("price") * 1.17)


def total(converted: Dataset) -> pl.DataFrame:
    """Add them up."""
    return converted.frame().select(pl.len().alias("rows"), pl.col("price").sum())


STEPS: tuple[tuple[Step, Callable[..., Any]], ...] = (
    (
        Step(
            "load",
            dataset="prices",
            retry=NONE,
            checks={"data": [checks.between("price", 0, otherwise="quarantine")]},
        ),
        load,
    ),
    (Step("convert", dataset="converted", retry=NONE), convert),
    (Step("total", dataset="totals", retry=NONE, checks={"data": [checks.rows(1, 1)]}), total),
)


def main(store: str, effects: str) -> None:
    """Run the pipeline for its day."""
    run = Run(customer="acme", day=DAY, store=store, run_id="r", root_id="r", code_version="1")
    print("begun", flush=True)
    value: Any = DAY
    for step, function in STEPS:
        name = function.__code__.co_varnames[0]

        def call(action: Call) -> Any:
            return invoke(action.function, action.arguments)

        value = drive(Execution(step, function, {name: value}, run).walk(), call).value
        write_new(Path(effects) / f"{step.name}-{value.content_hash}-v{value.version}", b"")


if __name__ == "__main__":
    main(*sys.argv[1:])
