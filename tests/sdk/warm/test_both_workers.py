"""What a worker of processes does, the stock one and the warm one: the same tests for both.

`make soak` runs all of them (``DATAWEAVE_WORKERS=all``); `make test` leaves out what costs a worker
or several cold starts and changes only with Prefect's version.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdk.api import Api
from sdk.testing.processes import Process, wait_until
from sdk.testing.server import PrefectServer, prefect_server
from tests.sdk.warm.stand import HOST, PATIENCE, Stand, alive, interpreters, kill

__all__ = ["prefect_server"]

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module", params=["process", "warm"])
def stand(
    request: pytest.FixtureRequest,
    prefect_server: PrefectServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stand]:
    with Api(prefect_server.api_url, patience=60) as api:
        folder = tmp_path_factory.mktemp(request.param)
        yield Stand(prefect_server, api, folder, request.param, f"of-{request.param}")


@pytest.fixture(scope="module")
def alone(stand: Stand) -> Stand:
    """A pool of the same type that no other worker serves."""
    return Stand(stand.server, stand.api, stand.folder, stand.kind, f"alone-{stand.kind}")


@pytest.fixture(scope="module")
def worker(stand: Stand) -> Iterator[Process]:
    started = stand.worker()
    yield started
    started.stop()
    for pid in interpreters(started):
        assert not alive(pid)


def rare(stand: Stand, *kinds: str) -> None:
    """Skip a test of workers of some types where not all are asked for."""
    if stand.kind in kinds and os.environ.get("DATAWEAVE_WORKERS") != "all":
        pytest.skip("make soak runs it")


def is_warm(stand: Stand, begun: dict[str, object], worker: Process) -> bool:
    return begun["parent"] in interpreters(worker)


def test_a_run_has_a_process_folder_and_environment_of_its_own(
    stand: Stand, worker: Process
) -> None:
    run = stand.start("leave", env={"GIVEN": "to all"})
    begun = run.begun()
    assert run.ended()["type"] == "COMPLETED"
    assert run.infrastructure() == f"{HOST}:{begun['pid']}"
    assert begun["env"]["GIVEN"] == "to all"
    assert begun["env"]["PREFECT__FLOW_RUN_ID"] == run.id
    assert f"PREFECT__FLOW_RUN_ID={run.id}" in begun["shown"]  # where others look for runs
    assert begun["interrupt"] and begun["child"]
    wait_until(lambda: not alive(begun["pid"]), PATIENCE, "the process stays")
    # Another one sees nothing of it; by then its environment is known, and warm.
    plain = stand.start("nothing").begun()
    assert is_warm(stand, plain, worker) == (stand.kind == "warm")
    assert "GIVEN" not in plain["env"] and "LEFT" not in plain["env"]
    assert plain["pid"] != begun["pid"]
    assert plain["env"].keys() - {"GIVEN"} == begun["env"].keys() - {"GIVEN", "LEFT"}


def test_a_folder_is_made_for_a_run_and_removed_or_given(
    stand: Stand, worker: Process, tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    run = stand.start("nothing", working_dir=str(given))
    assert str(given) in run.begun()["path"]
    assert run.ended()["type"] == "COMPLETED"
    assert given.exists()
    own = stand.start("nothing")
    begun = own.begun()
    assert own.ended()["type"] == "COMPLETED"
    made = [path for path in begun["path"] if path.endswith("prefect")]
    assert len(made) == 1
    wait_until(lambda: not Path(made[0]).exists(), PATIENCE, "the run's folder stays")


def test_output_comes_to_the_worker_as_asked(stand: Stand, worker: Process) -> None:
    assert stand.start("spoken").ended()["type"] == "COMPLETED"
    for line in ("out of spoken ünïcode", "err of spoken"):
        wait_until(lambda line=line: line in worker.log.read_text(), PATIENCE, f"no {line!r}")
    quiet = stand.start("unheard", stream_output=False)
    assert quiet.ended()["type"] == "COMPLETED"
    wait_until(lambda: worker.log.read_text().count("exited cleanly") >= 2, PATIENCE, "no end")
    assert "out of unheard" not in worker.log.read_text()


@pytest.mark.parametrize(
    ("what", "ends"),
    [("fail", "FAILED"), ("exit", "status code 3"), ("kill", "status code -9")],
)
def test_how_a_run_ended_is_told(stand: Stand, worker: Process, what: str, ends: str) -> None:
    run = stand.start(what)
    run.begun()
    state = run.ended()
    if what == "fail":
        assert state["type"] == ends
        run.logged("ValueError: as asked")
        run.logged("Finished in state Failed")
    else:
        assert state["type"] == "CRASHED"
        assert ends in state["message"]


def test_a_run_is_cancelled_through_its_process(stand: Stand, worker: Process) -> None:
    run = stand.start("wait")
    pid = run.begun()["pid"]
    run.infrastructure()
    run.cancel()
    assert run.ended()["type"] == "CANCELLED"
    wait_until(lambda: not alive(pid), PATIENCE, "the process stays")
    assert not run.path.with_suffix(".done").exists()


def test_no_more_runs_than_the_limit_at_once(stand: Stand, worker: Process) -> None:
    rare(stand, "process")
    runs = [stand.start("wait") for _ in range(3)]
    wait_until(lambda: sum(r.path.exists() for r in runs) == 2, PATIENCE, "no two runs", worker)
    assert "Flow run limit reached" in wait_for(worker, "Flow run limit reached")
    assert sum(run.path.exists() for run in runs) == 2
    for run in runs:
        run.end()
    assert [run.ended()["type"] for run in runs] == ["COMPLETED"] * 3


def wait_for(worker: Process, text: str) -> str:
    wait_until(lambda: text in worker.log.read_text(), PATIENCE, f"never {text!r}", worker)
    return worker.log.read_text()


def test_a_command_of_its_own_is_what_runs(stand: Stand, worker: Process) -> None:
    rare(stand, "process")
    command = f"env OWN=yes {sys.executable} -m prefect.engine"
    run = stand.start("nothing", command=command, memory_limit=4000)
    begun = run.begun()
    assert begun["env"]["OWN"] == "yes"
    if stand.kind == "warm":  # also the stock way: the process worker knows no limit
        assert begun["memory"] == 4_000_000_000
    assert not is_warm(stand, begun, worker)
    assert run.ended()["type"] == "COMPLETED"


def test_another_python_and_the_platform_s_own_command(
    stand: Stand, worker: Process, tmp_path: Path
) -> None:
    rare(stand, "process", "warm")
    other = tmp_path / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", other], check=True)
    (packages,) = other.glob("lib/*/site-packages")
    (packages / "as-here.pth").write_text(sysconfig.get_path("purelib") + "\n")
    given = {
        "command": f"{other}/bin/python -m sdk.running",
        "env": {"DATAWEAVE_STORAGE": str(tmp_path / "store")},
    }
    for number in range(3 if stand.kind == "warm" else 1):
        run = stand.start("wait", **given)
        begun = run.begun()
        assert begun["prefix"] == str(other)
        hearts = [path.name for path in (tmp_path / "store/_hearts").iterdir()]
        assert [name.split(".")[:3:2] for name in hearts] == [[run.id, str(begun["pid"])]]
        run.end()
        assert run.ended()["type"] == "COMPLETED"
        assert is_warm(stand, begun, worker) == (number == 2)
        if number == 1:
            wait_until(
                lambda: worker.log.read_text().count("interpreter is ready") >= 2,
                PATIENCE, "the other environment is not warm", worker,
            )  # fmt: skip


def test_a_killed_worker_takes_no_run_with_it_and_nothing_stays(alone: Stand) -> None:
    rare(alone, "process", "warm")
    worker = alone.worker()
    warm = interpreters(worker)
    run = alone.start("wait", stream_output=False)
    pid = run.begun()["pid"]
    worker.kill()
    run.end()
    assert run.ended()["type"] == "COMPLETED"
    wait_until(lambda: not any(map(alive, [*warm, pid])), PATIENCE, "a process stays")


def test_a_worker_that_is_to_end_lets_its_runs_end(alone: Stand) -> None:
    rare(alone, "process")
    worker = alone.worker()
    run = alone.start("wait")
    run.begun()
    worker.send(signal.SIGTERM)
    late = alone.start("nothing")
    wait_for(worker, "Sending SIGINT")
    run.end()
    assert run.ended()["type"] == "COMPLETED"
    assert worker.wait(PATIENCE) == 0
    assert late.state()["type"] == "SCHEDULED"
    late.cancel()


def test_a_killed_warm_interpreter_takes_no_run_with_it(alone: Stand) -> None:
    if alone.kind != "warm":
        pytest.skip("the process worker has none")
    rare(alone, "warm")
    worker = alone.worker()
    first = interpreters(worker)
    run = alone.start("wait")
    assert run.begun()["parent"] in first
    for pid in first:
        kill(pid)
    meanwhile = alone.start("nothing")
    assert meanwhile.ended()["type"] == "COMPLETED"
    run.end()
    assert run.ended()["type"] == "COMPLETED"
    wait_until(lambda: bool(set(interpreters(worker)) - set(first)), PATIENCE, "no new one")
    assert len(interpreters(worker)) == 1
    worker.stop()
