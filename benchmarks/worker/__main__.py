"""From trigger to running, and runs a minute: ``make bench-worker``.

    python -m benchmarks.worker [--rounds 5] [--runs 20] [--burst 50] [--only NAME ...]

The contenders take turns on one real server with PostgreSQL. LEAK_RUNS=1000 also gives one warm
worker so many runs and looks at its memory and descriptors.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measuring import machine, write
from benchmarks.worker.page import page
from benchmarks.worker.stand import (
    CONTENDERS,
    Contender,
    Stand,
    children,
    descriptors,
    memory,
    moment,
)
from sdk.api import Api
from sdk.testing.server import serving


def main() -> None:
    """Measure and write ``docs/benchmarks/worker``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=20, help="single runs a round")
    parser.add_argument("--burst", type=int, default=50, help="runs at once a round")
    parser.add_argument("--only", nargs="*", default=[c.name for c in CONTENDERS])
    given = parser.parse_args()
    chosen = [one for one in CONTENDERS if one.name in given.only]
    load = round(os.getloadavg()[1], 1)
    leak = int(os.environ.get("LEAK_RUNS") or 0)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder)) as server,
        Api(server.api_url, patience=300) as api,
    ):
        stand = Stand(server, api)
        found: dict[str, dict[str, Any]] = {
            one.name: {"what": one.what, "seconds": [], "per_minute": [], "memory": []}
            for one in chosen
        }
        for number in range(given.rounds):
            for one in chosen:
                _round(stand, one, given.runs, given.burst, found[one.name])
                said = _summary(found[one.name])
                print(f"round {number + 1}/{given.rounds} {one.name}: {said}", flush=True)
        leaks = _leak(stand, leak) if leak else []
    results = {
        "rounds": given.rounds,
        "runs": given.runs,
        "burst": given.burst,
        "machine": machine(),
        "load": load,
        "contenders": {name: {**one, **_summary(one)} for name, one in found.items()},
        "leak": leaks,
    }
    write("worker", results, page(results))


def _round(stand: Stand, one: Contender, runs: int, burst: int, into: dict[str, Any]) -> None:
    with stand.worker(one) as worker:
        if one.type == "warm":
            into["memory"].append(_idle(worker.pid))
        for _ in range(runs):
            # Not in step with the worker's looks.
            time.sleep(random.uniform(0.5, 2.5))
            asked = time.time()
            (run,) = stand.wait(stand.start(one))
            into["seconds"].append(round(moment(run["start_time"]) - asked, 3))
        if burst:
            began = time.time()
            ended = stand.wait(stand.start(one, burst))
            took = max(moment(run["end_time"]) for run in ended) - began
            into["per_minute"].append(round(60 * burst / took, 1))


def _idle(worker: int) -> dict[str, float]:
    """Return the memory of an idle interpreter, and what each spare adds to it."""
    warm = [pid for pid in children(worker) if b"interpreter.py" in _command(pid)]
    spares = [spare for pid in warm for spare in children(pid)]
    return {
        "interpreters": len(warm),
        "rss": round(statistics.mean(memory(pid)["rss"] for pid in warm)),
        "pss": round(statistics.mean(memory(pid)["pss"] for pid in warm)),
        "spares": len(spares),
        "spare_own": round(statistics.mean([memory(s)["own"] for s in spares] or [0])),
    }


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _leak(stand: Stand, runs: int) -> list[dict[str, float]]:
    one = next(c for c in CONTENDERS if c.name == "warm")
    found = []
    with stand.worker(one, DATAWEAVE_WARM_MAX_RUNS=str(10 * runs)) as worker:
        done = 0
        while True:
            time.sleep(3)
            (warm,) = [pid for pid in children(worker.pid) if b"interpreter.py" in _command(pid)]
            found.append({
                "runs": done,
                "worker": round(memory(worker.pid)["rss"], 1),
                "worker_files": descriptors(worker.pid),
                "template": round(memory(warm)["rss"], 1),
                "template_files": descriptors(warm),
                "children": len(children(warm)),
            })  # fmt: skip
            print(found[-1], flush=True)
            if done >= runs:
                return found
            stand.wait(stand.start(one, min(100, runs - done)))
            done += min(100, runs - done)


def _summary(one: dict[str, Any]) -> dict[str, float | None]:
    seconds = sorted(one["seconds"])
    return {
        "p50": round(statistics.median(seconds), 2) if seconds else None,
        "p95": seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))] if seconds else None,
        "median_per_minute": statistics.median(one["per_minute"]) if one["per_minute"] else None,
    }


if __name__ == "__main__":
    main()
