"""What goes into the Lambda: no Prefect, no numpy, no polars, and small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anyio
import certifi
import h11
import httpcore
import httpx
import idna

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "infra" / "autoscaler"
FORBIDDEN = ("prefect", "polars", "numpy", "pandas", "altair", "sdk", "blocks", "flows", "moto")


def test_the_handler_loads_nothing_that_is_not_packed() -> None:
    script = (
        "import sys, infra.autoscaler.handler; "
        f"print([name for name in {FORBIDDEN!r} if name in sys.modules], "
        "[name for name in sys.modules if name.startswith(('infra.testing', "
        "'infra.autoscaler.simulator', 'infra.worker'))])"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[] []"


def test_the_package_is_small() -> None:
    # httpx and what it needs; boto3 comes with the runtime.
    folders = [Path(str(m.__file__)).parent for m in (anyio, certifi, h11, httpcore, httpx, idna)]
    files = [f for folder in folders for f in folder.rglob("*") if "__pycache__" not in f.parts]
    files += FOLDER.glob("*.py")
    assert sum(file.stat().st_size for file in files if file.is_file()) < 10_000_000
