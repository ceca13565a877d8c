"""Steps that tests run elsewhere, and a flow that does."""

from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path

import polars as pl

from sdk import NONE, Dataset, Permanent, elsewhere, flow, task


@task(dataset="numbers", retry=NONE)
def numbers(count: int) -> pl.DataFrame:
    """Make a dataset."""
    return pl.DataFrame({"number": range(count)})


@task(dataset="doubled", retry=NONE)
def doubled(given: Dataset, folder: str, how: str) -> pl.DataFrame:
    """Double the numbers, once somebody has seen in which process; or do as it is told."""
    mark = Path(folder) / f"step-{os.getpid()}"
    mark.touch()
    if how == "fails":
        raise Permanent("no such numbers", "Send others.")
    if how == "dies" and len(list(Path(folder).glob("step-*"))) == 1:
        os.kill(os.getpid(), 9)
    while how == "waits" and not (Path(folder) / "end").exists():
        time.sleep(0.1)
    return given.frame().with_columns(pl.col("number") * 2)


@flow(customer="acme", owner="platform", tier="bronze", name="acme-elsewhere")
def acme_elsewhere(folder: str, how: str = "", day: date | None = None) -> Dataset:
    """Have numbers doubled elsewhere."""
    (Path(folder) / f"parent-{os.getpid()}").touch()
    return elsewhere(doubled)(numbers(3), folder, how)
