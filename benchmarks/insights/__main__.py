"""Insights at size: ``make bench-insights``.

A million offers of ten sellers with thirty days before them become all marts; marts of 50,000 own
products become a page, which Chromium opens, and a workbook. Each in a process of its own, three
runs; the page's time is from navigation to the load event, in a browser that runs already.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import openpyxl

from benchmarks.insights.market import generate
from benchmarks.measuring import Measured, interleaved, machine, measure, median, write
from tests.support.chromium import browser, found

ROOT = Path(__file__).parents[2]
RUNS = 3
OFFERS, DAYS = 1_000_000, 30
PRODUCTS, SELLERS = 50_000, 10
BOOK_PRODUCTS = 5_000
"""Own products whose marts have some 50,000 rows, which are the workbook's."""


def main() -> None:
    """Measure and write ``docs/benchmarks/insights``."""
    with tempfile.TemporaryDirectory(prefix="bench-insights-") as folder:
        large, wide, book = (Path(folder) / name for name in ("large", "wide", "book"))
        for place, offers, days in (
            (large, OFFERS, DAYS),
            (wide, PRODUCTS * SELLERS, 1),
            (book, BOOK_PRODUCTS * SELLERS, 1),
        ):
            place.mkdir()
            generate(place, offers=offers, days=days)
        env = {**os.environ, "PYTHONPATH": str(ROOT)}

        def work(what: str, place: Path) -> Measured:
            command = [sys.executable, "-m", "benchmarks.insights.work", what, str(place)]
            return measure(command, cwd=ROOT, env=env)

        work("marts", wide)
        work("marts", book)
        runs = interleaved(
            {
                "marts": lambda _: work("marts", large),
                "page": lambda _: work("page", wide),
                "workbook": lambda _: work("workbook", book),
                "open": lambda _: _opened(wide / "report.html"),
            },
            runs=RUNS,
        )
        size = (wide / "report.html").stat().st_size / 1e6
        rows = _rows(book / "report.xlsx")
    medians = {name: median(found) for name, found in runs.items()}
    write(
        "insights",
        {"offers": OFFERS, "days": DAYS, "products": PRODUCTS, "runs": RUNS,
         "page_mb": size, "book_rows": rows, "medians": medians, "machine": machine()},
        _page(medians, size, rows),
    )  # fmt: skip


def _opened(page: Path) -> Measured:
    if found() is None:
        raise RuntimeError("no Chromium on this machine: apt-get install chromium")
    with browser() as opened:
        began = time.perf_counter()
        opened.open(page.as_uri(), width=1280, height=1000)
        return Measured(time.perf_counter() - began, 0, "")


def _rows(path: Path) -> int:
    """Return how many rows the sheets of a workbook have together."""
    book = openpyxl.load_workbook(path, read_only=True)
    return sum(sheet.max_row or 0 for sheet in book.worksheets)


def _page(medians: dict[str, dict[str, float]], size: float, rows: int) -> str:
    marts, page, book = medians["marts"], medians["page"], medians["workbook"]
    return "\n".join(
        [
            "# Insights at size",
            "",
            f"`make bench-insights`: medians of {RUNS} interleaved runs, each a process of its own,"
            " imports and reading included.",
            "",
            "| | seconds | peak memory | goal |",
            "|---|---:|---:|---|",
            f"| {OFFERS:,} offers and {DAYS} days before them to all marts | {marts['seconds']} |"
            f" {marts['peak_mb']:,.0f} MB | < 60 s, < 3 GB |",
            f"| the page of {PRODUCTS:,} products, rendered ({size:.2f} MB) | {page['seconds']} |"
            f" {page['peak_mb']:,.0f} MB | < 2 MB |",
            f"| the same page, opened in Chromium | {medians['open']['seconds']} | | < 3 s |",
            f"| a workbook of {rows:,} rows | {book['seconds']} |"
            f" {book['peak_mb']:,.0f} MB | < 10 s |",
            "",
        ]
    )


if __name__ == "__main__":
    main()
