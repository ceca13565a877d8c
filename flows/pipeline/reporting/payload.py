"""The data that the page's filters work on: all rows of its tables, small enough to travel.

Column by column, numbers as the whole numbers that are shown (12.90 is 1290), few-valued texts as
places in a list, codes as differences; then deflated, which every browser undoes by itself. What a
number looks like is decided here, by the same formats as everywhere: the page's script puts a point
into it and nothing else, so that it cannot round differently.

A page has a size that can be mailed. Of its main table all rows are in it as far as they fit; of
the others the first few thousand. The tables' order is what matters most first, and where rows are
left out the page says so.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flows.pipeline.reporting.tables import WRITTEN, Column, Table

MOST_BYTES = 1_700_000
"""Of the encoded data: with page, charts and script it stays below 2 MB."""

SOME = 4_000
"""Rows of every table but the main one: more than anybody pages through."""

FEW = 0.5
"""A text column with fewer distinct values than that share of its rows is a list of them."""

_DIGITS = 14


@dataclass(frozen=True)
class Payload:
    """The data of a page.

    Attributes:
        tables: base64 of the deflated JSON of each table, by its name.
        rows: of each table, how many rows are in it.
    """

    tables: dict[str, str]
    rows: dict[str, int]

    @property
    def size(self) -> int:
        """Characters of all of it."""
        return sum(map(len, self.tables.values()))


def payload(tables: Sequence[Table], most: int = MOST_BYTES) -> Payload:
    """Return the data of the explored tables.

    Args:
        tables: those of the page; only explored ones have data.
        most: characters of the result.
    """
    made = Payload({}, {})
    # The main one last: it has what the others leave.
    for table in sorted((t for t in tables if t.explored), key=lambda t: t.main):
        count = table.frame.height if table.main else min(SOME, table.frame.height)
        text = _packed(_encoded(table, count))
        while made.size + len(text) > most and count:
            # Somewhat less than the excess suggests: some rows weigh more than others.
            count = int(count * max(0.1, min(0.95, 0.98 * (most - made.size) / len(text))))
            text = _packed(_encoded(table, count))
        made.tables[table.name] = text
        made.rows[table.name] = count
    return made


def _packed(table: dict[str, Any]) -> str:
    said = json.dumps(table, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return base64.b64encode(zlib.compress(said.encode(), 9)).decode()


def _encoded(table: Table, count: int) -> dict[str, Any]:
    frame = table.frame.head(count)
    product = next((c for c in table.columns if c.kind == "product"), None)
    if table.order is not None and product is not None:
        # Codes in order are small differences, and makers' names come together.
        frame = frame.sort(*product.code, nulls_last=True, maintain_order=True)
    rows = frame.to_dicts()
    return {
        "name": table.name,
        "rows": len(rows),
        "of": table.frame.height,
        "order": list(table.order) if table.order else None,
        "strong": [int(bool(row[table.strong])) for row in rows] if table.strong else None,
        "columns": [_column(column, rows) for column in table.columns],
    }


def _column(column: Column, rows: list[dict[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "source": column.source,
        "kind": column.kind,
        "tone": column.tone,
        "bar": int(column.bar),
        "role": column.role,
        "filtered": int(column.filtered),
        "bad": [column.words.get(word, word) for word in column.bad],
    }
    values = [column.value(row) for row in rows]
    if column.is_text:
        made |= _texts([None if v is None or v == "" else WRITTEN[column.kind](v) for v in values])
        if column.kind == "product":
            made["code"] = _codes([column.code_of(row) for row in rows])
        return made
    said = [None if value is None else WRITTEN[column.kind](value) for value in values]
    if column.kind == "number":  # of no fixed places
        return made | _texts(said)
    return made | _numbers(said)


def _texts(values: list[str | None]) -> dict[str, Any]:
    distinct = sorted({value for value in values if value is not None})
    if len(distinct) > FEW * len(values):
        return {"texts": values}
    places = {word: place for place, word in enumerate(distinct)}
    return {"words": distinct, "places": [-1 if v is None else places[v] for v in values]}


def _codes(codes: list[str]) -> dict[str, Any]:
    if not codes or not all(len(code) == _DIGITS and code.isdigit() for code in codes):
        return {"texts": codes}
    whole = [int(code) for code in codes]
    return {"steps": [b - a for a, b in zip([0, *whole[:-1]], whole, strict=True)]}


def _numbers(said: list[str | None]) -> dict[str, Any]:
    """Return numbers that were written as whole numbers with their places and unit."""
    shown = next((text for text in said if text is not None), "0")
    unit = "\u202f%" if shown.endswith("%") else ""
    plain = [None if text is None else text.removesuffix(unit).replace(",", "") for text in said]
    places = max((len(text.partition(".")[2]) for text in plain if text), default=0)
    signed = any(text is not None and text.startswith("+") for text in said)
    return {
        "numbers": [None if text is None else _whole(text, places) for text in plain],
        "places": places,
        "unit": unit,
        "signed": int(signed),
    }


def _whole(text: str, places: int) -> int:
    before, _, after = text.replace("\u2212", "-").partition(".")
    return int(before + after.ljust(places, "0"))
