"""Signs of life, from look to look, on a real storage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from canary.reconciler.census import processes
from canary.reconciler.signs import CENSUS, Signs
from canary.reconciler.stopping import stop
from sdk import PlatformError
from sdk.running.heart import FENCED, FOLDER, HeartName
from sdk.storage import Storage, storage

HEART = HeartName("run-1", "host-a", 7, 1, "t1")


@pytest.fixture
def root(tmp_path: Path) -> Storage:
    return storage(str(tmp_path))


def beat(root: Storage, name: HeartName = HEART) -> None:
    root.put(f"{FOLDER}/{name}", b"")


def census(root: Storage, host: str, *runs: str) -> None:
    root.put(f"{CENSUS}/{host}", json.dumps({run: [1] for run in runs}).encode())


def looked(root: Storage, signs: Signs, seconds: float, *, host: bool = True) -> None:
    """Let time pass, look by look, while the machine's census goes on."""
    while seconds > 0:
        if host:
            census(root, "host-a")
        signs.look(5)
        seconds -= 5


def test_a_heart_is_silent_when_nothing_changes(root: Storage) -> None:
    signs = Signs(root, silent=45, longest=15)
    assert signs.heart("run-1") == "none"
    beat(root)
    signs.look(0)
    looked(root, signs, 40)
    assert (signs.heart("run-1"), signs.process("run-1", None)) == ("beats", "gone")
    looked(root, signs, 10)
    assert signs.heart("run-1") == "silent"
    beat(root)
    signs.look(5)
    assert signs.heart("run-1") == "beats"


def test_a_census_says_what_is_there_and_a_silent_machine_has_nothing(root: Storage) -> None:
    signs = Signs(root, silent=45, longest=15)
    beat(root)
    signs.look(0)
    assert signs.process("run-1", None) == "unknown"  # its machine takes no census
    census(root, "host-a", "run-1")
    signs.look(5)
    assert signs.process("run-1", None) == "there"
    assert signs.process("run-2", "host-b") == "unknown"
    assert signs.process("run-2", None) == "gone"  # nobody has it, and everybody speaks
    looked(root, signs, 50, host=False)
    assert signs.process("run-1", None) == "gone"
    # Of a run of which nobody knows where it is, a silent machine says nothing.
    assert signs.process("run-2", None) == "unknown"


def test_waking_up_is_not_everybodys_death(root: Storage) -> None:
    signs = Signs(root, silent=45, longest=15)
    beat(root)
    signs.look(0)
    signs.look(3600)
    assert signs.heart("run-1") == "beats"


def test_a_storage_that_takes_no_writes_is_said(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    with pytest.raises(PlatformError):
        Signs(storage(str(tmp_path / "store")), silent=45, longest=15).look(5)


def test_a_fenced_process_is_no_sign_of_its_successor(root: Storage) -> None:
    signs = Signs(root, silent=45, longest=15)
    beat(root)
    signs.look(0)
    signs.fence("run-1")
    assert root.exists(f"{FOLDER}/{HEART}{FENCED}")
    signs.look(5)
    assert signs.heart("run-1") == "none"
    beat(root, HeartName("run-1", "host-a", 8, 2, "t2"))
    signs.look(5)
    assert signs.heart("run-1") == "beats"


def test_what_ended_runs_have_left_is_removed(root: Storage) -> None:
    signs = Signs(root, silent=1, longest=15)
    beat(root)
    beat(root, HeartName("run-2", "host-a", 8, 2, "t2"))
    for _ in range(4):
        signs.look(15)
    signs.forget(["run-2"])
    assert [name.partition(".")[0] for name in root.names(FOLDER)] == ["run-2"]


def test_processes_are_found_and_stopped_by_their_run() -> None:
    environ = {**os.environ, "PREFECT__FLOW_RUN_ID": "run-to-stop"}
    command = [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(600)"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert processes()["run-to-stop"] == [process.pid]
        assert stop("run-to-stop") == [process.pid]
        assert process.wait(30) == -9
        assert "run-to-stop" not in processes()
