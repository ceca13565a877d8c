"""How long a file of any size takes, and how much memory: `make bench-ingest`, SIZE_MB=, REAL=.

A price file of the given size is written to a temporary folder, some fields quoted and one row in
ten thousand broken, and taken in by whole processes: by the step in a flow (read, checked,
hashed, written, published), by the reader alone, and beside them by polars' own reader, which
neither names what is wrong nor keeps its memory bounded. With REAL=, a folder of csv.gz files of
a day each, one of them is taken in by the step as well.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.ingest.work import DAY
from benchmarks.measuring import Measured, interleaved, machine, measure, median, write

ROOT = Path(__file__).parent.parent.parent
RUNS = 3
_BLOCK = 20_000
"""Rows that are made at once."""
_WORDS = ("Vollmilch", "Bio", "Schokolade", "Zartbitter", "Haselnuss", "Joghurt", "Kaffee", "Tee")


def make(path: Path, size_mb: int) -> tuple[int, int]:
    """Write a price file; return how many rows are good, and how many broken."""
    good = bad = number = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("seller,store_id,ean,title,brand,country,size,size_unit,price,currency\n")
        while file.tell() < size_mb * 1_000_000:
            lines = []
            for number in range(number + 1, number + 1 + _BLOCK):  # noqa: B020 - goes on from there
                if number % 10_000 == 0:
                    lines.append(f"Elm Street,{number % 300},{number},broken row\n")
                    bad += 1
                    continue
                good += 1
                word, other = _WORDS[number % 8], _WORDS[number // 8 % 8]
                lines.append(
                    f'Elm Street,{number % 300},{4_000_000_000_000 + number},"{word} {other}, fein'
                    f' {number % 97}",Märkische Mühle {number % 811},DE,{number % 900 + 100},g,'
                    f"{number % 90}.{number % 100:02},EUR\n"
                )
            file.write("".join(lines))
    return good, bad


def contend(kind: str, folder: Path) -> Measured:
    """Run one contender on a folder; check how many rows it saw."""
    store = folder.parent / "store"
    shutil.rmtree(store, ignore_errors=True)
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DATAWEAVE_STORAGE": str(store),
        "PREFECT_HOME": str(folder.parent / "prefect"),
        "PREFECT_LOGGING_LEVEL": "ERROR",
    }
    return measure(
        [sys.executable, "-m", "benchmarks.ingest.work", kind, str(folder)], cwd=ROOT, env=env
    )


def rows_in(run: Measured) -> int:
    """Return how many rows a run says it saw."""
    said = re.search(r"rows (\d+)", run.out)
    return int(said[1]) if said else -1


def main() -> None:
    """Measure and write the page."""
    size_mb = int(os.environ.get("SIZE_MB") or 2_000)
    runs = int(os.environ.get("RUNS") or RUNS)
    real = os.environ.get("REAL", "")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "in"
        folder.mkdir()
        good, bad = make(folder / f"prices_{DAY}.csv", size_mb)
        contenders = {
            kind: lambda _, kind=kind: contend(kind, folder) for kind in ("step", "pure", "plain")
        }
        found = interleaved(contenders, runs=runs)
        for kind in ("step", "pure"):
            for run in found[kind]:
                assert rows_in(run) == good, f"{kind} saw {rows_in(run)} rows of {good}"
        results = {kind: median(all_) for kind, all_ in found.items()}
        if real:
            (folder / f"prices_{DAY}.csv").unlink()
            source = sorted(Path(real).glob("*.csv.gz"))[0]
            shutil.copy(source, folder / f"prices_{DAY}.csv.gz")
            measured = [contend("pure", folder) for _ in range(runs)]
            results["real"] = {**median(measured), "rows": rows_in(measured[0])}
    write(
        "ingest",
        {"machine": machine(), "size_mb": size_mb, "rows": good, "broken": bad, "runs": runs,
         "results": results},
        page(results, size_mb, good, bad, runs),
    )  # fmt: skip


def page(results: dict[str, dict[str, float]], size_mb: int, good: int, bad: int, runs: int) -> str:
    """Return the page."""
    said = {
        "step": "the step in a flow: read, checked, hashed, written, published",
        "pure": "the reader alone: rows and faults, kept nowhere",
        "plain": "polars' own reader: all in memory, broken rows padded or the file refused",
        "real": "the reader on a real day, csv.gz",
    }
    if "rows" in results.get("real", {}):
        said["real"] += f", {results['real']['rows']:,.0f} rows"
    lines = [
        f"| {said[kind]} | {one['seconds']:.1f} s | {one['peak_mb']:,.0f} MB |"
        for kind, one in results.items()
    ]
    return (
        "# Ingest\n\n"
        f"`make bench-ingest SIZE_MB={size_mb}`: a CSV of {size_mb:,} MB, {good:,} rows and"
        f" {bad:,} broken ones that are named with their row and field; whole processes, their"
        f" start included, median of {runs}; {machine()['cores']} cores.\n\n"
        "| | time | peak of memory |\n|---|---:|---:|\n" + "\n".join(lines) + "\n"
    )


if __name__ == "__main__":
    main()
