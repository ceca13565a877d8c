"""Promotions and discounts: what is struck, and what the product had cost."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random

import duckdb
import polars as pl
import pytest

from flows.pipeline.rules import Rules

DAY = date(2026, 8, 15)


def struck(price: str) -> dict[str, Decimal]:
    return {"regular_price": Decimal(price)}


def test_a_price_that_went_100_80_70_is_a_reduction_of_12_5_percent(insights) -> None:
    marts = insights.marts(
        [("A", 1, "70", struck("100"))],
        {9: [("A", 1, "100")], 4: [("A", 1, "80")], 1: [("A", 1, "80")]},
    )
    row = insights.row(marts["discounts"], seller="A")
    assert row["claimed_reduction_pct"] == 30.0
    assert row["true_reduction_pct"] == 12.5
    assert (row["lowest_before"], row["lowest_day"]) == (Decimal(80), DAY - timedelta(days=1))
    assert (row["since"], row["days_observed"], row["days_of_window"]) == (DAY, 3, 30)
    assert row["verdict"] == "overstated"
    assert row["reason"] == "sold at 80.0000 on 2026-08-14; struck is 100.0000"


def test_the_window_ends_where_the_price_began(insights) -> None:
    """A promotion that runs for days is held against the days before it, not its own."""
    history = {days: [("A", 1, "80")] for days in range(40, 5, -1)}
    history |= {days: [("A", 1, "70")] for days in range(5, 0, -1)}
    marts = insights.marts([("A", 1, "70", struck("80"))], history)
    row = insights.row(marts["discounts"], seller="A")
    assert (row["verdict"], row["true_reduction_pct"]) == ("valid", 12.5)
    assert (row["since"], row["days_observed"]) == (DAY - timedelta(days=5), 30)
    figure = insights.figure(marts, "discounts_market_valid_share")
    assert (figure["value"], figure["n"], figure["coverage"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("now", "regular", "before", "verdict"),
    [
        ("70", "100", {}, "unproven"),
        ("70", "100", dict.fromkeys(range(1, 24), "100"), "unproven"),
        ("70", "100", dict.fromkeys(range(1, 25), "100"), "valid"),
        ("70", "100", {1: "99.99"}, "overstated"),
        ("70", "100", {1: "100", 2: "60"}, "no_reduction"),
        ("70", "100", {1: "100", 31: "60"}, "unproven"),  # before the window
        ("70", "100", {1: "0", 2: None}, "unproven"),  # no prices
    ],
)
def test_verdicts(insights, now, regular, before, verdict) -> None:
    marts = insights.marts(
        [("A", 1, now, struck(regular)), ("Own", 1, "70")],
        {back: [("A", 1, price)] for back, price in before.items()},
    )
    row = insights.row(marts["discounts"], seller="A")
    assert row["verdict"] == verdict
    assert (row["reason"] is None) == (verdict == "valid")
    figure = insights.figure(marts, "discounts_market_valid_share")
    assert figure["value"] == {"unproven": None, "valid": 1}.get(verdict, 0)
    assert figure["coverage"] == (0 if verdict == "unproven" else 1)
    if not [price for back, price in before.items() if back <= 30 and price not in ("0", None)]:
        assert row["true_reduction_pct"] is None
        assert row["lowest_before"] is None


def test_another_currency_is_not_the_same_price(insights) -> None:
    marts = insights.marts(
        [("A", 1, "70", "1", "ILS", struck("100"))], {1: [("A", 1, "20", "1", "USD")]}
    )
    row = insights.row(marts["discounts"], seller="A")
    assert (row["verdict"], row["lowest_before"]) == ("unproven", None)


def test_share_and_depth_and_sources_that_do_not_tell(insights) -> None:
    offers = [
        ("A", 1, "80", struck("100")),
        ("A", 2, "50", struck("100")),
        ("A", 3, "9", struck("9")),  # struck and not above: no promotion
        ("A", 4, "9"),
        ("B", 1, "9"),
        ("Own", 1, "90", struck("100")),
        ("Own", 2, None, struck("100")),  # no price: not known
    ]
    marts = insights.marts(offers)
    row = insights.row(marts["promotions"], seller="A")
    assert (row["known"], row["promoted"], row["not_above"]) == (4, 2, 1)
    assert (row["promotion_share"], row["mean_depth_pct"], row["median_depth_pct"]) == (
        0.5,
        35.0,
        35.0,
    )
    silent = insights.row(marts["promotions"], seller="B")
    assert silent["promotion_share"] is None
    assert silent["note"] == "not enough data: the source tells no struck prices"
    whole = insights.figure(marts, "promotion_share_market")
    assert (whole["value"], whole["numerator"], whole["denominator"]) == (0.5, 2, 4)
    assert whole["coverage"] == 0.8
    own = insights.figure(marts, "promotion_share_own")
    assert (own["value"], own["n"], own["coverage"]) == (1, 1, 0.5)
    depth = insights.figure(marts, "promotion_depth_own_mean_pct")
    assert (depth["value"], depth["n"]) == (10, 1)
    assert insights.figure(marts, "promotion_share_market", "B")["value"] is None


def test_months_of_prices_judged_again_in_sql(insights) -> None:
    chance = Random(11)
    skus = range(300)
    prices = {
        back: [
            ("A", sku, str(chance.choice([*[100] * 60, 90, 80, 70])))
            for sku in skus
            if chance.random() < 0.9
        ]
        for back in range(1, 46)
    }
    today = [
        ("A", sku, str(chance.choice([70, 80, 90])), struck(str(chance.choice([90, 100, 120]))))
        for sku in skus
    ]
    marts = insights.marts(today, prices, rules=Rules())
    history = pl.concat(
        insights.frame(before, DAY - timedelta(days=back)) for back, before in prices.items()
    )
    with duckdb.connect() as sql:
        sql.register("today", insights.frame(today).to_arrow())
        sql.register("history", history.to_arrow())
        theirs = sql.execute(
            """
            with promoted as (select * from today where regular_price > price),
            other as (
                select sku, max(h.day) as day from promoted t join history h using (sku)
                where h.price <> t.price group by sku),
            began as (
                select t.sku, t.price, t.regular_price, coalesce((
                    select min(h.day) from history h where h.sku = t.sku and h.price = t.price
                    and h.day > coalesce(o.day, date '1970-01-01')), t.day) as since
                from promoted t left join other o using (sku)),
            held as (
                select b.*, min(h.price) as lowest, count(h.price) as seen
                from began b left join history h on h.sku = b.sku
                    and h.day < b.since and h.day >= b.since - interval 30 day
                group by all)
            select sku, since, seen, lowest, case
                when price >= lowest then 'no_reduction' when regular_price > lowest
                then 'overstated' when seen >= 24 then 'valid' else 'unproven' end
            from held order by sku
            """
        ).fetchall()
    ours = (
        marts["discounts"]
        .sort("sku")
        .select("sku", "since", "days_observed", "lowest_before", "verdict")
    )
    assert ours.rows() == theirs
    assert set(ours["verdict"]) >= {"no_reduction", "overstated", "valid"}
