"""The page says what the marts say, and nothing of the data becomes markup."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import replace

import polars as pl
import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from flows.pipeline.mart_schema import MARTS
from flows.pipeline.reporting import formats, wording
from flows.pipeline.reporting.page import OVERVIEW, render_page, sections
from flows.pipeline.reporting.payload import payload
from flows.pipeline.reporting.report import Report
from flows.pipeline.reporting.tables import FIRST, Column, Table
from flows.pipeline.schema import empty

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "&lt;b&gt;",
    "\u202eevil",
]

MADE_FOR_THE_PAGE = {"reviews", "faults", "rejected", "checks", "alerts", "alert_rules"}
"""Tables that are no mart; each has a test of its own, or is a mart's rows filtered."""


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return render_page(report).decode()


@pytest.fixture(scope="module")
def tree(page: str) -> HTMLParser:
    return HTMLParser(page)


def tables(report: Report) -> list[Table]:
    return [table for section in sections(report) for table in section.tables]


def test_cards_show_the_marts_figures(report: Report, tree: HTMLParser) -> None:
    cards = tree.css("#overview [data-figure]")
    assert [card.attributes["data-figure"] for card in cards] == list(OVERVIEW)
    for card in tree.css("[data-figure]"):
        row = report.figure(str(card.attributes["data-figure"]))
        assert row is not None
        text = card.text(separator=" ", strip=True)
        shown = card.css_first(".value")
        assert (shown is None) == (row["value"] is None)
        if shown is not None:
            assert shown.text(strip=True) == wording.value(row)
        assert formats.count(row["n"]) in text
        assert f"as of {report.day}" in text
        if row["coverage"] is not None:
            assert f"coverage {formats.share(row['coverage'])}" in text


def test_every_figure_leads_to_its_definition(report: Report, tree: HTMLParser) -> None:
    for link in tree.css("[data-figure] h3 a"):
        about = tree.css_first(str(link.attributes["href"]))
        assert about is not None
        assert len(about.css_first("dd").text()) > 40
    there = set(report.marts["figures"]["figure"])
    assert there <= set(wording.FIGURES)
    assert {str(node.id).removeprefix("about-") for node in tree.css("dl > div")} == there


WAYS = {
    # Written here anew, from what the page promises: not from how it is made.
    "money": lambda value: f"{value:,.2f}".replace("-", "\u2212"),
    "percent": lambda value: (
        f"{value:+,.1f}".replace("-", "\u2212").replace("+0.0", "0.0").replace("\u22120.0", "0.0")
        + "\u202f%"
    ),
    "share": lambda value: f"{100 * value:,.1f}\u202f%",
    "index": lambda value: f"{value:,.1f}",
    "count": lambda value: f"{value:,.0f}",
    "number": lambda value: f"{value:,.0f}" if value == int(value) else f"{value:,.4f}",
    "date": lambda value: f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "hour") else f"{value}",
}


def expected(column: Column, row: dict[str, object]) -> str:
    value = row[column.source]
    if value is None or value == "":
        return "–"
    if column.kind in WAYS:
        return WAYS[column.kind](value)
    return str(column.words.get(value, value))  # type: ignore[call-overload]


def test_every_cell_of_every_table_equals_its_mart(report: Report, tree: HTMLParser) -> None:
    seen = set()
    for table in tables(report):
        block = tree.css_first(f'[data-table="{table.name}"]')
        assert block is not None
        rows = block.css("tbody tr")
        if not table.frame.height:
            assert table.lacking in block.text(strip=False)
            continue
        seen.add(table.name)
        if table.name not in MADE_FOR_THE_PAGE:
            mart = report.marts[table.name]
            assert table.frame.height == mart.height
            assert set(mart.columns) <= set(table.frame.columns)
            assert (
                table.frame.select(mart.columns).sort(mart.columns).equals(mart.sort(mart.columns))
            )
        assert len(rows) == (
            min(FIRST, table.frame.height) if table.explored else table.frame.height
        )
        for row, values in zip(rows, table.frame.iter_rows(named=True), strict=False):
            for cell, column in zip(row.css("td"), table.columns, strict=True):
                shown = cell.css_first("bdi") if column.kind == "product" else cell
                text = shown.text().strip(" \n")
                if column.kind not in ("product", "name", "sentence", "word"):
                    text = text.strip()
                assert text == expected(column, values).strip(" \n"), (table.name, column.title)
                if column.kind == "product":
                    code = cell.css_first(".code").text()
                    assert code == next((values[c] for c in column.code if values[c]), "")
    assert set(MARTS) - {"comparisons"} <= seen


