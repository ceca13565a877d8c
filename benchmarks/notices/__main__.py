"""The chaos at full numbers: ``python -m benchmarks.notices``; about three minutes."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.notices.chaos import run


def main() -> int:
    """Carry it out and print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Path(folder), faults=1000, fingerprints=40, kills=60, retry_after=1)
    for name, value in asdict(outcome).items():
        print(f"{name:13} {value}")
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
