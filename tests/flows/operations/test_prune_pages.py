"""Retention of captured pages: what is old goes, what a kept visit names stays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flows.operations.pages import prune, prune_pages
from flows.pipeline.capture.fetching.journal import Journal
from flows.pipeline.capture.fetching.page_archive import PageArchive
from flows.pipeline.capture.fetching.retention import Kept, days_to_drop, pages_to_drop
from flows.pipeline.capture.fetching.visit import Visit
from sdk.storage import storage
from sdk.testing.platform import Platform, platform, prefect_api  # noqa: F401

TODAY = date(2026, 8, 15)
NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)


@given(st.sets(st.integers(0, 100), max_size=30), st.integers(1, 60))
def test_days_are_kept_as_long_as_they_are_asked_for(ages: set[int], keep: int) -> None:
    days = {(TODAY - timedelta(days=age)).isoformat(): age for age in ages}
    dropped = days_to_drop([*days, "not a day"], TODAY, timedelta(days=keep))
    assert all(days[day] > keep for day in dropped)
    if ages:
        newest = min(ages)
        assert len(dropped) == sum(age > keep and age != newest for age in ages)


def test_pages_that_are_named_young_or_of_unknown_age_stay() -> None:
    old, young = NOW - timedelta(days=9), NOW - timedelta(hours=3)
    pages = [Kept("a", "a", 1, old), Kept("b", "b", 1, old), Kept("c", "c", 1, young)]
    pages.append(Kept("d", "d", 1, None))
    assert [page.page for page in pages_to_drop(pages, {"b"}, NOW)] == ["a"]


def _capture(root: Path, day: date, **bodies: bytes) -> dict[str, str]:
    store = storage(str(root))
    archive, journal = PageArchive(store, "acme"), Journal(store, "acme", day, "shop")
    made = {}
    for url, body in bodies.items():
        made[url] = archive.put(body)
        journal.add(Visit(url, "page", 200, page=made[url]))
    return made


def test_old_visits_go_and_the_pages_that_only_they_named(tmp_path: Path) -> None:
    root = storage(str(tmp_path))
    first = _capture(tmp_path, TODAY - timedelta(days=60), one=b"same", two=b"of old")
    last = _capture(tmp_path, TODAY, one=b"same", two=b"new")
    archive = PageArchive(root, "acme")
    orphan = archive.put(b"of a killed writer")
    later = datetime.now(UTC) + timedelta(days=365)
    kept = prune(
        root, "acme", timedelta(days=30), timedelta(days=0), datetime(2026, 8, 15, tzinfo=UTC)
    )
    assert kept["days"] == 1
    assert root.names("acme/_capture") == [TODAY.isoformat()]
    # The clock of the store is the newest page's: none is older than itself by the grace.
    assert archive.holds(last["two"])
    prune(root, "acme", timedelta(days=30), timedelta(seconds=-1), later)
    assert archive.pages() == sorted([first["one"], last["two"]])
    assert not archive.holds(orphan)
    assert archive.get(first["one"]) == b"same"


def test_the_flow_says_what_it_did(platform: Platform) -> None:  # noqa: F811
    _capture(platform.folder / "store", TODAY, one=b"same")
    ran = platform.run(prune_pages)
    assert ran.state == "Completed", ran.error
    assert ran.value == {"days": 0, "pages": 0, "kept": 1, "bytes": 0}
