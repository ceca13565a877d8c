"""`python -m infra.autoscaler.simulator`: simulate, say what came out, and draw it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from infra.autoscaler.simulator import retail
from infra.autoscaler.simulator.chart import draw
from infra.autoscaler.simulator.controllers import peak_of
from infra.autoscaler.simulator.faults import NO_FAULTS, Faults
from infra.autoscaler.simulator.study import OURS, SETTINGS, Point, as_json, survey
from infra.autoscaler.simulator.trace import Job, TraceError, read_trace


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code, 2 for a trace that cannot be read."""
    options = _parser().parse_args(arguments)
    names = list(SETTINGS) if "all" in options.policy else list(dict.fromkeys(options.policy))
    seeds = range(1, options.seeds + 1)
    try:
        if options.trace is None:
            loads = {seed: retail.generate(seed, options.hours) for seed in seeds}
        else:
            trace = read_trace(options.trace, options.schedule)
            loads = dict.fromkeys(seeds, trace)
    except TraceError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    faults = NO_FAULTS if options.no_faults else Faults()
    points = survey(
        names,
        loads,
        slots=options.slots,
        faults=faults,
        frontier=not options.no_frontier,
        processes=options.processes,
    )
    if options.plot is not None:
        draw(points, options.plot, "Cost against wait, medians of the seeds")
    if options.json:
        load = {"slots": options.slots, "seeds": list(seeds), "faults": asdict(faults)}
        result = {"load": load | _describe(loads), **as_json(points)}
        sys.stdout.write(json.dumps(result, indent=2, sort_keys=False) + "\n")
    else:
        sys.stdout.write(_table(points))
    return 0


def _describe(loads: dict[int, list[Job]]) -> dict[str, object]:
    return {
        "runs": [len(jobs) for jobs in loads.values()],
        "announced_share": [
            round(sum(job.announced for job in jobs) / len(jobs), 4) for jobs in loads.values()
        ],
        "peak_concurrency": [peak_of(jobs) for jobs in loads.values()],
        "slot_hours": [
            round(sum(job.duration for job in jobs) / 3600.0, 2) for jobs in loads.values()
        ],
    }


def _table(points: dict[str, list[Point]]) -> str:
    lines = [f"{'policy':<16}{'p95 wait s':>12}{'worker-hours':>14}{'killed':>8}"]
    lines += [
        f"{name:<16}{found[0].p95_wait_s:>12.1f}{found[0].worker_hours:>14.1f}{found[0].killed:>8}"
        for name, found in points.items()
    ]
    return "\n".join(lines) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.autoscaler.simulator")
    parser.add_argument(
        "--trace", type=Path, help="CSV: arrival_s, duration_s[, flow]; generated load if absent"
    )
    parser.add_argument("--schedule", type=Path, help="CSV: arrival_s[, flow] of announced runs")
    parser.add_argument(
        "--policy",
        nargs="+",
        default=["all"],
        choices=["all", *SETTINGS],
        metavar="NAME",
        help=f"all, or of: {', '.join(SETTINGS)} ({OURS} is ours)",
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, from 1")
    parser.add_argument("--slots", type=int, default=4, help="runs a machine runs at once")
    parser.add_argument("--hours", type=int, default=24, help="of generated load")
    parser.add_argument("--no-faults", action="store_true", help="nothing goes wrong")
    parser.add_argument("--no-frontier", action="store_true", help="usual settings only: faster")
    parser.add_argument("--json", action="store_true", help="everything measured, as JSON")
    parser.add_argument("--plot", type=Path, help="SVG of the frontier")
    parser.add_argument("--processes", type=int, help="simulations at a time; all cores if absent")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
