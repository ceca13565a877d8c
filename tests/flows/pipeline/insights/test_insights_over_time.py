"""Price changes against the last day seen, and who is there, how completely, and since when."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from flows.pipeline.insights.coverage import INFLATED, PARTIAL


def test_a_missing_day_is_no_gap_and_a_later_one_no_history(insights) -> None:
    marts = insights.marts(
        [("A", 1, "12"), ("A", 2, "5"), ("A", 3, "4"), ("Own", 1, "3")],
        {
            1: [("A", 1, "10")],
            3: [("A", 1, "8"), ("A", 2, "6"), ("Own", 1, "3")],
            0: [("A", 3, "1")],  # the day itself
            -1: [("A", 3, "2")],
        },
    )
    changes = marts["price_changes"]
    assert changes.select("seller", "sku", "previous_price", "price").rows() == [
        ("A", "1", Decimal(10), Decimal(12)),
        ("A", "2", Decimal(6), Decimal(5)),
    ]
    assert changes["previous_day"].to_list() == [date(2026, 8, 14), date(2026, 8, 12)]
    assert changes["change_new_over_previous_pct"].to_list() == [20.0, -16.666667]
    row = insights.row(marts["change_summary"], seller="A")
    assert (row["compared"], row["changed"], row["raised"], row["lowered"]) == (2, 2, 1, 1)
    assert (row["changed_share"], row["median_change_new_over_previous_pct"]) == (1, 1.666667)
    assert row["previous_day"] == date(2026, 8, 14)
    own = insights.row(marts["change_summary"], seller="Own")
    assert (own["compared"], own["changed"], own["changed_share"]) == (1, 0, 0)
    assert own["median_change_new_over_previous_pct"] is None
    figure = insights.figure(marts, "price_changes_market_share")
    assert (figure["value"], figure["n"], figure["coverage"]) == (1, 2, round(2 / 3, 6))
    assert insights.figure(marts, "price_changes_own_share")["value"] == 0


def test_another_store_is_not_a_change_of_price(insights) -> None:
    marts = insights.marts([("A", 1, "9", "2"), ("Own", 1, "9")], {1: [("A", 1, "10", "1")]})
    assert marts["price_changes"].is_empty()
    row = insights.row(marts["change_summary"], seller="A")
    assert (row["compared"], row["changed_share"]) == (0, None)
    assert "store 2 instead of store 1" in insights.row(marts["coverage"], seller="A")["note"]
    many = [("A", 1, "9", str(store)) for store in range(400)]
    marts = insights.marts(many, {1: many[1:]})
    assert insights.row(marts["coverage"], seller="A")["note"].startswith("400 stores instead of")


def offers(seller: str, count: int) -> list[tuple[str, int, str]]:
    return [(seller, product, "5") for product in range(count)]


@pytest.mark.parametrize(
    ("today", "history", "status"),
    [
        (100, {1: 100}, "fresh"),
        (100, {}, "fresh"),
        (80, {1: 100}, "fresh"),
        (79, {1: 100}, "partial"),
        (125, {1: 100}, "fresh"),
        (126, {1: 100}, "inflated"),
        (100, {1: 0, 2: 100}, "returned"),
        (50, {1: 0, 2: 100}, "partial"),
        (100, {1: 0, 2: 0}, "new"),
        (0, {1: 0, 2: 100}, "missing"),
        (0, {1: 100, 2: 100, 3: 50}, "missing"),
    ],
)
def test_status(insights, today, history, status) -> None:
    marts = insights.marts(
        [("Own", 1, "1"), *offers("A", today)],
        {ago: [("Own", 1, "1"), *offers("A", count)] for ago, count in history.items()},
    )
    row = insights.row(marts["coverage"], seller="A")
    seen = [ago for ago, count in history.items() if count]
    assert row["status"] == status
    assert row["offers"] == today
    assert row["days_seen"] == len(seen)
    assert row["days_expected"] == len(history)
    assert (row["note"] is None) == (status == "fresh")
    last = insights.day if today else insights.day - timedelta(days=min(seen))
    assert row["last_seen"] == last
    assert row["first_seen"] == insights.day - timedelta(days=max(seen, default=0))
    if status == "missing":
        assert f"{min(seen)} day" in row["note"]
        assert str(last) in row["note"]
    if status in ("partial", "inflated"):
        assert not PARTIAL <= row["offers_over_baseline"] <= INFLATED


def test_the_baseline_is_the_median_of_the_days_seen_and_own_comes_first(insights) -> None:
    marts = insights.marts(
        [*offers("Own", 4), *offers("A", 9), ("A", None, "3")],
        {1: offers("A", 6), 2: [("Own", 1, "1")], 3: offers("A", 10), 4: offers("A", 30)},
    )
    coverage = marts["coverage"]
    assert coverage["seller"].to_list() == ["Own", "A"]
    assert coverage["is_own"].to_list() == [True, False]
    row = insights.row(coverage, seller="A")
    assert (row["baseline_offers"], row["offers_over_baseline"]) == (10.0, 1.0)
    assert (row["offers"], row["offers_with_gtin"], row["days_seen"]) == (10, 9, 3)
    assert coverage["latest_price_update"].dtype == pl.Datetime("us")
