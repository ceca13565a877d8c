"""Tables of products: which column is what, and the one form that matching works on.

Every source names its columns in its own way. Roles are inferred from the names, then, for the
title alone, from the contents; what was inferred can be printed and can be overridden. A table
without anything like a name is refused; every other role may be missing, in one table or both.
Columns of no role that both tables have under one name (a year, an address, a strength) are
compared with each other too, whatever they mean.

Promised: ``canonical`` keeps the order and number of rows, and leaves ids as text. Ids must be
there and be unique: a pair of ids is all that is handed on. Not done: joining tables, dropping
rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Final

import polars as pl

from flows.pipeline.matching.errors import PairsError, TableError
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
    "brand": "brand|manufacturer|maker|vendor|brand name|marke|hersteller|marque|marca|מותג|יצרן|"
    "brewery|brewery name|brew factory name|artist|artist name|label|publisher",
    "description": "description|desc|long description|details|text|beschreibung|תיאור",
    "mpn": "mpn|modelno|model no|model number|model|part number|partno|manufacturer part number|"
    "modell|modellnummer|דגם",
    "gtin": "gtin|ean|upc|barcode|gtin13|gtin14|ean13|isbn|ברקוד",
    "category": "category|categories|product type|type|kategorie|categorie|קטגוריה",
    "price": "price|preis|prix|precio|list price|sale price|מחיר",
}
"""Names of columns, most telling first, as ``_plain`` writes them."""
OTHERS: Final = tuple(f"other_{number}" for number in range(1, 7))
"""Columns of no role, by their place among those that both tables have."""

_FIRST: Final = "(^|[^0-9.,])([1-9][0-9]{0,2})"
_THOUSANDS: Final = (
    (_FIRST + r"[.,'’]([0-9]{3})[.,'’]([0-9]{3})\b", "${1}${2}${3}${4}"),
    (_FIRST + r"[,'’]([0-9]{3})\b", "${1}${2}${3}"),
    (_FIRST + r"\.([0-9]{3}),", "${1}${2}${3},"),
)
"""Prices with groups of thousands, and without: 1,299.00; 1.299,00; 1'299.00. A lone point is a
decimal point: numbers are written so."""


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


def canonical_pair(a: pl.DataFrame, b: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return two tables as RECORDS, and what else they have in common as OTHERS.

    Raises:
        TableError: a table has no titles, or ids that are missing or not unique.
    """
    pairs = others_in_common(a, b)
    left, right = ([pair[side] for pair in pairs] for side in (0, 1))
    return (
        canonical(a, table="table A", others=left),
        canonical(b, table="table B", others=right),
    )


def canonical(
    frame: pl.DataFrame,
    roles: Roles | None = None,
    table: str = "table",
    others: Sequence[str] = (),
) -> pl.DataFrame:
    """Return the table as RECORDS, row for row.

    Args:
        frame: any table of products.
        roles: of its columns; inferred when None.
        table: how errors call it.
        others: columns that become ``other_1`` and so on, behind RECORDS.

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
            else as_text(frame[column]).alias(field.name)
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
    price = pl.col("price")
    for grouped, plain in _THOUSANDS:
        price = price.str.replace(grouped, plain)
    price = price.str.replace(",", ".", literal=True).str.extract(r"([0-9]{1,12}(?:\.[0-9]{0,9})?)")
    return records.with_columns(
        price=price.cast(pl.Float64, strict=False).replace(0.0, None)
    ).select(
        *(pl.col(name).cast(dtype) for name, dtype in RECORDS.items()),
        *(as_text(frame[column]).alias(name) for name, column in zip(OTHERS, others, strict=False)),
    )


def as_text(values: pl.Series) -> pl.Series:
    """Text of a column of any type, also of one that holds several; blank is null."""
    if values.dtype in (pl.Object, pl.Binary) or values.dtype.is_nested():
        texts = pl.Series([_one_text(value) for value in values.to_list()], dtype=pl.String)
    else:
        texts = values.cast(pl.String)
    return pl.select(pl.when(texts.str.strip_chars() != "").then(texts)).to_series()


def _one_text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return None if value is None else str(value)
