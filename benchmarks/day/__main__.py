"""A customer's day, whole: the platform against the same pure functions in a plain script.

Usage: ``python -m benchmarks.day [SOURCE] [DAY] [CUSTOMER]``, by default the real price files of
2026-08-15. Contenders, three runs each, taking turns:

* plain: `benchmarks.day.plain`, the stages' pure functions one after the other, nothing published;
* first: ``python -m flows run`` into an empty store, with a new Prefect database;
* again: the same command once more, which reuses everything.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import Measured, interleaved, machine, measure, median, write

ROOT = Path(__file__).parents[2]
RUNS = 3
GOALS = {"first": (45.0, 1500.0), "again": (10.0, None)}


def main(source: str, day: str, customer: str) -> None:
    """Measure and write ``docs/benchmarks/day``."""
    folder = Path(tempfile.mkdtemp(prefix="bench-day-"))
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    env |= {"PYTHONPATH": str(ROOT)}
    flow = [sys.executable, "-m", "flows", "run"]
    flow += ["--source", source, "--day", day, "--customer", customer]
    script = [sys.executable, "-m", "benchmarks.day.plain", source, day]

    def place(number: int) -> Path:
        made = folder / str(number)
        made.mkdir(exist_ok=True)
        return made

    def run(command: list[str]) -> object:
        def contend(number: int) -> Measured:
            return measure(command, cwd=place(number), env=env)

        return contend

    try:
        found = interleaved(
            {"plain": run(script), "first": run(flow), "again": run(flow)},  # type: ignore[dict-item]
            runs=RUNS,
        )
    finally:
        shutil.rmtree(folder)
    medians = {name: median(runs) for name, runs in found.items()}
    results = {"source": Path(source).name, "day": day, "runs": RUNS, "machine": machine()}
    ratio = round(medians["first"]["seconds"] / medians["plain"]["seconds"], 2)
    results |= {"medians": medians, "first_over_plain": ratio}
    write("day", results, _page(results))


def _page(results: dict[str, object]) -> str:
    medians: dict[str, dict[str, float]] = results["medians"]  # type: ignore[assignment]
    words = {
        "plain": "plain script: the pure functions alone, nothing published",
        "first": "`make run`, empty store, new Prefect database",
        "again": "`make run` again: everything reused",
    }
    lines = [
        "# A customer's day",
        "",
        f"`make bench-day`: {results['source']}, {results['day']}, with all earlier days in the"
        f" folder. Medians of {results['runs']} interleaved runs; the whole process counts,"
        " imports included.",
        "",
        "| | seconds | peak memory | goal |",
        "|---|---:|---:|---|",
    ]
    for name, text in words.items():
        goal = ""
        if name in GOALS:
            seconds, memory = GOALS[name]
            goal = f"under {seconds:.0f} s" + (f", under {memory:.0f} MB" if memory else "")
        row = medians[name]
        lines.append(f"| {text} | {row['seconds']:.1f} | {row['peak_mb']:.0f} MB | {goal} |")
    lines += [
        "",
        f"The platform takes {results['first_over_plain']} times as long as the plain script."
        " What it adds is importing Prefect, making its database, its API calls, the checks, and"
        " publishing every stage.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    given = sys.argv[1:]
    defaults = [str(ROOT.parent / "shared" / "data" / "il_prices"), "2026-08-15", "metro"]
    main(*(given + defaults[len(given) :]))
