"""Roles: which column of a table is what.

Every source names its columns in its own way. Roles are inferred from the names, then, for the
title alone, from the contents; what was inferred can be printed and can be overridden. A table
without anything like a name is refused; every other role may be missing, in one table or both.
Columns of no role that both tables have under one name (a year, an address, a strength) are
compared with each other too, whatever they mean.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass
from typing import Final

import polars as pl

from flows.pipeline.matching.errors import PairsError, TableError
from flows.pipeline.matching.text import as_text

_NAMES: Final = {
    "id": "id|sku|record id|item id|product id|offer id|site sku|article|article no|asin|"
    "artikelnummer|product code|item code|code|ref|reference|key|uuid|nr|artnr|referencia|"
    "kod|код|артикул|מזהה|קוד|קוד פריט|מקט|מק ט",
    "title": "title|name|product name|product title|item name|product|item|bezeichnung|titel|"
    "produktname|artikelbezeichnung|designation|libelle|nom|nombre|nome|nazwa|название|"
    "наименование|商品名|商品名称|品名|שם|שם מוצר|שם פריט",
    "brand": "brand|manufacturer|maker|vendor|brand name|marke|hersteller|marque|marca|מותג|יצרן|"
    "brewery|brewery name|brew factory name|artist|artist name|label|publisher",
    "description": "description|desc|long description|details|text|beschreibung|תיאור",
    "mpn": "mpn|modelno|model no|model number|model|part number|partno|manufacturer part number|"
    "modell|modellnummer|דגם",
    "gtin": "gtin|ean|upc|barcode|gtin13|gtin14|ean13|isbn|ברקוד",
    "category": "category|categories|product type|type|kategorie|categorie|קטגוריה",
    "price": "price|preis|prix|precio|prezzo|cena|цена|価格|价格|list price|sale price|מחיר",
}
"""Names of columns, most telling first, as ``_plain`` writes them."""
OTHERS: Final = tuple(f"other_{number}" for number in range(1, 7))
"""Columns of no role, by their place among those that both tables have."""


@dataclass(frozen=True)
class Roles:
    """The column that plays each role; None where there is none."""

    id: str
    title: str
    brand: str | None = None
    description: str | None = None
    mpn: str | None = None
    gtin: str | None = None
    category: str | None = None
    price: str | None = None

    def describe(self) -> str:
        """Return the roles in one line, for people."""
        return ", ".join(f"{role} = {column or '-'}" for role, column in asdict(self).items())


def _plain(name: str) -> str:
    """A name in lower case, without accents, its words apart."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", bare)
    return re.sub(r"[\W_]+", " ", spaced).strip().lower()


def infer_roles(frame: pl.DataFrame, **overrides: str | None) -> Roles:
    """Return the roles of a table's columns.

    Args:
        frame: the table, with any columns.
        overrides: role=column where the inference is to be overruled; None takes a role away.

    Raises:
        TableError: no column for the ids or for the titles, or an override names none.
    """
    plain = {column: _plain(column) for column in frame.columns}
    found: dict[str, str | None] = {}
    for role, names in _NAMES.items():
        if role in overrides:
            column = overrides[role]
            if column is not None and column not in plain:
                raise TableError(
                    f"no column {column!r} for the role {role}; there are {', '.join(plain)}",
                    "Name one of these columns.",
                )
            found[role] = column
            continue
        ranked = names.split("|")
        fitting = [
            (ranked.index(text), place, column)
            for place, (column, text) in enumerate(plain.items())
            if text in ranked and column not in found.values()
        ]
        found[role] = min(fitting)[2] if fitting else None
    taken = {column for column in found.values() if column}
    if found["price"] is None and "price" not in overrides:
        found["price"] = _price_in_words(plain, taken)
    if found["id"] is None and "id" not in overrides:
        found["id"] = _first_if_unique(frame, taken)
    if found["title"] is None:
        taken = {column for column in found.values() if column}
        found["title"] = _most_like_titles(frame, taken)
    for role in ("id", "title"):
        if found.get(role) is None:
            raise TableError(
                f"no column for the role {role} among {', '.join(plain) or 'no columns at all'}",
                f"Rename the column, or say which it is: {role}=...",
            )
    return Roles(**found)  # type: ignore[arg-type]


