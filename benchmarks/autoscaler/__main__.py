"""`python -m benchmarks.autoscaler`: the simulator's default study, and the drain, into docs/."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

from infra.autoscaler.simulator.__main__ import main as simulate

DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"


def main() -> int:
    """Run everything and write the results; fail if the drain did."""
    out = io.StringIO()
    arguments = ["--policy", "all", "--seeds", "3", "--json"]
    with contextlib.redirect_stdout(out):
        code = simulate([*arguments, "--plot", str(DOCS / "autoscaler.svg")])
    drain = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "drain.py")], capture_output=True, text=True
    )
    results = {"retail": json.loads(out.getvalue()), "drain": json.loads(drain.stdout)}
    (DOCS / "autoscaler.json").write_text(json.dumps(results, indent=1) + "\n")
    return code or drain.returncode


if __name__ == "__main__":
    raise SystemExit(main())
