"""The command line, run as a process; a page from a file and from a server."""

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from flows.sample.storefront import serve
from tests.conftest import ROOT

PAGE = (
    "<html><head><title>Lamp</title></head><body><h1>Lamp \x1b[31m</h1>"
    '<p class="price">12,90 €</p></body></html>'
).encode()


LOOPBACK = {"DATAWEAVE_CAPTURE_PRIVATE_NETWORKS": '["127.0.0.0/8"]'}


def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.pipeline.capture", *arguments],
        capture_output=True, text=True, cwd=ROOT, timeout=120, check=False,
        env={**os.environ, **(LOOPBACK if env is None else env)},
    )  # fmt: skip


def test_a_compressed_file_says_what_was_found_where_and_what_was_not(tmp_path: Path) -> None:
    saved = tmp_path / "lamp.html.gz"
    saved.write_bytes(gzip.compress(PAGE))
    done = run("try", str(saved), "--url", "https://shop.example/p/1")
    assert done.returncode == 0, done.stderr
    price = next(line for line in done.stdout.splitlines() if line.split()[0] == "price")
    assert "12.90" in price and "page:p.price" in price
    assert "unknown:" in done.stdout and "gtin" in done.stdout
    assert "\x1b" not in done.stdout


class _Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/p"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Shop)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_address(shop: str) -> None:
    done = run("try", f"{shop}/p")
    assert done.returncode == 0 and "12.90" in done.stdout
    gone = run("try", f"{shop}/gone")
    assert gone.returncode == 1 and "answers 404" in gone.stderr and not gone.stdout


def test_a_private_address_is_not_asked_unless_it_is_allowed(shop: str) -> None:
    done = run("try", f"{shop}/p", env={})
    assert done.returncode == 1
    assert "not a public address" in done.stderr
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("is_feed", [False, True])
def test_a_site_file_is_tried_by_a_few_of_its_pages(tmp_path: Path, is_feed: bool) -> None:
    with serve(shops=20, seed=7, products=8) as front:
        front.site_files(tmp_path, rate=20.0)
        shop = next(one for one in front.shops if one.is_feed == is_feed and not one.crawl_delay)
        done = run("try", str(tmp_path / f"{shop.name}.yaml"))
        assert done.returncode == 0, done.stderr
        asked = [one for one in front.log.of(shop.name) if one.status == 200]
    assert "robots" in done.stdout
    assert "products" in done.stdout
    assert " price " in done.stdout
    assert len(asked) <= 20 + 4, "robots.txt, sitemaps, and twenty pages"
    assert not (tmp_path / "_capture").exists()


def test_errors_are_two_lines(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: x\nrate: 0\n", "utf-8")
    (tmp_path / "broken.gz").write_bytes(gzip.compress(PAGE)[:20])
    for arguments in (
        ("try", "no-such-file.html"),
        ("try", str(tmp_path / "broken.gz")),
        ("check", str(tmp_path)),
    ):
        done = run(*arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 2


def test_right_site_files(tmp_path: Path) -> None:
    text = "name: x\nstart_urls: [https://x.example/]\n"
    (tmp_path / "x.yaml").write_text(text, "utf-8")
    assert "1 site files are right: x" in run("check", str(tmp_path)).stdout


def test_the_package_is_light_to_import() -> None:
    code = "import sys, flows.pipeline.capture; print('selectolax' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "False"
