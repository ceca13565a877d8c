"""The figures of prices: what is compared, the index, who wins, the gap, what moved."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from flows.pipeline.insights.basis import NO_OWN_GTIN, Basis, ratio
from flows.pipeline.insights.exact import rounded
from flows.pipeline.insights.figure import Row, figure
from flows.pipeline.insights.position import WHOLE_MARKET
from flows.pipeline.insights.price_index import FEWEST

WAYS = ("mean", "median", "geometric", "basket")
_OUTCOMES = (("win", "wins"), ("tie", "ties"), ("lose", "losses"))


def price_figures(basis: Basis) -> Iterator[Row]:
    """Yield the figures of prices."""
    yield _matched(basis)
    for market in basis.markets():
        yield from _indices(basis, market)
        yield from _shares(basis, market)
    yield _gap(basis)
    for name, which in basis.sides():
        yield _changed(basis, name, which)
        yield _doubted(basis, name, which)


def _matched(basis: Basis) -> Row:
    products = basis.marts["product_position"]["gtin"].drop_nulls().n_unique()
    there = basis.competitors()["offers"].sum() > 0
    return figure(
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


def _indices(basis: Basis, market: str) -> Iterator[Row]:
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
        yield figure(
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


def _shares(basis: Basis, market: str) -> Iterator[Row]:
    found = basis.marts["outcomes"].filter(pl.col("market") == market)
    row = found.row(0, named=True) if found.height else {}
    products = row.get("products", 0)
    for name, count in _OUTCOMES:
        yield figure(
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


def _gap(basis: Basis) -> Row:
    position = basis.marts["product_position"]
    return figure(
        "median_gap_own_minus_lowest_pct",
        WHOLE_MARKET,
        "percent",
        position.select(rounded(pl.col("gap_own_minus_lowest_pct").median())).item(),
        n=position.height,
        coverage=basis.of(position.height),
        lacking=basis.lacking(WHOLE_MARKET),
    )


def _changed(basis: Basis, name: str, which: pl.Expr) -> Row:
    summary = basis.marts["change_summary"].filter(which)
    offers = basis.marts["coverage"].filter(which)["offers"].sum()
    changed, compared = int(summary["changed"].sum()), int(summary["compared"].sum())
    return figure(
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


def _doubted(basis: Basis, name: str, which: pl.Expr) -> Row:
    summary = basis.marts["change_summary"].filter(which)
    doubted, compared = int(summary["doubted"].sum()), int(summary["compared"].sum())
    return figure(
        f"price_changes_{name}_doubted",
        WHOLE_MARKET,
        "count",
        doubted if compared else None,
        n=compared,
        coverage=ratio(compared, int(basis.marts["coverage"].filter(which)["offers"].sum())),
        lacking="none of the day's offers was there on an earlier day",
    )
