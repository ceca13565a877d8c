"""Journal and archive on an object store, which knows no appending: segments, whole or not."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from pathlib import Path

import pytest

from flows.pipeline.capture.fetching.batch import Order
from flows.pipeline.capture.fetching.journal import SEGMENT_LINES, Ended, Journal, content_of
from flows.pipeline.capture.fetching.page_archive import PageArchive
from flows.pipeline.capture.fetching.visit import Visit
from flows.sample.storefront import serve
from sdk.storage import Storage, storage
from tests.flows.pipeline.capture.fetching.capturing import CUSTOMER, LOOPBACK, sites_of
from tests.sdk.moto_s3 import BUCKET, s3_endpoint

__all__ = ["s3_endpoint"]

DAY = date(2026, 8, 15)


@pytest.fixture
def root(s3_endpoint: str) -> Storage:
    return storage(f"s3://{BUCKET}/{uuid.uuid4().hex}")


def test_visits_are_read_back_from_their_segments(root: Storage) -> None:
    journal = Journal(root, CUSTOMER, DAY, "shop")
    made = [Visit(f"https://shop.example/{n}", "page", 200) for n in range(SEGMENT_LINES + 5)]
    for visit in made:
        journal.add(visit)
    again = Journal(root, CUSTOMER, DAY, "shop")
    assert len(list(again.visits())) >= SEGMENT_LINES
    journal.end(Ended("complete", visits=len(made)))
    assert sorted(visit.url for visit in again.visits()) == sorted(visit.url for visit in made)
    assert again.ended() == Ended("complete", visits=len(made))
    assert content_of(again.visits()) == content_of(iter(reversed(made)))


def test_a_site_is_captured_into_it_and_not_asked_twice(root: Storage, tmp_path: Path) -> None:
    import asyncio

    from flows.pipeline.capture.fetching.batch import capture_batch

    with serve(shops=12, seed=7, products=5) as front:
        shop = next(one for one in front.shops if one.way == "sitemap" and not one.crawl_delay)
        site = sites_of(front, tmp_path)[shop.name]
        for day in (front.day, front.day, front.day + timedelta(days=1)):
            before = len(front.log)
            (done,) = asyncio.run(capture_batch([site], Order(root, CUSTOMER, day), LOOPBACK))
            assert done.ended is not None, done.error
            assert done.ended.how == "complete"
            asked = len(front.log) - before
            journal = Journal(root, CUSTOMER, day, site.name)
            pages = {visit.page for visit in journal.visits() if visit.page}
        assert asked > 5, "another day is asked anew"
    archive = PageArchive(root, CUSTOMER)
    assert pages <= set(archive.pages())
    assert all(archive.get(page) is not None for page in pages)
