"""A worker that is killed at any moment: the next one takes its sites up where they were.

Proved from the servers' own log: no page whose visit was written down is asked for again, and
what is asked for twice is no more than what was under way.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flows.sample.storefront import Front, serve
from tests.flows.pipeline.capture.fetching.capturing import sites_of, visits

ROOT = Path(__file__).parents[5]
KILLS = int(os.environ.get("DATAWEAVE_CAPTURE_KILLS", "2"))

pytestmark = pytest.mark.timeout(600 + 60 * KILLS)


def _start(folder: Path, root: Path, front: Front) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.flows.pipeline.capture.fetching.killed_capture",
         str(folder), str(root), str(front.day), "run-1"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def _kill(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _targets(root: Path, front: Front, site: str) -> set[str]:
    """What the site's journal says was visited, as the server names it."""
    found = set()
    for visit in visits(root, front.day, site):
        parts = urlsplit(visit.url)
        found.add(parts.path + (f"?{parts.query}" if parts.query else ""))
    return found


def test_no_page_is_fetched_twice_that_need_not_be(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    draw = random.Random(seed)
    root = tmp_path / "store"
    with serve(shops=8, seed=7, products=24) as front:
        sites = sites_of(front, tmp_path / "sites", rate=10.0)
        for shop in front.shops:
            if shop.crawl_delay:  # as slow as it asks for: another test's affair
                (tmp_path / "sites" / f"{shop.name}.yaml").unlink()
                del sites[shop.name]
        hits = 0
        for _ in range(KILLS):
            process = _start(tmp_path / "sites", root, front)
            time.sleep(draw.uniform(0.3, 1.5))
            hits += process.poll() is None
            _kill(process)
            known = {name: _targets(root, front, name) for name in sites}
            before = len(front.log)
            process = _start(tmp_path / "sites", root, front)
            time.sleep(0.5)
            _kill(process)
            for request in front.log[before:]:
                assert request.target not in known[request.shop], request
        assert hits
        process = _start(tmp_path / "sites", root, front)
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert out.split() == ["complete"]

        asked = Counter((request.shop, request.target) for request in front.log)
        again = Counter[str]()
        for (shop, _), count in asked.items():
            again[shop] += count - 1
        for shop in (one for one in front.shops if one.name in sites):
            assert again[shop.name] <= 2 * KILLS * sites[shop.name].concurrency
            if not shop.is_feed:
                listed = set(front.truth().filter(shop=shop.name)["url"])
                visited = {visit.url for visit in visits(root, front.day, shop.name, "page")}
                assert listed <= visited

        total = len(front.log)
        process = _start(tmp_path / "sites", root, front)
        process.communicate(timeout=60)
        assert len(front.log) == total, "what has ended is not asked again"
