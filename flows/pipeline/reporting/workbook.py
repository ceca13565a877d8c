"""The workbook: every figure and every row behind the page, as one xlsx file.

What people paste into spreadsheets must survive it: GTINs and SKUs are text (a number would lose
its zeros), and text that begins like a formula is written as text behind an apostrophe, since
names come from strangers' files. The same report gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import xlsxwriter

from flows.pipeline.reporting import wording
from flows.pipeline.reporting.charts import EVEN, OWN_LOSES, OWN_WINS
from flows.pipeline.reporting.report import Report

MOST_ROWS = 1_048_575
"""Rows of a sheet below its header: the file format's limit."""

LONGEST_TEXT = 32_767
"""Characters of a cell: the file format's limit."""

_FORMULA = re.compile(r"^[=+\-@\t\r]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ACRONYMS = {"gtin": "GTIN", "sku": "SKU", "id": "ID"}
_TINTS = {"win": "#cfe6f4", "tie": "#e4e7eb", "lose": "#fbe0cc"}
_NUMBER_FORMATS = {
    # by what the column is named after; the first that matches wins
    r"_pct$": '+0.0"\u202f%";\u22120.0"\u202f%";0.0"\u202f%"',
    r"^gap_|_minus_": "+#,##0.00;\u2212#,##0.00;0.00",
    r"index": "#,##0.0",
    r"share|_over_own$|_over_seller$|_over_market$|coverage|over_baseline|rate$|precision|score": (
        "0.0\u202f%"
    ),
    r"ratio": "0.000",
    r"price|lowest|minimum|mean|median|basket": "#,##0.00",
}


@dataclass(frozen=True)
class Sheet:
    """One sheet: its tab, what it shows, and the columns whose cells carry a tint."""

    tab: str
    frame: pl.DataFrame
    tinted: str | None = None


def render_workbook(report: Report) -> bytes:
    """Return the workbook's bytes."""
    buffer = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(buffer, options) as book:
        moment = datetime(report.day.year, report.day.month, report.day.day)
        # A fixed instant: the clock would make the same report two different files.
        book.set_properties({"title": f"{report.title} {report.day}", "created": moment})
        formats = _Formats(book)
        for sheet in sheets(report):
            _write(book.add_worksheet(sheet.tab), sheet, formats)
    return buffer.getvalue()


def sheets(report: Report) -> list[Sheet]:
    """Return the sheets in their order."""
    marts = report.marts
    alerts = [
        Sheet(tab, frame)
        for tab, frame in (("Alerts", report.alerts), ("Alert rules", report.alert_rules))
        if frame is not None
    ]
    return [
        Sheet("About", _about(report)),
        Sheet("Figures", _figures(marts["figures"])),
        *alerts,
        Sheet("Price index", marts["price_index"]),
        Sheet("Products", marts["product_position"], tinted="outcome"),
        Sheet("Comparisons", marts["comparisons"]),
        Sheet("Win tie lose", marts["outcomes"]),
        Sheet("Price changes", marts["price_changes"]),
        Sheet("Changes by seller", marts["change_summary"]),
        Sheet("Assortment", marts["assortment"]),
        Sheet("Assortment groups", marts["assortment_groups"]),
        Sheet("Assortment gaps", marts["assortment_gaps"]),
        Sheet("Availability", marts["availability"]),
        Sheet("Out of stock", marts["out_of_stock"]),
        Sheet("Promotions", marts["promotions"]),
        Sheet("Discounts", marts["discounts"]),
        Sheet("Minimum prices", marts["map_violations"]),
        Sheet("Content", marts["content"]),
        Sheet("Content by product", marts["content_products"]),
        Sheet("Share of search", marts["search_share"]),
        Sheet("Match quality", marts["match_quality"]),
        Sheet("Sellers", marts["coverage"]),
        Sheet("Faults", report.faults),
        Sheet("Rejected rows", report.rejected),
        Sheet("Checks", _checks(report)),
    ]


def safe_text(text: str) -> str:
    """Return text that a spreadsheet shows and never runs, without illegal characters."""
    clean = _CONTROL.sub("", text)[: LONGEST_TEXT - 1]
    return f"'{clean}" if _FORMULA.match(clean) else clean


class _Formats:
    """Cell formats, made once each."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[str | None, str | None], Any] = {}
        self.header = book.add_format(
            {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#f5f7fa"}
        )

    def cell(self, number: str | None, tint: str | None = None) -> Any:
        key = (number, tint)
        if key not in self._made:
            properties: dict[str, Any] = {}
            if number:
                properties["num_format"] = number
            if tint:
                properties["bg_color"] = tint
            self._made[key] = self._book.add_format(properties)
        return self._made[key]


def _write(page: Any, sheet: Sheet, formats: _Formats) -> None:
    frame = sheet.frame.head(MOST_ROWS)
    page.freeze_panes(1, 0)
    outcomes = frame[sheet.tinted].to_list() if sheet.tinted else None
    for number, (name, dtype) in enumerate(frame.schema.items()):
        page.write_string(0, number, _heading(name), formats.header)
        look = _number_format(name, dtype)
        values = frame[name].to_list()
        for row, value in enumerate(values, start=1):
            tint = _TINTS.get(outcomes[row - 1]) if outcomes else None
            _write_cell(page, row, number, value, formats.cell(look, tint))
        page.set_column(number, number, _width(name, values))
    if frame.height:
        page.autofilter(0, 0, frame.height, frame.width - 1)


def _write_cell(page: Any, row: int, column: int, value: Any, look: Any) -> None:
    if value is None:
        page.write_blank(row, column, None, look)
    elif isinstance(value, bool):
        page.write_string(row, column, "yes" if value else "no", look)
    elif isinstance(value, str):
        page.write_string(row, column, safe_text(value), look)
    elif isinstance(value, datetime | date):
        page.write_datetime(row, column, value, look)
    else:
        page.write_number(row, column, float(value), look)


def _number_format(name: str, dtype: pl.DataType) -> str | None:
    if isinstance(dtype, pl.Datetime):
        return "yyyy-mm-dd hh:mm"
    if isinstance(dtype, pl.Date):
        return "yyyy-mm-dd"
    if isinstance(dtype, pl.Float64 | pl.Decimal):
        for pattern, number in _NUMBER_FORMATS.items():
            if re.search(pattern, name):
                return number
        return "#,##0.####"
    return "#,##0" if dtype.is_integer() else None


def _heading(name: str) -> str:
    words = name.removesuffix("_pct").split("_") + (["%"] if name.endswith("_pct") else [])
    shown = " ".join(_ACRONYMS.get(word, word) for word in words)
    return shown[:1].upper() + shown[1:]


def _width(name: str, values: Sequence[Any]) -> float:
    longest = max((len(_shown(value)) for value in values[:200]), default=0)
    return float(min(60, max(10, len(_heading(name)) * 0.7, longest + 2)))


def _shown(value: Any) -> str:
    if isinstance(value, float | Decimal):
        return f"{value:,.2f}"
    return "" if value is None else str(value)


def _about(report: Report) -> pl.DataFrame:
    lines: list[tuple[str, str]] = [
        ("Customer", report.title),
        ("As of", str(report.day)),
        ("Own seller", report.own_seller),
        ("Currency", report.currency),
        ("State", wording.STATES[report.state]),
        *(("Not fresh", reason) for reason in report.degraded_because),
        *(("Note", str(note)) for note in report.notes),
        *(("Days before", note) for note in report.earlier),
        (
            "Colours",
            f"Products: blue {OWN_WINS} own cheaper, grey {EVEN} same price,"
            f" orange {OWN_LOSES} own dearer (in a lighter tint)",
        ),
        *((words.title, words.definition) for words in wording.FIGURES.values()),
    ]
    return pl.DataFrame(lines, schema=["about", "what"], orient="row")


def _figures(figures: pl.DataFrame) -> pl.DataFrame:
    titles: Mapping[str, str] = {name: words.title for name, words in wording.FIGURES.items()}
    return figures.select(
        title=pl.col("figure").replace_strict(titles, default=pl.col("figure")),
        **{
            name: name
            for name in (
                "market",
                "value",
                "unit",
                "numerator",
                "denominator",
                "n",
                "coverage",
                "as_of",
                "rule_version",
                "note",
                "figure",
            )
        },
    )


def _checks(report: Report) -> pl.DataFrame:
    return pl.DataFrame(
        [(line.step, line.name, line.level, line.passed, line.detail) for line in report.checks],
        schema={
            "step": pl.String(),
            "check": pl.String(),
            "level": pl.String(),
            "passed": pl.Boolean(),
            "detail": pl.String(),
        },
        orient="row",
    )
