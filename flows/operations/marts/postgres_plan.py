"""Marts in PostgreSQL, what to do: tables, columns and rows. Pure.

One table for each mart in one schema, all customers and days in it, so that one Superset or
Metabase serves everybody: ``customer`` and ``day`` are the first columns, and the index. A view
``<mart>_latest`` shows each customer's latest day. ``loads`` says what was loaded when.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

SCHEMA = "marts"

LOADS = """
    customer text not null,
    day date not null,
    version integer not null,
    source text not null,
    degraded text[] not null,
    rows bigint not null,
    loaded_at timestamptz not null default now(),
    primary key (customer, day)
"""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")


@dataclass(frozen=True)
class TableChange:
    """What a table needs before rows fit into it.

    Attributes:
        statements: to be carried out, in their order.
        refused: column, its type there, its type here: a change that would lose something.
    """

    statements: tuple[str, ...] = ()
    refused: tuple[tuple[str, str, str], ...] = ()


def type_of(dtype: pl.DataType) -> str:
    """Return PostgreSQL's type for a column's.

    Raises:
        ValueError: no mart has such a column.
    """
    if isinstance(dtype, pl.Decimal):
        return f"numeric({dtype.precision},{dtype.scale})"
    for kind, name in _TYPES.items():
        if isinstance(dtype, kind):
            return name
    raise ValueError(f"a column of type {dtype} has no place in PostgreSQL")


_TYPES: Mapping[type[pl.DataType], str] = {
    pl.String: "text",
    pl.Boolean: "boolean",
    pl.Date: "date",
    pl.Datetime: "timestamp without time zone",
    pl.Float64: "double precision",
    pl.Int64: "bigint",
}


def named(word: str) -> str:
    """Return an identifier in quotes.

    Raises:
        ValueError: it is no plain identifier.
    """
    if not _NAME.match(word):
        raise ValueError(f"{word!r} is no name of a table or column: a-z, 0-9 and _")
    return f'"{word}"'


def change(
    schema: str, table: str, columns: Mapping[str, pl.DataType], there: Mapping[str, str]
) -> TableChange:
    """Return what a table needs so that a mart's rows fit into it.

    Args:
        schema: of the tables.
        table: the mart's name.
        columns: of the mart.
        there: columns of the table and their types as PostgreSQL tells them; empty without a table.
    """
    wanted = {"customer": "text", **{name: type_of(kind) for name, kind in columns.items()}}
    full, key = f"{named(schema)}.{named(table)}", named(f"{table}_customer_day")
    view = f"{named(schema)}.{named(f'{table}_latest')}"
    refused = tuple(
        (name, there[name], kind)
        for name, kind in wanted.items()
        if name in there and there[name] != kind
    )
    new = [name for name in wanted if name not in there]
    if refused or not new:
        return TableChange(refused=refused)
    if there:
        added = [f"alter table {full} add column {named(n)} {wanted[n]}" for n in new]
        made = tuple(added)
    else:
        listed = ", ".join(f"{named(name)} {kind}" for name, kind in wanted.items())
        made = (
            f"create table {full} ({listed})",
            f"create index {key} on {full} (customer, day)",
        )
    # Made anew with the columns: a view knows those of its day.
    latest = (
        f"create view {view} as"  # noqa: S608 - identifiers are checked and quoted
        f" select m.* from {full} m join (select customer, max(day) as day"
        f" from {named(schema)}.loads group by customer) l using (customer, day)"
    )
    return TableChange((f"drop view if exists {view}", *made, latest))
