"""Tables of products: which column is what, and the one form that matching works on.

Every source names its columns in its own way. Roles are inferred from the names, then, for the
title alone, from the contents; what was inferred can be printed and can be overridden. A table
without anything like a name is refused; every other role may be missing, in one table or both.

Promised: ``canonical`` keeps the order and number of rows, and leaves ids as text. Ids must be
there and be unique: a pair of ids is all that is handed on. Not done: joining tables, dropping
rows.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from typing import Final

import polars as pl

from flows.pipeline.matching.errors import TableError
from flows.pipeline.normalise.gtin import with_gtin

RECORDS: Final = {
    "id": pl.String(),
    "title": pl.String(),
    "brand": pl.String(),
    "description": pl.String(),
    "mpn": pl.String(),
    "gtin": pl.String(),
    "category": pl.String(),
    "price": pl.Float64(),
}
"""The canonical form: text as the source has it, null where it has none."""

_NAMES: Final = {
    "id": "id|sku|record id|item id|product id|offer id|site sku|article|article no|asin|"
    "artikelnummer",
    "title": "title|name|product name|product title|item name|product|item|bezeichnung|titel|"
    "produktname|artikelbezeichnung|designation|nom|nombre|שם|שם מוצר|שם פריט",
    "brand": "brand|manufacturer|maker|vendor|brand name|marke|hersteller|marque|marca|מותג|יצרן",
    "description": "description|desc|long description|details|text|beschreibung|תיאור",
    "mpn": "mpn|modelno|model no|model number|model|part number|partno|manufacturer part number|"
    "modell|modellnummer|דגם",
    "gtin": "gtin|ean|upc|barcode|gtin13|gtin14|ean13|isbn|ברקוד",
    "category": "category|categories|product type|type|kategorie|categorie|קטגוריה",
    "price": "price|preis|prix|precio|list price|sale price|מחיר",
}
"""Names of columns, most telling first, as ``_plain`` writes them."""


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
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
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
    if found["title"] is None:
        found["title"] = _most_like_titles(frame, {c for c in found.values() if c})
    for role in ("id", "title"):
        if found.get(role) is None:
            raise TableError(
                f"no column for the role {role} among {', '.join(plain) or 'no columns at all'}",
                f"Rename the column, or say which it is: {role}=...",
            )
    return Roles(**found)  # type: ignore[arg-type]


def _most_like_titles(frame: pl.DataFrame, taken: set[str]) -> str | None:
    """The text column with most distinct values that hold letters; the shorter of equals."""
    best: tuple[float, float, str] | None = None
    for column in frame.columns:
        if column in taken or frame.schema[column] != pl.String or frame.is_empty():
            continue
        texts = frame[column].drop_nulls()
        lettered = texts.filter(texts.str.contains(r"\p{L}{2}"))
        if len(lettered) * 2 < frame.height:
            continue
        length = lettered.str.len_chars().mean()
        rank = (-round(lettered.n_unique() / frame.height, 1), float(length or 0), column)  # type: ignore[arg-type]
        best = rank if best is None else min(best, rank)
    return best[2] if best else None


def canonical(
    frame: pl.DataFrame, roles: Roles | None = None, table: str = "table"
) -> pl.DataFrame:
    """Return the table as RECORDS, row for row.

    Args:
        frame: any table of products.
        roles: of its columns; inferred when None.
        table: how errors call it.

    Raises:
        TableError: no title column, or ids that are missing or not unique.
    """
    roles = roles or infer_roles(frame)
    columns = {}
    for field in fields(Roles):
        column = getattr(roles, field.name)
        columns[field.name] = (
            pl.Series(field.name, [None] * frame.height, dtype=pl.String)
            if column is None
            else _text(frame[column]).alias(field.name)
        )
    records = pl.DataFrame(columns)
    missing = records["id"].is_null().arg_true()
    if len(missing):
        raise TableError(
            f"{table}, row {missing[0] + 1}, column {roles.id!r}: no id ({len(missing)} such rows)",
            "Give every row an id, or leave these rows out.",
        )
    twice = records.with_row_index("row").filter(pl.col("id").is_duplicated())
    if twice.height:
        rows = twice.filter(pl.col("id") == twice["id"][0])["row"].head(3) + 1
        raise TableError(
            f"{table}, column {roles.id!r}: the id {twice['id'][0]!r} stands in rows "
            f"{', '.join(map(str, rows))}; {twice['id'].n_unique()} ids are not unique",
            "Keep one row for each id.",
        )
    if records["gtin"].null_count() < records.height:
        records = with_gtin(records, "gtin").drop("gtin_status")
    price = (
        pl.col("price")
        .str.replace(",", ".", literal=True)
        .str.extract(r"([0-9]{1,12}(?:\.[0-9]{0,9})?)")
    )
    return records.with_columns(
        price=price.cast(pl.Float64, strict=False).replace(0.0, None)
    ).select(pl.col(name).cast(dtype) for name, dtype in RECORDS.items())


def _text(values: pl.Series) -> pl.Series:
    """Text of a column of any type, also of one that holds several; blank is null."""
    if values.dtype == pl.Object or values.dtype.is_nested():
        texts = pl.Series(
            [None if v is None else str(v) for v in values.to_list()], dtype=pl.String
        )
    else:
        texts = values.cast(pl.String)
    return pl.select(pl.when(texts.str.strip_chars() != "").then(texts)).to_series()