def test_every_mart_is_on_the_page(report: Report) -> None:
    names = {table.name for table in tables(report)}
    # Comparisons are the evidence behind the products: the ones not used are listed.
    assert set(MARTS) - names == {"comparisons"}


def test_the_page_runs_its_own_script_alone_and_loads_nothing(page: str, tree: HTMLParser) -> None:
    (script,) = tree.css("script:not([data-of])")
    assert all(
        node.attributes["type"] == "application/octet-stream"
        for node in tree.css("script[data-of]")
    )
    digest = base64.b64encode(hashlib.sha256(script.text().encode()).digest()).decode()
    (policy,) = tree.css('meta[http-equiv="Content-Security-Policy"]')
    assert policy.attributes["content"] == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )
    assert not re.search(r"""\s(src|href)\s*=\s*["'](?!#)""", page)
    assert not re.search(r"@import|url\(", page)


def test_names_are_isolated_for_direction(report: Report, tree: HTMLParser) -> None:
    hebrew = re.compile("[\u0590-\u05ff]")
    for cell in tree.css("td, li, h1"):
        if hebrew.search(cell.text()) is None:
            continue
        isolated = "".join(part.text() for part in cell.css("bdi"))
        assert hebrew.findall(cell.text()) == hebrew.findall(isolated), cell.html


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(report: Report, text: str) -> None:
    marts = dict(report.marts)
    for name, frame in marts.items():
        if name == "figures":
            continue
        strange = ("own_name", "name", "seller_product", "brand", "seller", "url", "words", "note")
        columns = [c for c in strange if c in frame.columns]
        marts[name] = frame.with_columns(pl.lit(text).alias(column) for column in columns)
    marts["price_index"] = marts["price_index"].with_columns(market=pl.lit(text))
    marts["outcomes"] = marts["outcomes"].with_columns(market=pl.lit(text))
    page = render_page(replace(report, marts=marts, title=text)).decode()
    assert html.escape(text, quote=True).replace("&#x27;", "&#39;") in page or text in page
    tree = HTMLParser(page)
    assert len(tree.css("script:not([data-of])")) == 1
    assert not tree.css("img, iframe, object, embed, form, link")
    assert not [name for node in tree.css("*") for name in node.attributes if name.startswith("on")]
    assert tree.css_first('[data-table="product_position"] td bdi').text() == text


def test_nothing_to_compare_is_said_and_not_zero(report: Report) -> None:
    from flows.pipeline.insights.figures import figures

    marts = {name: empty(schema) for name, schema in MARTS.items()}
    marts["figures"] = figures(marts, day=report.day, own_seller="Own", own_products=0)
    bare = replace(report, marts=marts, alerts=None, alert_rules=None)
    tree = HTMLParser(render_page(bare).decode())
    for card in tree.css("[data-figure]"):
        assert card.css_first(".value") is None
        assert card.css_first(".why").text().startswith("Not enough data: ")
    assert tree.css_first("#alerts") is None
    for script in tree.css("script, style"):
        script.decompose()
    text = tree.body.text()
    assert "NaN" not in text
    assert not re.search(r"\bNone\b(?!:)", text)
    assert not re.search(r"\bnull\b", text)


def test_same_report_is_the_same_bytes(report: Report) -> None:
    assert render_page(report) == render_page(report)


def test_what_does_not_fit_is_left_out_from_the_end_and_said(report: Report) -> None:
    found = tables(report)
    whole = payload(found)
    assert whole.rows == {t.name: t.frame.height for t in found if t.explored}
    main = next(t.name for t in found if t.main)
    rest = whole.size - len(whole.tables[main])
    small = payload(found, most=rest + len(whole.tables[main]) // 2)
    assert small.size <= rest + len(whole.tables[main]) // 2
    assert 0 < small.rows.pop(main) < whole.rows.pop(main)
    assert small.rows == whole.rows
    assert payload(found, most=100).size <= 100 + 400 * len(found)  # nothing but headings


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (12.5, "+12.5\u202f%"), (-0.04, "0.0\u202f%"), (-3.0, "\u22123.0\u202f%")],
)
def test_percentages_carry_their_sign(value: float | None, shown: str) -> None:
    assert formats.percent(value) == shown
