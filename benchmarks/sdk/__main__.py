"""What the SDK costs, against plain Prefect in the same run: ``make bench-sdk``."""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.measuring import Measured, interleaved, machine, measure, write
from benchmarks.sdk.contenders import CONTENDERS

ROOT = Path(__file__).parents[2]
RUNS = 5
CORES = 2


def main() -> None:
    """Measure and write ``docs/benchmarks/sdk``."""
    found = interleaved({name: _run(name) for name in CONTENDERS}, runs=RUNS)
    medians = {
        name: round(statistics.median(run.seconds for run in runs), 4)
        for name, runs in found.items()
    }
    rows = _rows(medians)
    write(
        "sdk",
        {
            "runs": RUNS,
            "machine": machine(),
            "medians": medians,
            "results": [{"what": what, "value": value, "goal": goal} for what, value, goal in rows],
        },
        _page(rows, medians),
    )


def _run(name: str) -> Any:
    env = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}

    def contend(number: int) -> Measured:
        command = [sys.executable, "-m", "benchmarks.sdk.contenders", name]
        measured = measure(command, cwd=ROOT, env=env)
        # The contender's own clock: starting Python and Prefect is not what is compared.
        seconds = float(measured.out.rsplit("seconds ", 1)[1])
        return Measured(seconds, measured.peak_mb, measured.out)

    return contend


def _rows(median: dict[str, float]) -> list[tuple[str, str, str]]:
    mapped = median["mapped-sdk"] / median["mapped-plain"]
    pipeline = median["pipeline-sdk"] / median["pipeline-plain"]
    faster = median["mapped-plain"] / median["fanout-200"]
    allowed = 1.3 * median["pure-20000"] + 2
    extra = median["import-both"] - median["import-prefect"]
    return [
        ("200 mapped tasks, SDK's decorators over Prefect's", f"{mapped:.3f}", "≤ 1.03"),
        ("5 × 4 pipeline, SDK's decorators over Prefect's", f"{pipeline:.3f}", "≤ 1.03"),
        ("200 items: Prefect's map over `fanout`", f"{faster:.1f} times", "≥ 10 times"),
        (
            "20,000 items of 1 ms through `fanout`, 2 processes",
            f"{median['fanout-20000']:.1f} s",
            f"≤ 1.3 × {median['pure-20000']:.1f} s + 2 s = {allowed:.1f} s",
        ),
        ("`import sdk` beside `import prefect`", f"{extra:+.2f} s", "≤ 0.3 s"),
        ("publication of a manifest", f"{1000 * median['publication']:.1f} ms", "< 10 ms"),
        ("10 checks over 1,000,000 rows", f"{median['checks']:.2f} s", "< 1 s"),
    ]


def _page(rows: list[tuple[str, str, str]], medians: dict[str, float]) -> str:
    lines = [
        "# What the SDK costs",
        "",
        f"`make bench-sdk`: medians of {RUNS} interleaved runs, each in a process of its own, with"
        " Prefect's in-process API on SQLite. Starting up is not counted.",
        "",
        "| | measured | goal |",
        "|---|---:|---|",
        *(f"| {what} | {value} | {goal} |" for what, value, goal in rows),
        "",
        "Seconds: " + ", ".join(f"{name} {value:.3f}" for name, value in medians.items()) + ".",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
