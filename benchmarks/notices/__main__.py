"""The chaos at full numbers: ``python -m benchmarks.notices``."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.notices.chaos import run


def main() -> int:
    """Carry it out, print what came of it, and keep it in docs/benchmarks."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Path(folder), faults=1000, fingerprints=40, kills=60, retry_after=1)
    found = asdict(outcome)
    for name, value in found.items():
        print(f"{name:13} {value}")
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
