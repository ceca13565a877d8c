"""Sites that a program brings: a script, an existing Scrapy spider; and programs that go wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from flows.pipeline.capture.drivers import warden
from flows.pipeline.capture.fetching.page_archive import PageArchive
from flows.pipeline.capture.settings import CaptureSettings
from flows.pipeline.capture.site import Site
from flows.pipeline.capture.site_day import SiteDay, read_day
from sdk.storage import storage
from tests.flows.pipeline.capture.fetching.capturing import CUSTOMER
from tests.flows.pipeline.capture.fetching.small_servers import NOTHING, answering, page

DAY = date(2026, 8, 15)
SECRET = "tok-77aa01"


def _day(
    site: Site, folder: Path, settings: CaptureSettings | None = None
) -> tuple[SiteDay, str, str]:
    """Capture one site; return its day, and how it ended."""
    import asyncio

    from flows.pipeline.capture.fetching.batch import Order, capture_batch
    from flows.pipeline.capture.fetching.journal import Journal

    root = storage(str(folder / "store"))
    order = Order(root, CUSTOMER, DAY, site_folder=folder)
    (done,) = asyncio.run(capture_batch([site], order, settings or CaptureSettings()))
    assert done.error is None, done.error
    assert done.ended is not None
    visits = list(Journal(root, CUSTOMER, DAY, site.name).visits())
    made = read_day(site, visits, done.ended, PageArchive(root, CUSTOMER).get)
    return made, done.ended.how, done.ended.reason


def _script(folder: Path, text: str) -> Site:
    (folder / "bring.py").write_text(textwrap.dedent(text))
    return Site(name="brought", driver="script", script="bring.py", currency="EUR")


def test_lines_of_a_script_are_products(tmp_path: Path) -> None:
    site = _script(
        tmp_path,
        """
        import json, os
        for number in range(1, 4):
            print(json.dumps({
                "name": f"Milk {number}", "sku": f"m{number}", "price": "1.5" + str(number),
                "currency": "EUR", "availability": "in stock",
                "url": "https://shop.example/m" + str(number),
                "brand": os.environ["DATAWEAVE_SITE"] + " " + os.environ["DATAWEAVE_DAY"],
            }))
        print("no item at all")
        print("[1, 2]")
        """,
    )
    made, how, _ = _day(site, tmp_path)
    assert how == "complete"
    rows = made.tables.prices.select("sku", "price", "currency", "availability", "brand").rows()
    assert rows == [
        (f"m{number}", f"1.5{number}", "EUR", "in_stock", f"brought {DAY}") for number in (1, 2, 3)
    ]
    assert "2 lines are no items" in made.reason


def test_a_script_that_fails_says_why_and_never_its_secret(tmp_path: Path) -> None:
    site = _script(
        tmp_path,
        """
        import os, sys
        print('{"name": "Milk", "sku": "m1", "price": "1.50"}', flush=True)
        sys.exit("the shop refused " + os.environ["DATAWEAVE_TOKEN"])
        """,
    ).model_copy(update={"token": "shop"})
    settings = CaptureSettings(tokens={"shop": SecretStr(SECRET)})
    _, how, reason = _day(site, tmp_path, settings)
    assert how == "gave_up"
    assert "code 1: the shop refused ***" in reason
    kept = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*.json*"))
    assert SECRET.encode() not in kept


def test_a_script_without_an_end_is_ended(tmp_path: Path) -> None:
    site = _script(
        tmp_path,
        """
        import os, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open("pids", "w") as file:
            file.write(f"{os.getpid()} {child.pid}")
        print('{"name": "Milk", "sku": "m1", "price": "1.50"}', flush=True)
        time.sleep(600)
        """,
    )
    _, how, reason = _day(site, tmp_path, CaptureSettings(site_hours=3 / 3600))
    assert how == "gave_up"
    assert "not done in 3 s" in reason
    for pid in (tmp_path / "pids").read_text().split():
        _gone(int(pid))


def test_a_program_does_not_outlive_a_worker_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text(
        "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    )
    worker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, time\n"
            "subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True)\n"
            "time.sleep(600)\n",
            sys.executable, warden.__file__, sys.executable, "long.py",
        ],
        cwd=tmp_path,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    _gone(int((tmp_path / "pid").read_text()))


def _gone(pid: int) -> None:
    """Wait until a process is no more (or a corpse that nobody has buried)."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} is still there")


