"""How matching grows: records a second, memory and candidate recall on synthetic tables.

``python benchmarks/matching/scale.py SIZE`` measures candidate recall, then the full model with
one and with two workers, each in a process of its own, and writes
``docs/benchmarks/matching-scale.{md,json}``. ``--one recall`` or ``--one WORKERS`` measures one of
them and prints a line of JSON. The matcher is trained on a small synthetic sample first, which is
not timed; reading the tables is not, making the cluster is not, everything else is.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
import typer

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]
GOALS = {
    "records a second, two workers": ("≥ 20,000", 20_000),
    "times one worker": ("≥ 1.85", 1.85),
    "memory, all processes": ("< 6 GB", 6.0),
    "recall at 10 of the candidates": ("≥ 97 %", 0.97),
}


def recall(size: int, most: int = 5000) -> dict[str, Any]:
    """Measure the candidates alone, for some of the records."""
    from synthetic import two_shops

    from flows.pipeline.matching import candidates
    from flows.pipeline.matching.two_tables import CANDIDATES, Tables

    tables = Tables.of(*two_shops(size))
    index = candidates.Index.of(tables.b)
    asked = np.sort(np.random.default_rng(2).choice(size, min(size, most), replace=False))
    queries = tables.a.take(asked)
    candidates.find(queries.take(np.arange(1)), index, CANDIDATES)  # compiles
    start = time.process_time()
    i, j = candidates.find(queries, index, CANDIDATES)
    seconds = time.process_time() - start
    found = np.zeros(len(asked), bool)
    found[i[asked[i] == j]] = True
    return {
        "asked": len(asked),
        "recall_at_10": round(float(found.mean()), 4),
        "candidates_per_record": round(len(i) / len(asked), 1),
        "microseconds_per_query": round(seconds / len(asked) * 1e6),
    }


def whole(size: int, workers: int) -> dict[str, Any]:
    """Match two tables with the full model on so many workers."""
    from memory import Peak
    from synthetic import two_shops

    from flows.pipeline.matching.cluster import connect
    from flows.pipeline.matching.matching import match

    told = logging.getLogger("flows.pipeline.matching")
    told.addHandler(logging.StreamHandler())
    told.setLevel(logging.INFO)
    a, b = two_shops(size)
    matcher = _trained()
    with connect(f"local:{workers}") as client, Peak() as peak:
        start = time.perf_counter()
        found = match(a, b, matcher, client=client)
        seconds = time.perf_counter() - start
    right = (found["a_id"].str.slice(1) == found["b_id"].str.slice(1)).sum()
    return {
        "workers": workers,
        "seconds": round(seconds, 1),
        "records_per_second": round(2 * size / seconds),
        "peak_gb": round(peak.bytes / 1e9, 2),
        "precision": round(right / max(found.height, 1), 4),
        "recall": round(right / size, 4),
    }


def _trained() -> Any:
    from synthetic import two_shops

    from flows.pipeline.matching.training import train
    from flows.pipeline.matching.two_tables import Tables

    a, b = two_shops(1000, seed=9)
    i, j = Tables.of(a, b).candidates(5)
    pairs = {"a": a["id"].gather(i), "b": b["id"].gather(j), "label": (i == j).astype(int)}
    return train(a, b, pl.DataFrame(pairs))


def _apart(size: int, one: str) -> dict[str, Any]:
    """Measure in a process of its own: what one run leaves in memory is no other's."""
    command = [sys.executable, __file__, str(size), "--one", one]
    print(f"measuring: {one} ...", file=sys.stderr, flush=True)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def write(size: int, report: dict[str, Any], folder: Path) -> None:
    """Write the report as JSON, and as a page for people."""
    (folder / "matching-scale.json").write_text(json.dumps(report, indent=1) + "\n")
    one, two, found = report["one_worker"], report["two_workers"], report["candidates"]
    times = one["seconds"] / two["seconds"]
    values = {
        "records a second, two workers": (f"{two['records_per_second']:,}", 1),
        "times one worker": (f"{times:.2f}", 1),
        "memory, all processes": (f"{two['peak_gb']:.1f} GB", -1),
        "recall at 10 of the candidates": (f"{found['recall_at_10']:.1%}", 1),
    }
    measured = (two["records_per_second"], times, two["peak_gb"], found["recall_at_10"])
    rows = []
    for (name, (shown, sign)), value in zip(values.items(), measured, strict=True):
        goal, edge = GOALS[name]
        reached = (value - edge) * sign >= 0
        rows.append(f"| {name} | {goal} | {shown} | {'reached' if reached else 'missed'} |")
    lines = "\n".join(
        f"| {run['workers']} | {run['seconds']:,} | {run['records_per_second']:,} "
        f"| {run['peak_gb']} | {run['precision']:.1%} | {run['recall']:.1%} |"
        for run in (one, two)
    )
    (folder / "matching-scale.md").write_text(
        f"""# Matching at scale

`make bench-matching SIZE={size}`: {size:,} × {size:,} synthetic products, the full model, on a \
local Dask cluster of single-threaded workers ({report["machine"]}). Records are those of both \
tables. Memory is that of all processes together, shared pages counted once.

| | goal (1M × 1M) | measured | |
|---|---:|---:|---|
{chr(10).join(rows)}

| workers | seconds | records/s | peak GB | precision | recall |
|---:|---:|---:|---:|---:|---:|
{lines}

Candidates: {found["candidates_per_record"]} a record, {found["microseconds_per_query"]} \
microseconds of processor time for each ({found["asked"]:,} queries). Made data is easier than \
real data: this measures speed, memory and how recall holds with size, not quality.
""",
        encoding="utf-8",
    )


def main(
    size: Annotated[int, typer.Argument(help="records of each table")],
    one: Annotated[str, typer.Option(help="recall, or a number of workers")] = "",
    folder: Annotated[Path, typer.Option(help="of the report")] = ROOT / "docs" / "benchmarks",
) -> None:
    """Measure, and write the report."""
    if one:
        print(json.dumps(recall(size) if one == "recall" else whole(size, int(one))))
        return
    report = {
        "size": size,
        "machine": f"{os.cpu_count()} processors, {platform.machine()}",
        "candidates": _apart(size, "recall"),
        "one_worker": _apart(size, "1"),
        "two_workers": _apart(size, "2"),
    }
    write(size, report, folder)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    typer.run(main)
