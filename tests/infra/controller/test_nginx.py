"""nginx in front: who comes in, and to what; a real nginx before a server of the test's."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from infra.controller.layout import Layout, PlatformProblemError, program
from infra.controller.nginx import Site, configuration
from infra.controller.services import _nginx, prepare
from sdk.testing.processes import Process, wait_until


class Upstream(BaseHTTPRequestHandler):
    """Says which path it was asked, and whether it saw credentials."""

    def do_GET(self) -> None:
        body = f"{self.path} {self.headers.get('Authorization', 'none')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture(scope="module")
def layout() -> Iterator[Layout]:
    try:
        program("nginx")
    except PlatformProblemError:
        pytest.skip("nginx is not installed")
    home = Path(tempfile.mkdtemp(prefix="dataweave-nginx-"))
    home.chmod(0o755)
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=upstream.serve_forever, args=(0.05,))
    thread.start()
    made = Layout.at(home / "platform", "postgresql+asyncpg://elsewhere/x", None)
    made = Layout(made.folder, made.web_port, upstream.server_address[1], 0, made.database_url)
    prepare(made)
    service = _nginx(made)
    process = Process(service.command, home / "nginx.log", os.environ)
    try:
        wait_until(service.up, 60, "nginx does not start", process)
        yield made
    finally:
        process.stop()
        upstream.shutdown()
        upstream.server_close()
        thread.join()
        shutil.rmtree(home)


def get(layout: Layout, path: str, **options: object) -> httpx.Response:
    return httpx.get(layout.url + path, trust_env=False, timeout=30, **options)  # type: ignore[arg-type]


def test_machines_have_a_token_and_people_sign_in(layout: Layout) -> None:
    token, password = layout.secret("machine-token"), layout.secret("people-password")
    bearer = {"Authorization": f"Bearer {token}"}
    assert get(layout, "/api/flows").status_code == 401
    assert get(layout, "/api/flows", headers={"Authorization": "Bearer x"}).status_code == 401
    assert get(layout, "/api/flows", headers=bearer).text == "/api/flows none"
    assert get(layout, "/", auth=("dataweave", "wrong")).status_code == 401
    assert get(layout, "/runs", auth=("dataweave", password)).text == "/runs none"
    for path in ("/", "/logs/", "/canary/", "/api/", "/logs/archive/x.log.gz"):
        assert get(layout, path).status_code == 401, path
    assert get(layout, "/health").text == "/api/ready none"
    assert get(layout, "/api/events/in").status_code == 200


def test_logs_are_plain_text_and_the_archive_is_unpacked(layout: Layout) -> None:
    auth = ("dataweave", layout.secret("people-password"))
    logs = layout.folder / "logs"
    (logs / "application" / "run-1.host.log").write_text("שלום <b>\n", encoding="utf-8")
    (logs / "application" / "page.html").write_text("<script>alert(1)</script>")
    (logs / "archive" / "old.log.gz").write_bytes(gzip.compress(b"long ago\n"))
    found = get(layout, "/logs/application/run-1.host.log", auth=auth)
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.text == "שלום <b>\n"
    assert "run-1.host.log" in get(layout, "/logs/application/", auth=auth).text
    packed = get(layout, "/logs/archive/old.log.gz", auth=auth)
    assert (packed.text, packed.headers["content-type"][:10]) == ("long ago\n", "text/plain")
    (logs / "out.log").symlink_to(layout.folder / "secrets" / "machine-token")
    for path in ("/logs/../secrets/machine-token", "/logs/%2e%2e/secrets/machine-token",
                 "/logs../secrets/machine-token", "/logs/out.log"):  # fmt: skip
        answer = httpx.Client(trust_env=False).get(layout.url + path, auth=auth)
        assert layout.secret("machine-token") not in answer.text, path


def test_secrets_are_their_owners_alone(layout: Layout) -> None:
    folder = layout.folder / "secrets"
    assert folder.stat().st_mode & 0o077 == 0
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    kept = (layout.folder / "platform.json").read_text()
    assert "elsewhere" not in kept
    assert layout.secret("machine-token") not in kept
    assert Layout.kept(layout.folder).database_url == "postgresql+asyncpg://elsewhere/x"


def test_events_are_taken_from_the_workers_network_alone() -> None:
    site = Site(Path("/f"), "127.0.0.1:1", "127.0.0.1:2", "t", networks=["10.0.0.0/16"])
    text = configuration(site)
    assert "10.0.0.0/16 1;" in text
    assert "127.0.0.0/8" not in text
    assert "@" not in text
