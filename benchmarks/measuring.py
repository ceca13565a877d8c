"""How benchmarks measure: whole processes, by the kernel's own accounts, several runs apart.

A benchmark names its contenders; they take turns, so that a busy minute of the machine hits all
of them, and the median of the runs counts. Results are written as JSON beside a readable page.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs" / "benchmarks"


@dataclass(frozen=True)
class Measured:
    """One run of a command.

    Attributes:
        seconds: wall time.
        peak_mb: the largest resident set of the process, in 10^6 bytes.
        out: what it wrote.
    """

    seconds: float
    peak_mb: float
    out: str


def measure(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Measured:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; the end of its output is in the message.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    out = process.stdout.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{out[-2000:]}")
    return Measured(time.perf_counter() - began, usage.ru_maxrss * 1024 / 1e6, out)


def interleaved(
    contenders: Mapping[str, Callable[[int], Measured]], *, runs: int
) -> dict[str, list[Measured]]:
    """Run every contender `runs` times, taking turns; each is given the number of its run."""
    found: dict[str, list[Measured]] = {name: [] for name in contenders}
    for number in range(runs):
        for name, contend in contenders.items():
            found[name].append(contend(number))
            print(f"run {number + 1}/{runs} {name}: {found[name][-1].seconds:.2f} s", flush=True)
    return found


def median(runs: Sequence[Measured]) -> dict[str, float]:
    """Return the medians of some runs."""
    return {
        "seconds": round(statistics.median(run.seconds for run in runs), 2),
        "peak_mb": round(statistics.median(run.peak_mb for run in runs)),
    }


def machine() -> dict[str, Any]:
    """Say on what was measured."""
    return {"cores": os.cpu_count(), "python": platform.python_version()}


def write(name: str, results: Mapping[str, Any], page: str) -> None:
    """Write ``docs/benchmarks/<name>.json`` and ``.md``."""
    DOCS.mkdir(parents=True, exist_ok=True)
    (DOCS / f"{name}.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (DOCS / f"{name}.md").write_text(page)
    print(page)
