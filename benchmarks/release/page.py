"""What the bench of releases says: the numbers as JSON, and a readable page."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.release.bench import GOOD, Made
from benchmarks.release.load import Account, p95


def result(done: list[Made], found: Account, quiet_until: float, asked: int) -> dict[str, Any]:
    """Return the numbers.

    Args:
        done: releases that were made.
        found: what the ledger says of the load.
        quiet_until: when the first of them began, seconds since the epoch.
        asked: how many there were to be.
    """
    quiet = [wait for at, wait in found.waits.values() if at < quiet_until]
    during = [wait for at, wait in found.waits.values()
              if any(one.begun <= at <= one.begun + one.seconds for one in done)]  # fmt: skip
    account = asdict(found)
    del account["waits"]
    return {
        "asked": asked,
        "good": sum(one.kind == GOOD for one in done),
        "failing": sum(one.kind != GOOD for one in done),
        "not as expected": [asdict(one) for one in done if not one.right],
        **account,
        "p95 wait without releases, s": round(p95(quiet), 2),
        "p95 wait during releases, s": round(p95(during), 2),
        "releases": [asdict(one) for one in done],
    }


def write(folder: Path, made: dict[str, Any]) -> None:
    """Write both, each whole or not at all: the bench may be ended at any moment."""
    texts = {"release.json": json.dumps(made, indent=1) + "\n", "release.md": page(made)}
    for name, text in texts.items():
        fresh = folder / f"{name}.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(folder / name)


def page(made: dict[str, Any]) -> str:
    """Return the page."""
    rows = [
        ("good releases", made["good"]),
        ("releases that were disturbed", made["failing"]),
        ("of them not ended as they must", len(made["not as expected"])),
        ("runs started", made["runs"]),
        ("runs lost", len(made["lost"])),
        ("runs doubled", len(made["doubled"])),
        ("runs of mixed version", len(made["mixed"])),
        ("runs failed or crashed", len(made["bad"])),
        ("requests that were tried again", made["retried"]),
        ("errors that a client's retries did not hide", len(made["errors"])),
        ("p95 wait without releases, s", made["p95 wait without releases, s"]),
        ("p95 wait during releases, s", made["p95 wait during releases, s"]),
    ]
    if made["open"]:
        rows.append(("runs still under way", len(made["open"])))
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    kinds: dict[str, list[dict[str, Any]]] = {}
    for one in made["releases"]:
        kinds.setdefault(one["kind"], []).append(one)
    told = "\n".join(
        f"| {kind} | {len(ones)} | {', '.join(sorted({one['ended'] for one in ones}))} | "
        f"{sum(one['seconds'] for one in ones) / len(ones):.0f} |"
        for kind, ones in kinds.items()
    )
    count = made["good"] + made["failing"]
    part = "" if count == made["asked"] else f" {count} of {made['asked']} releases were made."
    return (
        "# Releases under load\n\nMade by `make bench-release`; a run begins every two seconds at "
        f"most, every fourth has a child.{part}\n\n| what | |\n|---|---:|\n"
        f"{table}\n\n| kind | times | ended | seconds each |\n|---|---:|---|---:|\n{told}\n"
    )