def test_a_flood_and_a_line_without_end_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.pipeline.capture.drivers import program

    monkeypatch.setattr(program, "MOST_BYTES", 3_000_000)
    site = _script(
        tmp_path,
        """
        import sys
        sys.stdout.write('{"name": "' + "x" * 2_000_000 + '"}\\n')
        while True:
            print('{"name": "Milk", "sku": "m1", "price": "1.50"}')
        """,
    )
    made, how, reason = _day(site, tmp_path)
    assert how == "gave_up"
    assert "more than 3,000,000 bytes" in reason
    assert made.tables.prices["name"].str.len_chars().max() < 10


def test_a_flood_is_ended_though_a_child_that_left_holds_the_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.pipeline.capture.drivers import program

    monkeypatch.setattr(program, "MOST_BYTES", 300_000)
    site = _script(
        tmp_path,
        """
        import subprocess, sys
        left = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
        )
        with open("left", "w") as file:
            file.write(str(left.pid))
        while True:
            print('{"name": "Milk", "sku": "m1", "price": "1.50"}')
        """,
    )
    try:
        _, how, reason = _day(site, tmp_path)
    finally:
        os.kill(int((tmp_path / "left").read_text()), signal.SIGKILL)
    assert how == "gave_up"
    assert "more than 300,000 bytes" in reason


def test_a_script_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="there is no script"):
        _day(Site(name="brought", driver="script", script="none.sh"), tmp_path)


SPIDER = """
import scrapy


class Shop(scrapy.Spider):
    name = "shop"

    async def start(self):
        yield scrapy.Request(SERVER + "/list")

    def parse(self, response):
        for link in response.css("a::attr(href)").getall():
            yield response.follow(link, self.product)

    def product(self, response):
        yield {
            "url": response.url,
            "name": response.css("h1::text").get(),
            "price": response.css("b::text").get(),
            "sku": response.url.rsplit("/", 1)[1],
        }
"""


def test_an_existing_spider_is_run_as_it_is(tmp_path: Path) -> None:
    pytest.importorskip("scrapy")

    def reply(path: str) -> tuple[int, dict[str, str], bytes]:
        if path == "/robots.txt":
            return 200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /p/3\n"
        if path == "/list":
            return page("".join(f'<a href="/p/{n}">{n}</a>' for n in (1, 2, 3)))
        return page(f"<h1>Milk</h1><b>2.5{path[-1]}</b>") if path.startswith("/p/") else NOTHING

    with answering(reply) as server:
        (tmp_path / "spiders.py").write_text(SPIDER.replace("SERVER", repr(server.url)))
        site = Site(name="crawled", driver="scrapy", spider="spiders:Shop", currency="EUR", rate=20)
        made, how, reason = _day(site, tmp_path, CaptureSettings(contact="https://us.example"))
    assert (how, reason) == ("complete", "")
    assert made.tables.prices.select("sku", "price", "name").rows() == [
        ("1", "2.51", "Milk"),
        ("2", "2.52", "Milk"),
    ]
    assert "/p/3" not in server.paths, "robots.txt is obeyed though Scrapy does not by itself"
    agents = {headers["User-Agent"] for _, headers in server.asked}
    assert agents == {"DataWeaveCapture/1.0 (+https://us.example)"}


def test_a_spider_that_is_not_there_is_told(tmp_path: Path) -> None:
    pytest.importorskip("scrapy")
    site = Site(name="crawled", driver="scrapy", spider="nowhere.spiders:Shop")
    _, how, reason = _day(site, tmp_path)
    assert how == "gave_up"
    assert "nowhere.spiders:Shop cannot be imported" in reason
