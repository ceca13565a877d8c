"""The supervisor of one machine's services, killed, crowded and short of room."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.controller import __main__ as command
from infra.controller.layout import Layout, PlatformProblemError, check_ports
from infra.controller.left import began, stop_left
from infra.controller.services import Service
from infra.controller.supervisor import Supervisor
from sdk.testing.processes import wait_until

SLEEPS = (sys.executable, "-c", "import time; time.sleep(600)")
DEAF = (sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); "
        "print('deaf', flush=True); time.sleep(600)")  # fmt: skip


@pytest.fixture
def started(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen(DEAF, stdout=log, start_new_session=True)
    wait_until(lambda: (tmp_path / "log").read_bytes() != b"", 60, "it does not start")
    yield child
    child.kill()
    child.wait()


def told(path: Path, pid: int, start: int | None) -> Path:
    known = {"worker": {"pid": pid, "began": start, "stop": 15, "starts": 1},
             "gone": {"pid": None, "began": None, "stop": 15, "starts": 1}}  # fmt: skip
    path.write_text(json.dumps(known))
    return path


def test_what_a_killed_supervisor_left_is_stopped(
    tmp_path: Path, started: subprocess.Popen[bytes]
) -> None:
    state = told(tmp_path / "services.json", started.pid, began(started.pid))
    assert stop_left(state, grace=0.2) == ["worker"]  # it does not hear, and is killed
    assert started.wait(60) == -signal.SIGKILL
    assert not state.exists() and stop_left(state) == []


def test_a_stranger_with_an_old_process_id_is_left_alone(
    tmp_path: Path, started: subprocess.Popen[bytes]
) -> None:
    start = began(started.pid)
    assert start is not None
    assert stop_left(told(tmp_path / "services.json", started.pid, start - 1)) == []
    assert started.poll() is None


def test_the_supervisor_is_known_by_when_it_began(
    tmp_path: Path, started: subprocess.Popen[bytes]
) -> None:
    layout = Layout.at(tmp_path / "platform")
    assert command._supervisor(layout) is None
    command._note_supervisor(layout, started.pid)
    assert command._supervisor(layout) == started.pid
    (layout.folder / "run" / "supervisor.pid").write_text(f"{started.pid} 1")
    assert command._supervisor(layout) is None


def test_a_port_that_is_taken_is_named_with_what_to_do(tmp_path: Path) -> None:
    layout = Layout.at(tmp_path / "platform")
    check_ports(layout)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", layout.server_port))
        taken.listen()
        with pytest.raises(
            PlatformProblemError, match=r"server_port in .*platform\.json"
        ) as caught:
            check_ports(layout)
    assert f"port {layout.server_port} of" in str(caught.value)


def test_a_full_disk_takes_no_service_down(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    # Neither its log nor the state can be written: as on a full disk.
    state = tmp_path / "none" / "services.json"
    (logs / "second.log").mkdir()
    made = Supervisor([Service("first", SLEEPS, dict(os.environ)),
                       Service("second", SLEEPS, dict(os.environ))], logs, state)  # fmt: skip
    try:
        for one in made._all:
            made._start(one)
        first, second = made._all
        assert first.child is not None and first.child.poll() is None
        assert second.child is None
        (logs / "second.log").rmdir()  # room again
        second.next_start = 0.0
        made._look()
        assert second.child is not None and second.child.poll() is None
    finally:
        made._stop_all()
    assert first.child is second.child is None
