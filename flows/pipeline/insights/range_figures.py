"""The figures of the range: what is shared, what can be had, what is on promotion, what is said.

What nobody knows is outside a figure's denominator and shown as its coverage.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from flows.pipeline.insights.basis import NO_OWN_GTIN, Basis, ratio
from flows.pipeline.insights.discounts import DECIDED
from flows.pipeline.insights.figure import Row, figure
from flows.pipeline.insights.position import WHOLE_MARKET, market_of

_NO_OFFERS = "it has no offers on the day"


def range_figures(basis: Basis) -> Iterator[Row]:
    """Yield the figures of assortment, availability, promotions, minimum prices and content."""
    yield from _overlap(basis)
    yield _gaps(basis)
    yield from _of_sellers(basis, "availability", "out_of_stock_rate", "out_of_stock", "known")
    yield from _of_sellers(basis, "promotions", "promotion_share", "promoted", "known")
    yield from _depths(basis)
    for name, which in (("own", pl.col("is_own")), ("market", ~pl.col("is_own"))):
        yield _discounts(basis, name, which)
    yield _minimum_prices(basis)
    yield _content(basis)
    yield _search(basis)
    yield _precision(basis)


def _overlap(basis: Basis) -> Iterator[Row]:
    sellers = basis.marts["coverage"]
    for row in basis.marts["assortment"].iter_rows(named=True):
        yield figure(
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


def _gaps(basis: Basis) -> Row:
    gaps = basis.marts["assortment_gaps"]["gtin"].n_unique()
    sellers = basis.competitors()
    known = basis.own_products > 0 and sellers["offers_with_gtin"].sum() > 0
    return figure(
        "assortment_gap_products",
        WHOLE_MARKET,
        "count",
        gaps if known else None,
        n=gaps,
        coverage=basis.with_gtin(sellers),
        lacking="no offer of a competitor has a valid GTIN" if basis.own_products else NO_OWN_GTIN,
    )


def _of_sellers(basis: Basis, mart: str, figure_name: str, part: str, whole: str) -> Iterator[Row]:
    """Yield a rate that is in a mart by seller: own, the whole market's, each competitor's."""
    found = basis.marts[mart]
    own = found.filter("is_own")
    yield _rate(own.row(0, named=True) if own.height else None, f"{figure_name}_own",
                WHOLE_MARKET, figure_name, part, whole)  # fmt: skip
    for market in basis.markets():
        rows = found.filter(~pl.col("is_own") & (pl.col("seller") == market))
        row = rows.row(0, named=True) if rows.height else None
        yield _rate(row, f"{figure_name}_market", market, figure_name, part, whole)


def _rate(row: Row | None, name: str, market: str, column: str, part: str, whole: str) -> Row:
    if row is None:
        return figure(name, market, "share", None, n=0, coverage=None, lacking=_NO_OFFERS)
    return figure(
        name,
        market,
        "share",
        row[column],
        n=row[whole],
        numerator=row[part],
        denominator=row[whole],
        coverage=row["coverage"],
        lacking=str(row["note"] or "").removeprefix("not enough data: "),
    )


def _depths(basis: Basis) -> Iterator[Row]:
    found = basis.marts["promotions"]
    for name, which in (
        ("own", pl.col("is_own")),
        ("market", ~pl.col("is_own") & (pl.col("seller") == WHOLE_MARKET)),
    ):
        rows = found.filter(which)
        row = rows.row(0, named=True) if rows.height else {}
        lacking = (
            "nothing is on promotion"
            if row.get("known")
            else str(row.get("note") or _NO_OFFERS).removeprefix("not enough data: ")
        )
        yield figure(
            f"promotion_depth_{name}_mean_pct",
            WHOLE_MARKET,
            "percent",
            row.get("mean_depth_pct"),
            n=row.get("promoted", 0),
            coverage=row.get("coverage"),
            lacking=lacking,
        )


def _discounts(basis: Basis, name: str, which: pl.Expr) -> Row:
    found = basis.marts["discounts"].filter(which)
    decided = found.filter(pl.col("verdict").is_in(DECIDED))
    valid = decided.filter(pl.col("verdict") == "valid").height
    lacking = "too few of the days before were seen"
    if not found.height:
        known = int(basis.marts["promotions"].filter(which)["known"].sum())
        lacking = "nothing is on promotion" if known else "no source tells struck prices"
    return figure(
        f"discounts_{name}_valid_share",
        WHOLE_MARKET,
        "share",
        ratio(valid, decided.height),
        n=decided.height,
        numerator=valid,
        denominator=decided.height,
        coverage=ratio(decided.height, found.height),
        lacking=lacking,
    )


def _minimum_prices(basis: Basis) -> Row:
    broken = basis.marts["map_violations"].height
    lacking = "no minimum prices are configured"
    if basis.minimum_prices:
        lacking = "no competitor offers a product with a minimum price"
    gtins = basis.watched_products
    return figure(
        "map_violation_share",
        WHOLE_MARKET,
        "share",
        ratio(broken, basis.watched),
        n=basis.watched,
        numerator=broken,
        denominator=basis.watched,
        coverage=ratio(gtins, basis.minimum_prices),
        lacking=lacking,
    )


def _content(basis: Basis) -> Row:
    own = basis.marts["content"].filter("is_own")
    met, checked = int(own["met"].sum()), int(own["checked"].sum())
    # What is not carried is not met either, and is in no denominator.
    carried = own.filter(pl.col("checked") > 0)
    lacking = "no own source carries a field that a rule asks for"
    if not own.height:
        lacking = "no content rules are configured"
    return figure(
        "content_score_own",
        WHOLE_MARKET,
        "share",
        ratio(met, checked),
        n=checked,
        numerator=met,
        denominator=checked,
        coverage=ratio(carried.height, own.height),
        lacking=lacking,
    )


def _search(basis: Basis) -> Row:
    found = basis.marts["search_share"].filter(pl.col("words") == WHOLE_MARKET)
    own, results = int(found["own_results"].sum()), int(found["results"].sum())
    return figure(
        "search_share_own",
        WHOLE_MARKET,
        "share",
        ratio(own, results),
        n=results,
        numerator=own,
        denominator=results,
        coverage=None,
        lacking="no search results were captured",
    )


def _precision(basis: Basis) -> Row:
    found = basis.marts["match_quality"].filter(pl.col("method") == WHOLE_MARKET)
    row = found.row(0, named=True) if found.height else {}
    audited = row.get("audited", 0)
    return figure(
        "match_precision_audited",
        WHOLE_MARKET,
        "share",
        row.get("precision"),
        n=audited,
        numerator=row.get("correct"),
        denominator=audited,
        coverage=ratio(audited, row.get("accepted", 0)),
        lacking="no accepted pair was audited" if row else "there are no matches",
    )
