"""This matcher beside splink 5 on DuckDB: the same tables, without labels, one to one, in turns.

``python -m benchmarks.matching.peer SPLINK_PYTHON [--data DIR] [--sizes 10000,20000]`` measures
the whole tables of ``DIR/*/full`` and synthetic ones, and writes
``docs/benchmarks/matching-peer.{md,json}``. Each run is a process of its own; what is compiled on
first use is compiled before, on small tables. F1 is that of one partner for each record: ours at
the even probability, as it is used; splink's at whichever threshold is best against the true
pairs, which nobody without them could choose, by the largest weights first.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
import typer

from benchmarks import measuring
from benchmarks.matching.synthetic import two_shops
from flows.pipeline.matching.folder import Benchmark, read_folder
from flows.pipeline.matching.tables import canonical

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
GOAL = 5.0


def tables(data: Benchmark, folder: Path) -> pl.DataFrame:
    """Write both tables in one form; return the true pairs (a, b)."""
    for side, frame in (("a", data.a), ("b", data.b)):
        records = canonical(frame).select("id", "title", "brand", "description", "price")
        records.write_csv(folder / f"{side}.csv")
    assert data.true is not None
    first, second = data.true.columns[:2]
    return data.true.select(a=pl.col(first).cast(pl.String), b=pl.col(second).cast(pl.String))


def made(size: int) -> Benchmark:
    """Return two synthetic shops, of which row n of one is row n of the other."""
    a, b = two_shops(size)
    return Benchmark(a, b, {}, pl.DataFrame({"a": a["id"], "b": b["id"]}))


def one_to_one(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return one pair at most for each record, the largest weight first."""
    taken_a: set[str] = set()
    taken_b: set[str] = set()
    kept = []
    ordered = pairs.sort("weight", "a", "b", descending=[True, False, False])
    for a, b, weight in ordered.select("a", "b", "weight").iter_rows():
        if a not in taken_a and b not in taken_b:
            taken_a.add(a)
            taken_b.add(b)
            kept.append((a, b, weight))
    return pl.DataFrame(kept, schema=["a", "b", "weight"], orient="row")


def f1(pairs: pl.DataFrame, true: pl.DataFrame, *, best: bool) -> float:
    """Return F1 of pairs; with ``best``, of their best beginning by weight."""
    known = set(true.iter_rows())
    hit = np.array([(a, b) in known for a, b, _ in pairs.iter_rows()], float)
    if not len(hit):
        return 0.0
    curve = 2 * np.cumsum(hit) / (np.arange(len(hit)) + 1 + true.height)
    return float(curve.max() if best else curve[-1])


def measured(python: str, contender: str, folder: Path, limit: int) -> dict[str, Any]:
    """Run a contender once."""
    command = ["timeout", str(limit), python, str(HERE / f"with_{contender}.py"), str(folder)]
    run = measuring.measure(command, cwd=ROOT, env=os.environ)
    return {**json.loads(run.out.splitlines()[-1]), "peak_mb": run.peak_mb, "whole": run.seconds}


def beside(name: str, data: Benchmark, splink: str, runs: int, limit: int) -> dict[str, Any]:
    """Measure both on one pair of tables."""
    pythons = {"ours": sys.executable, "splink": splink}
    with tempfile.TemporaryDirectory() as made_for:
        folder = Path(made_for)
        true = tables(data, folder)
        found: dict[str, list[dict[str, Any]]] = {"ours": [], "splink": []}
        for number in range(runs):
            for contender, python in pythons.items():
                run = measured(python, contender, folder, limit)
                print(f"{name}, run {number + 1}, {contender}: {run['seconds']:.2f} s", flush=True)
                found[contender].append(run)
        report: dict[str, Any] = {"rows": [data.a.height, data.b.height]}
        for contender, each in found.items():
            text = {"a": pl.String, "b": pl.String}
            pairs = pl.read_csv(folder / f"{contender}.csv", schema_overrides=text)
            f = f1(one_to_one(pairs), true, best=contender == "splink")
            report[contender] = {
                **{
                    key: round(statistics.median(run[key] for run in each), 2)
                    for key in ("seconds", "whole", "peak_mb")
                },
                "runs": [round(run["seconds"], 2) for run in each],
                "pairs": pairs.height,
                "f1": round(f, 4),
            }
    report["times"] = round(report["splink"]["seconds"] / report["ours"]["seconds"], 2)
    return report


def page(report: dict[str, Any]) -> str:
    """Return the report for people."""
    lines = []
    for name, one in report["tables"].items():
        ours, splink = one["ours"], one["splink"]
        reached = one["times"] >= GOAL and ours["f1"] >= splink["f1"]
        lines.append(
            f"| {name} | {one['rows'][0]:,} × {one['rows'][1]:,} "
            f"| {ours['seconds']} | {splink['seconds']} | {one['times']} "
            f"| {ours['f1']:.1%} | {splink['f1']:.1%} "
            f"| {ours['peak_mb']:,.0f} / {splink['peak_mb']:,.0f} "
            f"| {'reached' if reached else 'missed'} |"
        )
    return f"""# Matching beside splink

`make bench-matching-peer`: {report["runs"]} runs in turns, medians, {report["cores"]} processors, \
splink {report["splink"]} on DuckDB. Without labels, one to one. Seconds from tables in memory to \
scored pairs, learning with them. Goal: at least {GOAL:.0f} times as fast with F1 not \
lower. splink's F1 is taken at the threshold that is best against the true pairs, ours as it is \
used; splink's assignment is not timed.

| tables | rows | seconds | splink's | times | F1 | splink's | peak MB, ours / splink's | goal |
|---|---:|---:|---:|---:|---:|---:|---:|---|
{chr(10).join(lines)}

How splink was set up is in `benchmarks/matching/with_splink.py`: title (Jaro-Winkler, words in \
common), model number (Levenshtein, with term frequencies), brand and price; blocked on model \
number, on rare words, on brand with the first word. Its makers say that it is not made for a \
column that is a bag of words, which a product's title is.
"""


def main(
    splink: Annotated[str, typer.Argument(help="Python of the environment that has splink")],
    data: Annotated[Path, typer.Option(help="folder of */full")] = ROOT.parent / "shared/data/er",
    sizes: Annotated[str, typer.Option(help="of synthetic tables, by commas")] = "10000",
    runs: Annotated[int, typer.Option(help="of each")] = 3,
    limit: Annotated[int, typer.Option(help="seconds of one run")] = 600,
) -> None:
    """Measure, and write the report."""
    asked = {folder.parent.name: read_folder(folder) for folder in sorted(data.glob("*/full"))}
    asked |= {f"synthetic {size}": made(int(size)) for size in sizes.split(",") if size}
    version = measuring.measure(
        [splink, "-c", "import splink; print(splink.__version__)"], cwd=ROOT, env=os.environ
    ).out.strip()
    beside("small tables, not reported", made(400), splink, 1, limit)
    report = {
        **measuring.machine(),
        "splink": version,
        "runs": runs,
        "tables": {
            name: beside(name, benchmark, splink, runs, limit) for name, benchmark in asked.items()
        },
    }
    measuring.write("matching-peer", report, page(report))


if __name__ == "__main__":
    typer.run(main)
