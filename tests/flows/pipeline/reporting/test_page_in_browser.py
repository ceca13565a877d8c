"""The page as a browser shows it: nothing is fetched, nothing runs, nothing sticks out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.pipeline.reporting.page import render_page
from flows.pipeline.reporting.report import Report
from tests.support.chromium import Page, browser, found

pytestmark = pytest.mark.skipif(found() is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def url(report: Report, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_bytes(render_page(report))
    return path.as_uri()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as opened:
        yield opened


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_page_fits_its_window_and_asks_for_nothing(
    page: Page, url: str, width: int, tmp_path: Path
) -> None:
    page.requests.clear()
    page.open(url, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [asked for asked in page.requests if asked != url] == []
    assert page.complaints == []
    charts = page.evaluate(
        "[...document.querySelectorAll('svg')].map(svg => svg.getBoundingClientRect().width)"
    )
    assert len(charts) == 3
    assert all(100 < drawn <= width for drawn in charts)


def test_right_to_left_names_run_right_to_left(page: Page, url: str) -> None:
    page.open(url, width=1280)
    direction = page.evaluate(
        "[...document.querySelectorAll('bdi:not([dir])')]"
        ".filter(name => /^[\\u0590-\\u05ff]/.test(name.textContent))"
        ".every(name => name.matches(':dir(rtl)'))"
    )
    assert direction is True
