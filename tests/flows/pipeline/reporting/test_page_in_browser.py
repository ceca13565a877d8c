"""The page as a browser shows it: nothing is fetched or sticks out, and filters tell the truth."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.pipeline.reporting.page import render_page, sections
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


def ready(page: Page, url: str, width: int = 1280) -> None:
    page.open(url, width=width)
    for _ in range(600):
        if page.evaluate("document.documentElement.dataset.ready") == "yes":
            return
        time.sleep(0.05)
    raise TimeoutError(page.complaints)


def shown(page: Page, table: str) -> list[list[str]]:
    """The cells of a table as they are seen; of a product its name and code in one."""
    found: list[list[str]] = page.evaluate(
        f"""[...document.querySelectorAll('[data-table="{table}"] tbody tr')]
            .map(row => [...row.cells].map(cell => cell.textContent))"""
    )
    return found


def choose(page: Page, label: str, value: str) -> None:
    """Choose a value of a filter, or write it into the search field, as a person does."""
    assert page.evaluate(
        f"""(() => {{
            const label = [...document.querySelectorAll('label')]
                .find(one => one.firstChild.textContent === {label!r});
            const field = label.querySelector('select, input');
            if (field.tagName === 'SELECT') {{
                field.value = [...field.options].find(one => one.text === {value!r}).value;
                field.dispatchEvent(new Event('change'));
            }} else {{
                field.value = {value!r};
                field.dispatchEvent(new Event('input'));
            }}
            return true;
        }})()"""
    )


def rows(page: Page, table: str) -> int:
    return int(page.evaluate(f"document.querySelector('[data-table=\"{table}\"]').dataset.rows"))


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_page_fits_its_window_and_asks_for_nothing(
    page: Page, url: str, width: int, tmp_path: Path
) -> None:
    page.requests.clear()
    ready(page, url, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [asked for asked in page.requests if asked != url] == []
    assert page.complaints == []
    charts = page.evaluate(
        "[...document.querySelectorAll('svg')].map(svg => svg.getBoundingClientRect().width)"
    )
    assert len(charts) == 3
    assert all(100 < drawn <= width for drawn in charts)


def test_right_to_left_names_run_right_to_left(page: Page, url: str) -> None:
    ready(page, url)
    direction = page.evaluate(
        "[...document.querySelectorAll('bdi:not([dir])')]"
        ".filter(name => /^[\\u0590-\\u05ff]/.test(name.textContent))"
        ".every(name => name.matches(':dir(rtl)'))"
    )
    assert direction is True


def test_the_script_shows_every_row_as_the_marts_have_it(
    page: Page, url: str, report: Report
) -> None:
    """All rows of all tables, compared with what the formats make of the marts."""
    ready(page, url)
    for table in (table for section in sections(report) for table in section.tables):
        if not table.explored or not table.frame.height:
            continue
        more = f"document.querySelector('[data-table=\"{table.name}\"] .tally button')?.click()"
        for _ in range(table.frame.height // 50 + 1):
            page.evaluate(more)
        expected = [
            [
                column.written(row)
                + (f" {column.code_of(row)}" if column.kind == "product" else "")
                for column in table.columns
            ]
            for row in table.frame.iter_rows(named=True)
        ]
        assert shown(page, table.name) == expected, table.name


def test_what_stands_without_the_script_is_what_it_shows_first(
    page: Page, url: str, report: Report, tmp_path: Path
) -> None:
    ready(page, url)
    tables = [t.name for s in sections(report) for t in s.tables if t.explored and t.frame.height]
    with_script = {name: shown(page, name) for name in tables}
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open(url, width=1280)
        assert page.evaluate("document.documentElement.dataset.ready") is None
        assert {name: shown(page, name) for name in tables} == with_script
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)


def test_filters_show_what_the_marts_hold(page: Page, url: str, report: Report) -> None:
    ready(page, url)
    position = report.marts["product_position"]
    choose(page, "Competitor or seller", "Blue Gate")
    assert rows(page, "product_position") == position.filter(lowest_seller="Blue Gate").height
    assert (
        rows(page, "price_changes")
        == report.marts["price_changes"].filter(seller="Blue Gate").height
    )
    assert page.evaluate(
        """[...document.querySelectorAll('[data-figure] .value')].length"""
    ) == len([1 for s in sections(report) for name, market in s.cards
              if (report.figure(name, market) or {}).get("value") is not None]) + len(
        [1 for name in _overview() if (report.figure(name) or {}).get("value") is not None]
    )  # fmt: skip
    choose(page, "Outcome", "own cheaper")
    both = position.filter((pl.col("lowest_seller") == "Blue Gate") & (pl.col("outcome") == "win"))
    assert rows(page, "product_position") == both.height
    page.evaluate("document.querySelector('.filters button').click()")
    assert rows(page, "product_position") == position.filter(outcome="win").height
    choose(page, "Outcome", "all")
    gtin = position["gtin"][3]
    choose(page, "Product", gtin)
    for _ in range(100):
        if rows(page, "product_position") == 1:
            break
        time.sleep(0.05)
    assert gtin in shown(page, "product_position")[0][0]
    choose(page, "Product", "no such product")
    for _ in range(100):
        if rows(page, "product_position") == 0:
            break
        time.sleep(0.05)
    said = page.evaluate("document.querySelector('[data-table=\"discounts\"] .tally').textContent")
    assert "No row fits the filters" in said


def _overview() -> tuple[str, ...]:
    from flows.pipeline.reporting.page import OVERVIEW

    return OVERVIEW


def test_headings_sort_and_what_is_not_there_comes_last(
    page: Page, url: str, report: Report
) -> None:
    ready(page, url)
    click = (
        "[...document.querySelectorAll('[data-table=\"{table}\"] thead button')]"
        ".find(one => one.textContent === '{title}').click()"
    )
    page.evaluate(click.format(table="product_position", title="Index"))
    values = report.marts["product_position"]["index_own_over_market"]
    assert shown(page, "product_position")[0][6] == f"{values.max():.1f}"
    page.evaluate(click.format(table="product_position", title="Index"))
    assert shown(page, "product_position")[0][6] == f"{values.min():.1f}"
    figures: list[Any] = []
    for _ in range(2):
        page.evaluate(click.format(table="figures", title="Numerator"))
        for _ in range(3):
            page.evaluate(
                "document.querySelector('[data-table=\"figures\"] .tally button')?.click()"
            )
        figures = [row[3] for row in shown(page, "figures")]
        assert "–" in figures
        assert set(figures[figures.index("–") :]) == {"–"}


def test_it_prints_to_paper_without_its_controls(page: Page, url: str) -> None:
    ready(page, url)
    page.call("Emulation.setEmulatedMedia", media="print")
    try:
        hidden = page.evaluate(
            "[...document.querySelectorAll('.filters, .tools, .sections, .tally button')]"
            ".every(part => getComputedStyle(part).display === 'none')"
        )
        assert hidden is True
    finally:
        page.call("Emulation.setEmulatedMedia", media="")
    printed = base64.b64decode(page.call("Page.printToPDF", printBackground=True)["data"])
    assert printed.startswith(b"%PDF")
    assert 3 <= printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") <= 40


def test_text_has_the_contrast_that_tired_eyes_need(page: Page, url: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1, of every text against the ground behind it."""
    ready(page, url)
    worst = page.evaluate(
        """(() => {
            const light = (c) => {
                const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
                    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const ground = (node) => {
                for (; node; node = node.parentElement) {
                    const c = getComputedStyle(node).backgroundColor;
                    if (!/, 0\\)$/.test(c)) return c;
                }
                return 'rgb(255, 255, 255)';
            };
            let worst = [99, ''];
            for (const node of document.querySelectorAll('body *:not(script):not(svg *)')) {
                const own = [...node.childNodes]
                    .some(n => n.nodeType === 3 && n.textContent.trim());
                if (!own || !node.offsetParent || node.disabled) continue;
                const [a, b] = [light(getComputedStyle(node).color), light(ground(node))];
                const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (ratio < worst[0]) worst = [ratio, node.outerHTML.slice(0, 200)];
            }
            return worst;
        })()"""
    )
    assert worst[0] >= 4.5, worst[1]
