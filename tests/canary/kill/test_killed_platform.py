"""Everything is killed while runs are under way: none is lost, none does its work twice.

A sample here; at full numbers (100 SIGKILLs during 200 runs) by `make soak`, which sets
DATAWEAVE_PLATFORM_KILLS and DATAWEAVE_PLATFORM_RUNS.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from infra.controller.layout import PlatformProblemError, program
from tests.canary.kill.stand import VICTIMS, stand

KILLS = int(os.environ.get("DATAWEAVE_PLATFORM_KILLS", "6"))
RUNS = int(os.environ.get("DATAWEAVE_PLATFORM_RUNS", "8"))
SEED = int(os.environ.get("DATAWEAVE_PLATFORM_SEED", "8"))
PATIENCE = 300 + 20 * RUNS + 10 * KILLS


def installed() -> bool:
    try:
        return bool(program("initdb") and program("nginx"))
    except PlatformProblemError:
        return False


@pytest.mark.timeout(PATIENCE + 900)
@pytest.mark.skipif(not installed(), reason="PostgreSQL and nginx are not installed")
def test_no_run_is_lost_and_none_is_done_twice(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    rows = tmp_path / "rows"
    rows.mkdir()
    with stand(DATAWEAVE_HEARTBEAT="3", DATAWEAVE_SILENT="20") as platform:
        deployment = platform.deploy(
            "ledger", "tests/canary/kill/ledger_flow.py:ledger", "relaunch:5"
        )
        for number in range(RUNS):
            row = f"row-{number:03}"
            platform.start(deployment, row, row=row, folder=str(rows), seconds=4.0)
        # One of each kind first, then by chance: a small sample kills everybody too.
        order = [*dict.fromkeys(VICTIMS)]
        chance.shuffle(order)
        order += chance.choices(VICTIMS, k=max(0, KILLS - len(order)))
        begun, end = time.monotonic(), time.monotonic() + PATIENCE
        kills = iter(order[:KILLS])
        victim = next(kills, None)
        next_kill = begun + 10
        while time.monotonic() < end:
            if (
                victim is not None
                and time.monotonic() > next_kill
                and platform.kill(victim, chance)
            ):
                victim = next(kills, None)
                # Faster than a restart of the server takes, now and then.
                next_kill = time.monotonic() + chance.uniform(1, 12)
            if victim is None:
                found = platform.states(deployment).values()
                open_runs = [run for run in found if run["state_type"] not in (
                    "COMPLETED", "FAILED", "CANCELLED", "CRASHED")]  # fmt: skip
                may_come = [run for run in found if run["state_type"] == "CRASHED"
                            and (run["run_count"] or 0) < 5]  # fmt: skip
                if not open_runs and not may_come:
                    break
            time.sleep(0.5)
        story = {run["name"]: (run["state_name"], run["state"]["message"], run["run_count"])
                 for run in platform.states(deployment).values()}  # fmt: skip
        assert len(platform.kills) == KILLS
        assert len(story) == RUNS
        ended = [name for name, (state, _, _) in story.items() if state == "Completed"]
        reported = [name for name, (state, _, _) in story.items() if state in {"Crashed", "Failed"}]
        # Every run has ended: well, or in a state that says why. With five starts each, all end
        # well unless one was hit five times.
        assert sorted(ended + reported) == sorted(story), story
        assert {path.stem for path in rows.glob("*.row")} >= set(ended), story
        hit_often = {name for name, (_, _, starts) in story.items() if (starts or 0) >= 5}
        assert set(reported) <= hit_often, story
        out = os.environ.get("DATAWEAVE_PLATFORM_REPORT")
        if out:
            shutil.copytree(platform.store / "_reconciler", out, dirs_exist_ok=True)
        if len(set(VICTIMS)) <= KILLS:
            assert platform.settled(), "nothing was settled though runs were killed"
