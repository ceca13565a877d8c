"""What is measured, each in a process of its own: ``marts``, ``page``, ``workbook``."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import polars as pl

from benchmarks.insights.market import DAY, OWN
from flows.pipeline.insights.flow import HISTORY_COLUMNS
from flows.pipeline.insights.marts import compute
from flows.pipeline.matching.by_gtin import match_by_gtin
from flows.pipeline.reporting.report import Report
from flows.pipeline.rules import Rules
from flows.pipeline.schema import FAULTS, empty


class Days(Mapping[date, pl.DataFrame]):
    """The days before, each read when it is asked for, as the step does."""

    def __init__(self, folder: Path) -> None:
        self._paths = {
            date.fromisoformat(path.stem.removeprefix("offers-")): path
            for path in folder.glob("offers-*.parquet")
        }

    def __getitem__(self, day: date) -> pl.DataFrame:
        return pl.read_parquet(self._paths[day], columns=HISTORY_COLUMNS)

    def __iter__(self) -> Iterator[date]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def marts_of(folder: Path) -> dict[str, pl.DataFrame]:
    """Read everything and compute every mart."""
    offers = pl.read_parquet(folder / f"offers-{DAY}.parquet")
    own = pl.col("seller") == OWN
    matches = match_by_gtin(offers.filter(own), offers.filter(~own))
    listed = offers.filter(own).select("gtin", "price").head(1000).rows()
    rules = Rules.model_validate(
        {"minimum_prices": dict(listed), "content": {"name": 30, "brand": 1, "image": 1}}
    )
    return compute(offers, matches, Days(folder), day=DAY, own_seller=OWN, rules=rules)


def write_marts(folder: Path) -> None:
    """Compute every mart and write it as Parquet."""
    made = marts_of(folder)
    out = folder / "marts"
    out.mkdir(exist_ok=True)
    for name, frame in made.items():
        frame.write_parquet(out / f"{name}.parquet")
    print({name: frame.height for name, frame in made.items()})


def report_of(folder: Path) -> Report:
    """A report over marts that were written."""
    marts = {path.stem: pl.read_parquet(path) for path in (folder / "marts").glob("*.parquet")}
    rejected = dict.fromkeys(
        ("source_file", "seller", "sku", "name", "price", "reason"), pl.String()
    )
    return Report(
        title="Benchmark",
        day=DAY,
        own_seller=OWN,
        currency="ILS",
        marts=marts,
        faults=empty(FAULTS),
        rejected=pl.DataFrame(schema={**rejected, "source_row": pl.Int64()}),
    )


def write_page(folder: Path) -> None:
    """Render the page of marts that were written."""
    from flows.pipeline.reporting.page import render_page

    (folder / "report.html").write_bytes(render_page(report_of(folder)))


def write_workbook(folder: Path) -> None:
    """Write the workbook of marts that were written."""
    from flows.pipeline.reporting.workbook import render_workbook

    report = report_of(folder)
    began = time.perf_counter()
    (folder / "report.xlsx").write_bytes(render_workbook(report))
    print(f"rendered in {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    {"marts": write_marts, "page": write_page, "workbook": write_workbook}[sys.argv[1]](
        Path(sys.argv[2])
    )
