"""A run that is killed at any moment and started again ends in the same bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from flows.sample import Sample
from tests.e2e.platform_cli import command, environment, published, run

MADE = ("prices", "offers", "matches", "marts", "report")
KILLS = int(os.environ.get("DATAWEAVE_TEST_KILLS", "3"))

pytestmark = pytest.mark.timeout(600 + 60 * KILLS)


def _run_and_kill(folder: Path, home: Path, source: str, moment: float) -> bool:
    """Kill a run after so many seconds of work; False if it had ended before."""
    process = subprocess.Popen(
        command("--source", source),
        cwd=folder,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()  # Prefect is imported and the run begins
    time.sleep(moment)
    ended = process.poll() is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return not ended


def test_killed_runs_are_taken_up_and_end_in_the_same_bytes(
    market: Sample, prefect_home: Path, tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    draw = random.Random(seed)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    source = str(market.folder)
    outcome = run(whole, prefect_home, "--source", source)
    assert outcome.code == 0, outcome.err
    hits = sum(
        _run_and_kill(killed, prefect_home, source, draw.uniform(0, 6)) for _ in range(KILLS)
    )
    assert hits
    outcome = run(killed, prefect_home, "--source", source)
    assert outcome.code == 0, outcome.err
    store = Path(".dataweave") / "store"
    final = published(whole / store, "orchard", *MADE)
    assert published(killed / store, "orchard", *MADE) == final
    assert final
