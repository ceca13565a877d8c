"""This matcher without labels, from two tables to one partner for each record.

``python benchmarks/matching/with_ours.py FOLDER`` reads ``a.csv`` and ``b.csv``, writes the pairs
to ``ours.csv`` and prints a line of JSON. Learning from the tables, candidates, scores, assignment
and reasons are timed; starting Python, its modules and reading the tables are not.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


def main(folder: Path) -> None:
    """Match the two tables of a folder."""
    from flows.pipeline.matching.matching import match

    a, b = (pl.read_csv(folder / f"{side}.csv", infer_schema=False) for side in "ab")
    started = time.perf_counter()
    found = match(a, b, one_to_one=True)
    seconds = time.perf_counter() - started
    found.select(a="a_id", b="b_id", weight="probability").write_csv(folder / "ours.csv")
    print(json.dumps({"seconds": seconds, "pairs": found.height}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