def _price_in_words(plain: dict[str, str], taken: set[str]) -> str | None:
    """The first column with a price in its name (``Preis (EUR)``), that of a unit left aside."""
    prices, units = set(_NAMES["price"].split("|")), {"unit", "per", "base", "old", "grund", "pro"}
    for column, name in plain.items():
        words = set(name.split())
        if column not in taken and words & prices and not words & units:
            return column
    return None


def _first_if_unique(frame: pl.DataFrame, taken: set[str]) -> str | None:
    """The first column, if every row has a value of its own there that is one word."""
    column = next(iter(frame.columns), None)
    if column is None or column in taken or frame.is_empty() or frame[column].dtype.is_nested():
        return None
    texts = as_text(frame[column])
    if texts.null_count() or texts.n_unique() < frame.height:
        return None
    return None if texts.str.strip_chars().str.contains(r"\s").any() else column


def others_in_common(a: pl.DataFrame, b: pl.DataFrame) -> list[tuple[str, str]]:
    """Return the columns of no role that both tables have under one name, in the order of A.

    At most as many as OTHERS; none that says the same of every row, or nothing.

    Raises:
        TableError: no column for the ids or for the titles of a table.
    """
    free = []
    for frame in (a, b):
        taken = set(asdict(infer_roles(frame)).values())
        free.append({_plain(c): c for c in reversed(frame.columns) if c not in taken})
    pairs = [(free[0][name], free[1][name]) for name in reversed(free[0]) if name in free[1]]
    telling = [
        pair
        for pair in pairs
        if all(not frame[c].dtype.is_nested() for frame, c in zip((a, b), pair, strict=True))
        and len({*_few(a[pair[0]]), *_few(b[pair[1]])}) > 1
    ]
    return telling[: len(OTHERS)]


def _few(values: pl.Series) -> list[str]:
    return as_text(values).drop_nulls().unique(maintain_order=True).head(2).to_list()


def _most_like_titles(frame: pl.DataFrame, taken: set[str]) -> str | None:
    """The text column with most distinct values that hold letters; the shorter of equals.

    One that calls itself a name or a title (``Song_Name``) goes before those that do not, the
    first of several before the others.
    """
    best: tuple[int, float, float, str] | None = None
    for place, column in enumerate(frame.columns):
        if column in taken or frame.schema[column] != pl.String:
            continue
        named = place if _plain(column).endswith(("name", "title")) else len(frame.columns)
        texts = frame[column].drop_nulls()
        lettered = texts.filter(texts.str.contains(r"\p{L}{2}"))
        if frame.is_empty():  # answered, not refused: by the names of its columns alone
            rank = (named, 0.0, float(place), column)
        elif len(lettered) * 2 < frame.height:
            continue
        else:
            length = lettered.str.len_chars().mean()
            distinct = -round(lettered.n_unique() / frame.height, 1)
            rank = (named, distinct, float(length or 0), column)  # type: ignore[arg-type]
        best = rank if best is None else min(best, rank)
    return best[-1] if best else None


def ids_of_pairs(pairs: pl.DataFrame) -> tuple[str, str]:
    """Return the columns that hold the ids of A and of B.

    By the published names (``ltable_id``, ``rtable_id``); else the first two beside ``label``.

    Raises:
        PairsError: there are no two such columns.
    """
    by_name = [
        [column for column in pairs.columns if _plain(column) in names]
        for names in (("ltable id", "a id"), ("rtable id", "b id"))
    ]
    if all(len(columns) == 1 for columns in by_name):
        return by_name[0][0], by_name[1][0]
    free = [column for column in pairs.columns if column != "label"]
    if len(free) < 2:
        raise PairsError(
            f"pairs have the columns {', '.join(pairs.columns) or 'none at all'}",
            "Give two columns of ids, of table A and of table B.",
        )
    return free[0], free[1]
