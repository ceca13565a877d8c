"""The page says what the marts say, and nothing of the data becomes markup."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import polars as pl
import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from flows.pipeline.reporting import formats, wording
from flows.pipeline.reporting.page import render_page
from flows.pipeline.reporting.report import Report
from flows.pipeline.mart_schema import MARTS
from flows.pipeline.schema import empty

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "&lt;b&gt;",
    "\u202eevil",
]


@pytest.fixture(scope="module")
def tree(report: Report) -> HTMLParser:
    return HTMLParser(render_page(report).decode())


def _cells(row: object) -> list[str]:
    return [cell.text(strip=True) for cell in row.css("td")]  # type: ignore[attr-defined]


def test_cards_show_the_marts_figures(report: Report, tree: HTMLParser) -> None:
    cards = tree.css("[data-figure]")
    assert len(cards) == 8
    for card in cards:
        row = report.figure(str(card.attributes["data-figure"]))
        assert row is not None
        text = card.text(separator=" ", strip=True)
        assert row["note"] is not None or wording.value(row) in text
        assert formats.count(row["n"]) in text
        assert f"as of {report.day}" in text


def test_price_index_table_equals_the_mart(report: Report, tree: HTMLParser) -> None:
    rows = tree.css("#index table tbody tr")
    mart = report.marts["price_index"].to_dicts()
    assert len(rows) == len(mart) > 2
    for row, expected in zip(rows, mart, strict=True):
        cells = _cells(row)
        assert cells[0] == expected["market"].replace("all", "all competitors")
        if expected["index_own_over_market_mean"] is not None:
            assert cells[1:5] == [
                f"{expected[f'index_own_over_market_{way}']:.1f}"
                for way in ("mean", "median", "geometric", "basket")
            ]
        assert cells[-2] == f"{expected['products']:,}"


def test_product_tables_are_the_extremes_of_the_mart(report: Report, tree: HTMLParser) -> None:
    position = report.marts["product_position"]
    dearest = position.filter(pl.col("gap_own_minus_lowest_pct") > 0)
    worst = dearest.sort("gap_own_minus_lowest_pct", descending=True)
    shown = _cells(tree.css("#products table")[0].css("tbody tr")[0])
    assert shown[3] == formats.percent(worst["gap_own_minus_lowest_pct"][0])
    assert len(tree.css("#products table")[0].css("tbody tr")) == min(20, dearest.height)


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
    for name in ("product_position", "comparisons", "price_changes", "assortment_gaps"):
        frame = marts[name]
        columns = [c for c in ("own_name", "name", "seller_product") if c in frame.columns]
        marts[name] = frame.with_columns(pl.lit(text).alias(column) for column in columns)
    marts["coverage"] = marts["coverage"].with_columns(seller=pl.lit(text))
    marts["price_index"] = marts["price_index"].with_columns(market=pl.lit(text))
    marts["outcomes"] = marts["outcomes"].with_columns(market=pl.lit(text))
    page = render_page(replace(report, marts=marts, title=text)).decode()
    assert html.escape(text, quote=True).replace("&#x27;", "&#39;") in page or text in page
    tree = HTMLParser(page)
    assert not tree.css("script, img, iframe, object, embed, form")
    assert not [name for node in tree.css("*") for name in node.attributes if name.startswith("on")]
    assert tree.css_first("#products td bdi").text() == text


def test_nothing_to_compare_is_said_and_not_zero(report: Report) -> None:
    from flows.pipeline.insights.figures import figures

    marts = {name: empty(schema) for name, schema in MARTS.items()}
    marts["figures"] = figures(marts, day=report.day, own_seller="Own", own_products=0)
    page = render_page(replace(report, marts=marts)).decode()
    text = HTMLParser(page).text()
    assert "not enough data" in text.lower()
    assert "NaN" not in text
    assert "None:" in text  # no product is dearer, none is cheaper
    assert not re.search(r"\bNone\b(?!:)", text)


def test_same_report_is_the_same_bytes(report: Report) -> None:
    assert render_page(report) == render_page(report)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (12.5, "+12.5\u202f%"), (-0.04, "0.0\u202f%"), (-3.0, "\u22123.0\u202f%")],
)
def test_percentages_carry_their_sign(value: float | None, shown: str) -> None:
    assert formats.percent(value) == shown
