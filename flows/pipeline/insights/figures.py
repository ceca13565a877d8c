"""Figures: every headline number with its numerator, denominator, n, coverage and date.

Where there is not enough data the value is null and the note says why; a figure is never 0 or
NaN for want of data, and never left out: a competitor that could not be compared has its rows.

``coverage`` is the share of what a figure speaks of that it rests on: of indices, shares and
gaps the own products compared; of price changes the offers that were there before; of
assortments the offers that carry a valid GTIN.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl

from flows.pipeline.insights.basis import NO_OWN_GTIN, Basis, ratio
from flows.pipeline.insights.exact import rounded
from flows.pipeline.insights.position import WHOLE_MARKET, market_of
from flows.pipeline.insights.price_index import FEWEST
from flows.pipeline.schema import FIGURES

RULE_VERSION = "2026.1"
"""Rises when a definition changes, so that figures of different rules are not compared."""

WAYS = ("mean", "median", "geometric", "basket")
_OUTCOMES = (("win", "wins"), ("tie", "ties"), ("lose", "losses"))

_Row = dict[str, Any]


def figures(
    marts: Mapping[str, pl.DataFrame],
    *,
    day: date,
    own_seller: str,
    own_products: int,
) -> pl.DataFrame:
    """Return the headline figures of a day.

    Args:
        marts: the other marts of the day.
        day: as of which they are.
        own_seller: the customer's own.
        own_products: own products with a valid GTIN.

    Returns:
        FIGURES, sorted by figure, ``all`` before each competitor.
    """
    basis = Basis(marts, own_seller, own_products)
    rows = [
        {"day": day, "as_of": day, "rule_version": RULE_VERSION, **row}
        for row in (
            _matched(basis),
            *(row for market in basis.markets() for row in _indices(basis, market)),
            *(row for market in basis.markets() for row in _shares(basis, market)),
            _gap(basis),
            _changed(basis, "own", pl.col("seller") == own_seller),
            _changed(basis, "market", pl.col("seller") != own_seller),
            *_overlap(basis),
            _gaps(basis),
        )
    ]
    columns = {name: [row.get(name) for row in rows] for name in FIGURES}
    return pl.DataFrame(columns, schema=FIGURES).sort(
        "figure", pl.col("market") != WHOLE_MARKET, "market"
    )


def _row(
    figure: str,
    market: str,
    unit: str,
    value: float | None,
    *,
    n: int,
    coverage: float | None,
    numerator: float | None = None,
    denominator: float | None = None,
    lacking: str = "",
) -> _Row:
    return {
        "figure": figure,
        "market": market,
        "unit": unit,
        "value": value,
        "numerator": numerator,
        "denominator": denominator,
        "n": n,
        "coverage": coverage,
        "note": f"not enough data: {lacking}" if value is None else None,
    }


def _matched(basis: Basis) -> _Row:
    products = basis.marts["product_position"]["gtin"].drop_nulls().n_unique()
    there = basis.competitors()["offers"].sum() > 0
    return _row(
        "matched_products_over_own",
        WHOLE_MARKET,
        "share",
        basis.of(products) if there else None,
        n=basis.own_products,
        numerator=products,
        denominator=basis.own_products,
        coverage=basis.with_gtin(
            basis.marts["coverage"].filter(pl.col("seller") == basis.own_seller)
        ),
        lacking=NO_OWN_GTIN if there else basis.lacking(WHOLE_MARKET),
    )


def _indices(basis: Basis, market: str) -> Iterator[_Row]:
    found = basis.marts["price_index"].filter(pl.col("market") == market)
    products = int(found["products"].sum())
    lacking = f"{products} products compared, at least {FEWEST} are needed"
    if not products:
        lacking = basis.lacking(market)
    elif found.height > 1:
        lacking = f"prices are in {' and '.join(found['currency'])}, an index is of one currency"
    row = found.row(0, named=True) if found.height == 1 else {}
    for way in WAYS:
        basket = bool(row) and way == "basket"
        yield _row(
            f"price_index_own_over_market_{way}",
            market,
            "index",
            row.get(f"index_own_over_market_{way}"),
            n=products,
            numerator=float(row["own_basket"]) if basket else None,
            denominator=row["market_basket"] if basket else None,
            coverage=basis.of(products),
            lacking=lacking,
        )


def _shares(basis: Basis, market: str) -> Iterator[_Row]:
    found = basis.marts["outcomes"].filter(pl.col("market") == market)
    row = found.row(0, named=True) if found.height else {}
    products = row.get("products", 0)
    for name, count in _OUTCOMES:
        yield _row(
            f"{name}_share",
            market,
            "share",
            row.get(f"{name}_share"),
            n=products,
            numerator=row.get(count),
            denominator=products,
            coverage=basis.of(products),
            lacking=basis.lacking(market),
        )


def _gap(basis: Basis) -> _Row:
    position = basis.marts["product_position"]
    return _row(
        "median_gap_own_minus_lowest_pct",
        WHOLE_MARKET,
        "percent",
        position.select(rounded(pl.col("gap_own_minus_lowest_pct").median())).item(),
        n=position.height,
        coverage=basis.of(position.height),
        lacking=basis.lacking(WHOLE_MARKET),
    )


def _changed(basis: Basis, name: str, which: pl.Expr) -> _Row:
    summary = basis.marts["change_summary"].filter(which)
    offers = basis.marts["coverage"].filter(which)["offers"].sum()
    changed, compared = int(summary["changed"].sum()), int(summary["compared"].sum())
    return _row(
        f"price_changes_{name}_share",
        WHOLE_MARKET,
        "share",
        ratio(changed, compared),
        n=compared,
        numerator=changed,
        denominator=compared,
        coverage=ratio(compared, int(offers)),
        lacking="none of the day's offers was there on an earlier day",
    )


def _overlap(basis: Basis) -> Iterator[_Row]:
    sellers = basis.marts["coverage"]
    for row in basis.marts["assortment"].iter_rows(named=True):
        yield _row(
            "assortment_shared_over_own",
            market_of(row["seller"]),
            "share",
            row["shared_over_own"],
            n=row["own_products"],
            numerator=row["shared_products"],
            denominator=row["own_products"],
            coverage=basis.with_gtin(sellers.filter(pl.col("seller") == row["seller"])),
            lacking="no offer of it has a valid GTIN" if row["own_products"] else NO_OWN_GTIN,
        )


def _gaps(basis: Basis) -> _Row:
    gaps = basis.marts["assortment_gaps"]["gtin"].n_unique()
    sellers = basis.competitors()
    known = basis.own_products > 0 and sellers["offers_with_gtin"].sum() > 0
    return _row(
        "assortment_gap_products",
        WHOLE_MARKET,
        "count",
        gaps if known else None,
        n=gaps,
        coverage=basis.with_gtin(sellers),
        lacking="no offer of a competitor has a valid GTIN" if basis.own_products else NO_OWN_GTIN,
    )
