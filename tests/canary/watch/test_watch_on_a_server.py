"""The watch against a real server: twelve faults seeded one after the other, and quiet cycles.

Each fault is made on the server itself, and each is to be found in the next cycle; in cycles
in which nothing is wrong, nothing is to be found.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from benchmarks.running.faults import EXPECTED, watched
from benchmarks.running.seeds import SEEDS, Site
from canary.watch.heartbeat import Pulse
from canary.watch.look import Look
from canary.watch.loop import Watch
from canary.watch.settings import Heartbeat
from canary.watch.tell import Teller

pytestmark = pytest.mark.timeout(1800)

QUIET_CYCLES = 10


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("watched")
    with watched(folder) as made:
        yield made


@pytest.fixture
def watch(site: Site) -> Iterator[Watch]:
    with hook() as (url, heard):
        beat = site.folder / "beat"
        teller = Teller("test", SecretStr(url))
        made = Watch(Look(site.api, site.root), EXPECTED, teller, Pulse(Heartbeat(file=beat)))
        made.heard = heard  # type: ignore[attr-defined]
        yield made


@contextmanager
def hook() -> Iterator[tuple[str, list[str]]]:
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            heard.append(json.loads(self.rfile.read(size))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/secret-path", heard
    server.shutdown()
    server.server_close()
    thread.join()


def faults(watch: Watch) -> list[str]:
    watch.cycle()
    return [found.fault for found in watch.found]


def test_quiet_cycles_find_nothing(site: Site, watch: Watch) -> None:
    for _ in range(QUIET_CYCLES):
        assert faults(watch) == []
    assert (site.folder / "beat").read_text().endswith(" 0\n")


def test_a_canary_that_was_just_deployed_is_not_missing(site: Site, watch: Watch) -> None:
    flow = site.api.post("/flows/", {"name": "canary"})["id"]
    body = {"name": "canary-new", "flow_id": flow, "parameters": {"name": "new"}}
    made = site.api.post("/deployments/", body)["id"]
    assert faults(watch) == []
    site.sql(f"update deployment set created = created - interval '2 hours' where id = '{made}'")
    assert faults(watch) == ["canary-missing"]
    site.sql(f"delete from deployment where id = '{made}'")


@pytest.mark.parametrize("fault", SEEDS)
def test_a_seeded_fault_is_found_in_one_cycle_and_told(
    site: Site, watch: Watch, fault: str
) -> None:
    assert faults(watch) == []
    with SEEDS[fault](site):
        assert faults(watch) == [fault]
    assert faults(watch) == []
    heard: list[str] = watch.heard  # type: ignore[attr-defined]
    assert [text for text in heard if text.startswith(f"[test] {fault}")]


def test_an_alert_that_cannot_be_sent_is_kept(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    secret = "http://127.0.0.1:9/secret-path"
    teller = Teller("test", SecretStr(secret))
    made = Watch(Look(site.api, site.root), EXPECTED, teller, Pulse(Heartbeat()))
    with SEEDS["canary-wrong"](site):
        made.cycle()
        assert len(teller.waiting) == 1
        assert "secret-path" not in caplog.text
        with hook() as (url, heard):
            teller.webhook = SecretStr(url)
            made.cycle()
            assert [text.split(":")[0] for text in heard] == ["[test] canary-wrong canary-work"]
