"""Everything is killed while runs are under way: none is lost, none does its work twice."""

from __future__ import annotations

import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.running.stand import VICTIMS, Stand, stand

STARTS = 5
"""Of each run at most: `relaunch:5`."""
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}


@dataclass
class Killed:
    """What became of the runs.

    Attributes:
        runs: how many there were.
        kills: how often each was killed.
        completed: runs that ended well.
        reported: runs that ended Crashed or Failed, their starts spent.
        relaunched: times that a run was started again.
        rows: runs that wrote their row.
        again: times that a run did its work after its row was there: its last word was lost.
        seconds: in all.
        problems: what should not be; empty if all is well.
    """

    runs: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    completed: int = 0
    reported: int = 0
    relaunched: int = 0
    rows: int = 0
    again: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def run(kills: int, runs: int, seed: int = 8, patience: float | None = None) -> Killed:
    """Start runs, kill whoever is there until so many were killed; return what became of them.

    Args:
        kills: SIGKILLs.
        runs: how many.
        seed: of who is killed, and when.
        patience: seconds until all must have ended.
    """
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as rows,
        stand(DATAWEAVE_HEARTBEAT="3", DATAWEAVE_SILENT="20") as platform,
    ):
        entrypoint = "benchmarks/running/ledger_flow.py:ledger"
        deployment = platform.deploy("ledger", entrypoint, f"relaunch:{STARTS}")
        for number in range(runs):
            row = f"row-{number:03}"
            platform.start(deployment, row, row=row, folder=rows, seconds=4.0)
        _kill(platform, deployment, kills, random.Random(seed),
              patience or 300 + 20 * runs + 10 * kills)  # fmt: skip
        found = _told(platform, deployment, Path(rows), kills, runs)
    found.seconds = round(time.monotonic() - began, 1)
    return found


def _kill(
    platform: Stand, deployment: str, kills: int, chance: random.Random, patience: float
) -> None:
    # One of each kind first, then by chance: a small sample kills everybody too.
    order = [*dict.fromkeys(VICTIMS)]
    if kills >= len(order):
        chance.shuffle(order)
    order += chance.choices(VICTIMS, k=max(0, kills - len(order)))
    left = order[:kills]
    end, next_kill = time.monotonic() + patience, time.monotonic() + 3
    while time.monotonic() < end:
        if left and time.monotonic() > next_kill and platform.kill(left[0], chance):
            left.pop(0)
            # Faster than a restart of the server takes, now and then.
            next_kill = time.monotonic() + chance.uniform(1, 12)
        if not left:
            states = platform.states(deployment).values()
            if all(one["state_type"] in ENDED and not _comes_again(one) for one in states):
                return
        time.sleep(0.5)


def _comes_again(one: dict[str, object]) -> bool:
    return one["state_type"] == "CRASHED" and int(str(one["run_count"] or 0)) < STARTS


def _told(platform: Stand, deployment: str, rows: Path, kills: int, runs: int) -> Killed:
    states = platform.states(deployment).values()
    made = Killed(runs=len(states), rows=len(list(rows.glob("*.row"))))
    made.kills = {victim: platform.kills.count(victim) for victim in dict.fromkeys(platform.kills)}
    made.relaunched = sum(one["action"] == "relaunch" for one in platform.settled())
    made.again = len(list(rows.glob("*.again.*")))
    if len(platform.kills) != kills:
        made.problems.append(f"{len(platform.kills)} kills of {kills}")
    if len(states) != runs:
        made.problems.append(f"{len(states)} runs of {runs}")
    for one in states:
        starts, name = one["run_count"] or 0, one["name"]
        said = f"{name}: {one['state_name']}, {starts} starts, {one['state']['message']}"
        if one["state_type"] == "COMPLETED":
            made.completed += 1
            if not (rows / f"{name}.row").exists():
                made.problems.append(f"completed without a row: {said}")
        elif one["state_type"] in {"CRASHED", "FAILED"} and starts >= STARTS:
            made.reported += 1
        else:
            made.problems.append(f"lost: {said}")
    return made
