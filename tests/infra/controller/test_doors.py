"""The controller's two doors: a real nginx, started as the container starts it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from infra.controller.doors import Doors, DoorsError, configuration, resolvers
from sdk.testing.processes import Process, wait_until
from tests.infra.controller.test_nginx import Upstream

TOKEN = "token-of-machines-0123456789"
GIVEN = {"PREFECT_SERVER": "https://server.example:4200", "LOGS": "/logs", "MACHINE_TOKEN": TOKEN}


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def get(port: int, path: str, token: str = "") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=30, trust_env=False)


def answers(port: int) -> bool:
    try:
        return get(port, "/health").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def doors() -> Iterator[tuple[int, int, Path]]:
    if not Path("/usr/sbin/nginx").exists():
        pytest.skip("nginx is not installed")
    home = Path(tempfile.mkdtemp(prefix="dataweave-doors-"))
    home.chmod(0o755)
    (home / "logs" / "application").mkdir(parents=True)
    (home / "logs" / "application" / "run-1.log").write_text("it ran\n")
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=upstream.serve_forever, args=(0.05,))
    thread.start()
    people, machines = free_ports()
    environ = {
        **os.environ,
        "PREFECT_SERVER": f"http://127.0.0.1:{upstream.server_address[1]}",
        "LOGS": str(home / "logs"),
        "MACHINE_TOKEN": TOKEN,
        "PEOPLE_PORT": str(people),
        "MACHINES_PORT": str(machines),
        "LISTEN": "127.0.0.1",
        "TMPDIR": str(home),
    }
    command = (sys.executable, "-m", "infra.controller.doors")
    process = Process(command, home / "nginx.log", environ)
    try:
        wait_until(lambda: answers(people), 120, "the doors do not open", process)
        yield people, machines, home
    finally:
        process.stop()
        upstream.shutdown()
        upstream.server_close()
        thread.join()
        shutil.rmtree(home)


def test_machines_need_the_token_and_reach_the_api_alone(doors: tuple[int, int, Path]) -> None:
    _, machines, _ = doors
    assert get(machines, "/api/flows").status_code == 401
    assert get(machines, "/api/flows", "wrong").status_code == 401
    # The server never sees the token.
    assert get(machines, "/api/flows", TOKEN).text == "/api/flows none"
    assert get(machines, "/health").text == "/api/ready none"
    for path in ("/", "/logs/", "/logs/application/run-1.log", "/flow-runs"):
        assert get(machines, path, TOKEN).status_code == 404, path
    assert get(machines, "/api/../logs/application/run-1.log").status_code in (401, 404)


def test_people_see_pages_and_logs_and_nothing_beside_them(doors: tuple[int, int, Path]) -> None:
    people, _, home = doors
    assert get(people, "/flow-runs").text == "/flow-runs none"
    assert get(people, "/api/flows").text == "/api/flows none"
    found = get(people, "/logs/application/run-1.log")
    assert (found.text, found.headers["x-content-type-options"]) == ("it ran\n", "nosniff")
    (home / "logs" / "out.log").symlink_to(next(home.glob("doors-*/nginx.conf")))
    for path in ("/logs/out.log", "/logs/../nginx.log", "/logs../nginx.log"):
        assert TOKEN not in get(people, path).text, path


def test_the_token_is_in_one_file_that_its_owner_reads(doors: tuple[int, int, Path]) -> None:
    _, machines, home = doors
    get(machines, "/api/flows", TOKEN)
    conf = next(home.glob("doors-*/nginx.conf"))
    assert conf.stat().st_mode & 0o077 == 0
    assert TOKEN in conf.read_text()
    assert TOKEN not in (home / "nginx.log").read_text()


def test_the_server_is_asked_by_tls_and_by_name_again_and_again() -> None:
    text = configuration(Doors.of(GIVEN), Path("/tmp/d"), ["10.64.0.2", "[fd00::2]"])
    assert "resolver 10.64.0.2 [fd00::2] valid=10s;" in text
    assert "proxy_ssl_verify on;" in text
    assert "set $prefect https://server.example:4200;" in text
    assert "@" not in text
    assert resolvers("search x\nnameserver 10.0.0.2\nnameserver fd00::2\n") == [
        "10.0.0.2",
        "[fd00::2]",
    ]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MACHINE_TOKEN", "", "not set: MACHINE_TOKEN"),
        ("MACHINE_TOKEN", 'short"; return 200', "20 or more letters"),
        ("PREFECT_SERVER", "server:4200", "http"),
        ("PREFECT_SERVER", "https://server:4200/api", "no path"),
        ("PREFECT_SERVER", "https://a;b", "http"),
        ("LOGS", "logs", "absolute"),
        ("PEOPLE_PORT", "eighty", "numbers"),
    ],
)
def test_what_would_break_the_configuration_is_refused(name: str, value: str, says: str) -> None:
    with pytest.raises(DoorsError, match=says) as caught:
        Doors.of({**GIVEN, name: value})
    assert TOKEN not in str(caught.value)
