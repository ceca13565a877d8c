"""How matching grows: records a second, candidate recall and memory on synthetic tables.

``python benchmarks/matching/scale.py SIZE WORKERS [--recall-only]``; prints one line of JSON. The
matcher is trained on a small synthetic sample first, which is not timed.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))


def main(size: int, workers: int, recall_only: bool) -> None:
    """Run once and print the figures."""
    from synthetic import two_shops

    from flows.pipeline.matching import candidates
    from flows.pipeline.matching.cluster import connect
    from flows.pipeline.matching.matcher import Tables
    from flows.pipeline.matching.matching import match
    from flows.pipeline.matching.training import train

    a, b = two_shops(size)
    if recall_only:
        start = time.perf_counter()
        tables = Tables.of(a, b)
        encoded = time.perf_counter()
        index = candidates.Index.of(tables.b, tables.known)
        asked = np.sort(np.random.default_rng(2).choice(size, min(size, 5000), replace=False))
        indexed = time.perf_counter()
        i, j = candidates.find(tables.a.take(asked), index, 10)
        found = np.zeros(len(asked), bool)
        found[i[asked[i] == j]] = True
        report = {
            "size": size,
            "asked": len(asked),
            "recall_at_10": round(float(found.mean()), 4),
            "candidates_per_record": round(len(i) / len(asked), 1),
            "encode_seconds": round(encoded - start, 1),
            "index_seconds": round(indexed - encoded, 1),
            "microseconds_per_query": round((time.perf_counter() - indexed) / len(asked) * 1e6),
        }
    else:
        small_a, small_b = two_shops(1000, seed=9)
        small = Tables.of(small_a, small_b)
        i, j = small.candidates(5)
        pairs = pl.DataFrame(
            {
                "a": small_a["id"].gather(i),
                "b": small_b["id"].gather(j),
                "label": (i == j).astype(int),
            }
        )
        matcher = train(small_a, small_b, pairs)
        with connect(f"local:{workers}") as client:
            start = time.perf_counter()
            found = match(a, b, matcher, client=client)
            seconds = time.perf_counter() - start
        right = (found["a_id"].str.slice(1) == found["b_id"].str.slice(1)).sum()
        report = {
            "size": size,
            "workers": workers,
            "seconds": round(seconds, 1),
            "records_per_second": round(2 * size / seconds),
            "precision": round(right / max(found.height, 1), 4),
            "recall": round(right / size, 4),
        }
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    report["peak_mb_here"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    report["peak_mb_largest_worker"] = round(children / 1024)
    print(json.dumps(report))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), "--recall-only" in sys.argv)
