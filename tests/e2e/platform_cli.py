"""How the end-to-end tests run the command line, and how they compare what it left."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(home: Path) -> dict[str, str]:
    """The environment of a command: that of a fresh machine, Prefect's database in `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    kept.pop("DATAWEAVE_STORAGE", None)
    return kept | {"PREFECT_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "140"}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flows", "run", *arguments]


def run(folder: Path, home: Path, *arguments: str) -> Outcome:
    """Run a customer's day in a folder, as a newcomer would."""
    home.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=240,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def published(store: Path, customer: str, *datasets: str) -> dict[str, str]:
    """The hash of every published part of some datasets, by its path."""
    found = {}
    for dataset in datasets:
        for path in sorted((store / customer / dataset).rglob("*")):
            if path.is_file() and not path.name.startswith(("manifest-", ".tmp-")):
                name = str(path.relative_to(store))
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
