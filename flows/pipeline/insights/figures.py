"""Figures: every headline number with its numerator, denominator, n, coverage and date.

Where there is not enough data the value is null and the note says why; a figure is never 0 or
NaN for want of data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl

from flows.pipeline.insights.exact import rounded
from flows.pipeline.insights.position import WHOLE_MARKET
from flows.pipeline.insights.price_index import FEWEST
from flows.pipeline.schema import FIGURES

RULE_VERSION = "2026.1"
"""Rises when a definition changes, so that figures of different rules are not compared."""

WAYS = ("mean", "median", "geometric", "basket")


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
    rows = [
        {"day": day, "as_of": day, "rule_version": RULE_VERSION, **row}
        for row in (
            *_matched(marts, own_products),
            *_indices(marts["price_index"]),
            *_shares(marts["outcomes"]),
            *_gap(marts["product_position"]),
            *_changed(marts["change_summary"], own_seller),
            *_overlap(marts["assortment"]),
            *_gaps(marts["assortment_gaps"]),
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
    numerator: float | None = None,
    denominator: float | None = None,
    coverage: float | None = None,
    lacking: str = "",
) -> dict[str, Any]:
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


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 6) if whole else None


def _matched(marts: Mapping[str, pl.DataFrame], own_products: int) -> Iterator[dict[str, Any]]:
    matched = marts["product_position"].height
    yield _row(
        "matched_products_over_own",
        WHOLE_MARKET,
        "share",
        _ratio(matched, own_products),
        n=own_products,
        numerator=matched,
        denominator=own_products,
        lacking="no own product has a valid GTIN",
    )


def _indices(index: pl.DataFrame) -> Iterator[dict[str, Any]]:
    if index.is_empty():
        for way in WAYS:
            yield _row(
                f"price_index_own_over_market_{way}",
                WHOLE_MARKET,
                "index",
                None,
                n=0,
                lacking="no product was compared",
            )
    for row in index.iter_rows(named=True):
        for way in WAYS:
            basket = way == "basket"
            yield _row(
                f"price_index_own_over_market_{way}",
                row["market"],
                "index",
                row[f"index_own_over_market_{way}"],
                n=row["products"],
                numerator=float(row["own_basket"]) if basket else None,
                denominator=row["market_basket"] if basket else None,
                coverage=row["coverage"],
                lacking=f"{row['products']} products compared, at least {FEWEST} are needed",
            )


def _shares(outcomes: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in outcomes.iter_rows(named=True):
        for name, count in (("win", "wins"), ("tie", "ties"), ("lose", "losses")):
            yield _row(
                f"{name}_share",
                row["market"],
                "share",
                row[f"{name}_share"],
                n=row["products"],
                numerator=row[count],
                denominator=row["products"],
            )


def _gap(position: pl.DataFrame) -> Iterator[dict[str, Any]]:
    middle = position.select(rounded(pl.col("gap_own_minus_lowest_pct").median())).item()
    yield _row(
        "median_gap_own_minus_lowest_pct",
        WHOLE_MARKET,
        "percent",
        middle,
        n=position.height,
        lacking="no product was compared",
    )


def _changed(summary: pl.DataFrame, own_seller: str) -> Iterator[dict[str, Any]]:
    own = summary.filter(pl.col("seller") == own_seller)
    market = summary.filter(pl.col("seller") != own_seller)
    for name, part in (("own", own), ("market", market)):
        changed, compared = int(part["changed"].sum()), int(part["compared"].sum())
        yield _row(
            f"price_changes_{name}_share",
            WHOLE_MARKET,
            "share",
            _ratio(changed, compared),
            n=compared,
            numerator=changed,
            denominator=compared,
            lacking="no earlier day to compare with",
        )


def _overlap(assortment: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in assortment.iter_rows(named=True):
        yield _row(
            "assortment_shared_over_own",
            row["seller"],
            "share",
            row["shared_over_own"],
            n=row["own_products"],
            numerator=row["shared_products"],
            denominator=row["own_products"],
            lacking="no own product has a valid GTIN",
        )


def _gaps(gaps: pl.DataFrame) -> Iterator[dict[str, Any]]:
    yield _row("assortment_gap_products", WHOLE_MARKET, "count", gaps.height, n=gaps.height)
