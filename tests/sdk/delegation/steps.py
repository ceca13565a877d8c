"""Steps that tests run elsewhere, and a flow that does."""

from __future__ import annotations

import asyncio
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


@task(dataset="tripled", retry=NONE)
async def tripled(given: Dataset, folder: str) -> pl.DataFrame:
    """Triple the numbers, in an async step."""
    (Path(folder) / f"step-{os.getpid()}").touch()
    await asyncio.sleep(0)
    return given.frame().with_columns(pl.col("number") * 3)


@flow(customer="acme", owner="platform", tier="bronze", name="acme-async")
async def acme_async(folder: str, day: date | None = None) -> list[Dataset]:
    """Have numbers tripled and doubled elsewhere, from an async flow whose loop goes on."""
    (Path(folder) / f"parent-{os.getpid()}").touch()
    given = numbers(3)
    ticking = asyncio.create_task(_tick(Path(folder) / "ticks"))
    made = await elsewhere(tripled)(given, folder)
    ticking.cancel()
    return [made, elsewhere(doubled)(given, folder, "")]


async def _tick(path: Path) -> None:
    while True:
        with path.open("a") as ticks:
            ticks.write(".")
        await asyncio.sleep(0.05)
