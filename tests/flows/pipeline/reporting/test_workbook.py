"""The workbook holds every row, keeps codes as text, and runs nothing."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from decimal import Decimal

import openpyxl
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.reporting.report import Report
from flows.pipeline.reporting.workbook import render_workbook, safe_text, sheets


@pytest.fixture(scope="module")
def book(report: Report) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(render_workbook(report)))


def test_every_sheet_holds_every_row_of_its_mart(report: Report, book: openpyxl.Workbook) -> None:
    assert book.sheetnames == [sheet.tab for sheet in sheets(report)]
    for sheet in sheets(report):
        page = book[sheet.tab]
        assert page.max_row == sheet.frame.height + 1
        assert page.freeze_panes == "A2"
        assert sheet.frame.height == 0 or page.auto_filter.ref is not None


def test_cells_equal_the_mart(report: Report, book: openpyxl.Workbook) -> None:
    frame = report.marts["product_position"]
    rows = list(book["Products"].iter_rows(min_row=2, values_only=True))
    for shown, expected in zip(rows, frame.iter_rows(), strict=True):
        for cell, value in zip(shown, expected, strict=True):
            if isinstance(value, Decimal | float):
                assert cell == pytest.approx(float(value))
            elif isinstance(value, str):
                assert cell == safe_text(value)


def test_gtins_and_skus_are_text_with_their_zeros(report: Report, book: openpyxl.Workbook) -> None:
    page = book["Products"]
    names = [cell.value for cell in page[1]]
    for name in ("GTIN", "Own SKU"):
        column = names.index(name) + 1
        cells = [page.cell(row, column) for row in range(2, page.max_row + 1)]
        assert all(cell.data_type == "s" for cell in cells)
    gtins = [page.cell(row, names.index("GTIN") + 1).value for row in range(2, page.max_row + 1)]
    assert gtins == report.marts["product_position"]["gtin"].to_list()
    assert any(str(gtin).startswith("0") for gtin in gtins)


def test_products_are_coloured_by_position(report: Report, book: openpyxl.Workbook) -> None:
    page = book["Products"]
    colours: dict[str, set[str]] = {}
    outcomes = report.marts["product_position"]["outcome"].to_list()
    for row, outcome in enumerate(outcomes, start=2):
        colours.setdefault(outcome, set()).add(page.cell(row, 1).fill.start_color.rgb)
    assert all(len(found) == 1 for found in colours.values())
    assert len({colour for found in colours.values() for colour in found}) == len(colours) > 1


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", '=HYPERLINK("http://e","x")'])
def test_formulas_are_written_as_text(report: Report, text: str) -> None:
    marts = dict(report.marts)
    marts["product_position"] = marts["product_position"].with_columns(own_name=pl.lit(text))
    data = render_workbook(replace(report, marts=marts))
    page = openpyxl.load_workbook(io.BytesIO(data))["Products"]
    column = list(report.marts["product_position"].columns).index("own_name") + 1
    cell = page.cell(2, column)
    assert cell.data_type == "s"
    assert str(cell.value).startswith("'")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert b"<f>" not in content


@given(st.text(max_size=60))
def test_any_text_is_legal_and_never_a_formula(text: str) -> None:
    made = safe_text(text)
    assert not made.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert not any(ord(char) < 32 and char not in "\t\n\r" for char in made)


def test_longest_text_fits_a_cell() -> None:
    assert len(safe_text("=" + "x" * 100_000)) <= 32_767


def test_same_report_is_the_same_bytes(report: Report) -> None:
    assert render_workbook(report) == render_workbook(report)
