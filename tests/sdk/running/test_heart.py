"""The heart: what it leaves, what it finds, and what becomes of a process declared dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sdk.running.heart import EXIT_CODE, FENCED, FOLDER, Heart, HeartName
from sdk.storage import Storage, storage

BEATING = """
import sys, time
from sdk.running.heart import Heart
from sdk.storage import storage
heart = Heart(storage(sys.argv[1]), "run-1", 0.05)
heart.start()
print("beats", flush=True)
sys.stdin.readline()
heart.stop()
"""


def beating(store: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", BEATING, str(store)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "beats\n"
    return process


def hearts(store: Path) -> list[str]:
    return storage(str(store)).names(FOLDER)


def until(done: object) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if done():  # type: ignore[operator]
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


def test_a_heart_beats_and_is_taken_away_at_the_end(tmp_path: Path) -> None:
    process = beating(tmp_path)
    [name] = hearts(tmp_path)
    told = HeartName.parse(name)
    assert told is not None
    assert (told.run, told.process) == ("run-1", process.pid)
    root = storage(str(tmp_path))
    first = root.read(f"{FOLDER}/{name}")
    until(lambda: root.read(f"{FOLDER}/{name}") != first)
    process.communicate("end\n")
    assert process.returncode == 0
    assert hearts(tmp_path) == []


def test_a_killed_process_leaves_its_heart(tmp_path: Path) -> None:
    process = beating(tmp_path)
    process.kill()
    process.communicate()
    assert len(hearts(tmp_path)) == 1


def test_a_fenced_process_ends_when_it_wakes_up(tmp_path: Path) -> None:
    process = beating(tmp_path)
    os.kill(process.pid, signal.SIGSTOP)
    [name] = hearts(tmp_path)
    storage(str(tmp_path)).put(f"{FOLDER}/{name}{FENCED}", b"")
    os.kill(process.pid, signal.SIGCONT)
    process.wait(60)  # its input stays open: it ends by itself
    process.communicate()
    assert process.returncode == EXIT_CODE


def test_a_heart_outlives_whatever_a_driver_raises(tmp_path: Path) -> None:
    class Driver(Storage):
        failures = 2

        def put(self, path: str, data: bytes) -> None:
            if self.failures:
                self.failures -= 1
                raise AssertionError("a defect of the driver")
            super().put(path, data)

    heart = Heart(Driver(str(tmp_path)), "run-1", 0.01)
    heart.start()
    try:
        until(lambda: len(hearts(tmp_path)) == 1)
    finally:
        heart.stop()


def test_a_storage_that_is_away_does_not_end_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    heart = Heart(storage(str(tmp_path / "store")), "run-1", 0.05)
    heart.start()
    assert "a heartbeat could not be written" in caplog.text
    heart.stop()


@pytest.mark.parametrize("name", ["", "a.b", "run.host.x.1.t", "run.host.1.2.tok.fenced"])
def test_other_names_are_no_hearts(name: str) -> None:
    assert HeartName.parse(name) is None
