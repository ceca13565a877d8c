"""Canary, watch and reconciler at full numbers: ``python -m benchmarks.running [PART…]``.

    faults   each seeded fault found in one cycle, none invented in --cycles quiet ones (2 minutes)
    load     --minutes under load without a false alarm, then --deaths runs that die unreported
    killed   --kills SIGKILLs of everybody during --runs runs (an hour)

Without a part: faults and load. What each found is written to ``docs/benchmarks/running``, beside
what the other parts found before.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import asdict
from typing import Any

from benchmarks.measuring import DOCS, machine, write
from benchmarks.running import faults, killed, load
from benchmarks.running.page import page

PARTS = ("faults", "load", "killed")


def main() -> int:
    """Carry the parts out, write what came of them."""
    parser = argparse.ArgumentParser(description="Canary, watch and reconciler at full numbers.")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=["faults", "load"])
    parser.add_argument("--cycles", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--deaths", type=int, default=12)
    parser.add_argument("--concurrent", type=int, default=20)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=8)
    given = parser.parse_args()
    logging.getLogger("canary").setLevel(logging.ERROR)  # what is found is counted
    kept = DOCS / "running.json"
    results: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    results["machine"] = machine()
    problems: list[str] = []
    for part in given.parts:
        made: Any
        if part == "faults":
            made = faults.run(given.cycles)
        elif part == "load":
            made = load.run(given.minutes, given.deaths, given.concurrent, given.seed)
        else:
            made = killed.run(given.kills, given.runs, given.seed)
        results[part] = asdict(made)
        problems += made.problems
    write("running", results, page(results))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
