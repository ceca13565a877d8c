"""The next day: pages that did not change are not sent again, and the archive keeps each once."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from flows.pipeline.capture.fetching.page_archive import PageArchive
from flows.pipeline.capture.fetching.visit import Visit
from flows.sample.storefront import serve
from tests.flows.pipeline.capture.fetching.capturing import (
    CUSTOMER,
    capture,
    sites_of,
    store,
    visits,
)


def _pages(root: Path, day: date, site: str) -> dict[str, Visit]:
    return {visit.url: visit for visit in visits(root, day, site, "page")}


def test_a_shop_that_knows_etags_sends_only_what_changed(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with serve(shops=40, seed=7, products=20) as front:
        shop = next(
            one
            for one in front.shops
            if one.conditional and one.way == "sitemap" and not one.crawl_delay
        )
        sites = sites_of(front, tmp_path / "sites")
        today, tomorrow = front.day, front.day + timedelta(days=1)
        capture([sites[shop.name]], root, today)
        front.set_day(tomorrow)
        front.log.clear()
        capture([sites[shop.name]], root, tomorrow)
        statuses = Counter(request.status for request in front.log)
    first, second = _pages(root, today, shop.name), _pages(root, tomorrow, shop.name)
    same = [url for url, visit in second.items() if visit.unchanged]
    assert 0 < len(same) < len(second)
    assert statuses[304] == len(same)
    assert all(second[url].page == first[url].page for url in same)
    assert all(second[url].status == 200 for url in same)
    archive = PageArchive(store(root), CUSTOMER)
    assert all(archive.holds(visit.page) for visit in second.values() if visit.page)


def test_a_page_that_is_gone_from_the_archive_is_asked_for_anew(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with serve(shops=40, seed=7, products=8) as front:
        shop = next(
            one
            for one in front.shops
            if one.conditional and one.way == "sitemap" and not one.crawl_delay
        )
        sites = sites_of(front, tmp_path / "sites")
        today, tomorrow = front.day, front.day + timedelta(days=1)
        capture([sites[shop.name]], root, today)
        archive = PageArchive(store(root), CUSTOMER)
        for page in archive.pages():
            archive.remove(page)
        capture([sites[shop.name]], root, tomorrow)
    second = _pages(root, tomorrow, shop.name)
    assert second
    assert not any(visit.unchanged for visit in second.values())
    assert all(archive.holds(visit.page) for visit in second.values() if visit.page)


@pytest.mark.parametrize("run", ["same", "later"])
def test_a_site_that_was_down_is_tried_again_by_a_later_run(tmp_path: Path, run: str) -> None:
    root = tmp_path / "store"
    with serve(shops=3, seed=7, products=4) as front:
        shop = front.shops[0]
        site = sites_of(front, tmp_path / "sites")[shop.name]
        front.misbehave(shop.name, "robots_error")
        done = capture([site], root, front.day, run="same")
        ended = done[shop.name].ended
        assert ended is not None
        assert ended.how == "closed"
        front.set_script([])
        front.log.clear()
        done = capture([site], root, front.day, run=run)
        ended = done[shop.name].ended
        assert ended is not None
        assert ended.how == ("closed" if run == "same" else "complete")
        assert bool(len(front.log)) == (run == "later")


def test_a_refresh_begins_another_round(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with serve(shops=1, seed=7, products=4) as front:
        site = sites_of(front, tmp_path / "sites")[front.shops[0].name]
        capture([site], root, front.day)
        first = len(front.log)
        capture([site], root, front.day, afresh=True)
        assert len(front.log) > first
    names = store(root).names(f"{CUSTOMER}/_capture/{front.day}/{site.name}")
    assert names == ["001", "002"]


def test_a_damaged_page_is_no_page(tmp_path: Path) -> None:
    archive = PageArchive(store(tmp_path), CUSTOMER)
    page = archive.put(b"<html>one</html>")
    assert archive.get(page) == b"<html>one</html>"
    path = tmp_path / archive.path(page)
    path.write_bytes(path.read_bytes()[:-3])
    assert archive.get(page) is None
    path.write_bytes((tmp_path / archive.path(archive.put(b"another"))).read_bytes())
    assert archive.get(page) is None
    assert archive.get("0" * 64) is None
