"""A small pipeline, killed at random moments: the same final bytes, no orphan, no effect twice.

``DATAWEAVE_KILLS`` sets how many kills (20 by default, 200 for the soak), ``DATAWEAVE_SEED`` the
seed that a failure has printed.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sdk.content import table_hash
from sdk.dataset import Dataset, DatasetKey
from sdk.errors import StorageError
from sdk.store import Store
from tests.sdk import killed_pipeline
from tests.sdk.killed_pipeline import DAY

KILLS = int(os.environ.get("DATAWEAVE_KILLS", "20"))
SEED = int(os.environ.get("DATAWEAVE_SEED") or random.SystemRandom().randrange(10**6))
ROOT = Path(__file__).parents[2]
NAMES = ("prices", "prices.quarantine", "converted", "totals")
KILLS_PER_STORE = 5
"""After so many kills in one store it is let finish, and a new one begins: each kill finds
another state, and enough of them the states in which one has been before."""


def _start(store: Path, effects: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, killed_pipeline.__file__, str(store), str(effects)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )


def _run(store: Path, effects: Path) -> float:
    """Run to the end; return the seconds of work."""
    process = _start(store, effects)
    assert process.stdout is not None
    process.stdout.readline()
    began = time.monotonic()
    assert process.wait(timeout=120) == 0
    process.stdout.close()
    return time.monotonic() - began


def _kill(store: Path, effects: Path, moment: float) -> bool:
    """Kill a run after so many seconds of work; return whether it was still at work."""
    process = _start(store, effects)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(moment)
    at_work = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return at_work


def _published(store: Path) -> dict[str, str]:
    """The hash of every object that is not a manifest, a ledger's or a temporary file."""
    return {
        str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(store.rglob("*"))
        if path.is_file()
        and "_runs" not in path.parts
        and not path.name.startswith(("manifest-", ".tmp-"))
    }


def _check_whole(store: Store) -> None:
    """Whatever can be read now is whole, and versions have no gaps."""
    for name in NAMES:
        key = DatasetKey(customer="acme", name=name, day=DAY)
        versions = store.versions(key)
        assert versions in ([], [1]), "the same work is never published twice"
        for version in versions:
            manifest = store.manifest(key, version)
            assert manifest is not None
            dataset = Dataset.of(manifest, store.url)
            assert store.holds(dataset)
            for part in dataset.parts:
                if part.kind == "table":
                    assert table_hash(dataset.frame(part.name).to_arrow()) == part.content_hash


@pytest.mark.timeout(60 + 10 * KILLS)
def test_killed_runs_end_in_the_same_bytes_with_no_effect_twice(tmp_path: Path) -> None:
    print(f"DATAWEAVE_SEED={SEED} DATAWEAVE_KILLS={KILLS}")
    draw = random.Random(SEED)
    (tmp_path / "effects").mkdir()
    seconds = _run(tmp_path / "store", tmp_path / "effects")
    final = _published(tmp_path / "store")
    effects = sorted(path.name for path in (tmp_path / "effects").iterdir())
    assert len(effects) == len(killed_pipeline.STEPS)
    hits = left = 0
    for round_ in range(-(-KILLS // KILLS_PER_STORE)):
        store, done = tmp_path / f"store-{round_}", tmp_path / f"effects-{round_}"
        done.mkdir()
        for _ in range(min(KILLS_PER_STORE, KILLS - round_ * KILLS_PER_STORE)):
            hits += _kill(store, done, draw.uniform(0, seconds))
            _check_whole(Store(str(store)))
        left += sum(1 for _ in store.rglob(".tmp-*"))
        _run(store, done)
        _check_whole(Store(str(store)))
        assert _published(store) == final
        # A killed writer may leave its temporary file: that is no effect yet.
        named = (path.name for path in done.iterdir() if not path.name.startswith(".tmp-"))
        assert sorted(named) == effects
    print(f"{hits} of {KILLS} kills hit a run at work; {left} temporary files left by them")
    assert hits, "no kill came in time: nothing was tested"


def test_a_part_cut_short_is_not_taken_for_whole(tmp_path: Path) -> None:
    """The check of the test above can fail: a torn part is seen."""
    (tmp_path / "effects").mkdir()
    _run(tmp_path / "store", tmp_path / "effects")
    [part] = (tmp_path / "store").rglob("converted/**/*.parquet")
    part.write_bytes(part.read_bytes()[:-4])
    with pytest.raises((AssertionError, StorageError)):
        _check_whole(Store(str(tmp_path / "store")))
