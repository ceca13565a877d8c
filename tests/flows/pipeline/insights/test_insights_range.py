"""Minimum prices, content, search, match quality, and the assortment by group."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from flows.pipeline.insights.match_quality import wilson
from flows.pipeline.mart_schema import AUDITS, SEARCH_RESULTS
from flows.pipeline.rules import Rules

DAY = date(2026, 8, 15)


def test_minimum_prices_with_their_evidence(insights) -> None:
    rules = Rules.model_validate({"minimum_prices": {"00000001": "10", "00000002": 5}})
    page = {"url": "https://a.example/1", "source_file": "a.csv", "source_row": 7}
    marts = insights.marts(
        [
            ("Own", 1, "2"),
            ("A", 1, "9", page),
            ("B", 1, "10"),
            ("C", 1, "1", {"stale": True}),
            ("A", 3, "1"),
        ],
        {1: [("A", 1, "9.50")], 2: [("A", 1, "9.90")], 3: [("A", 1, "10")], 4: [("A", 1, "8")]},
        rules=rules,
    )
    (row,) = marts["map_violations"].iter_rows(named=True)
    assert (row["seller"], row["price"], row["minimum_price"]) == ("A", Decimal(9), Decimal(10))
    assert (row["below_minimum"], row["below_minimum_pct"]) == (Decimal(1), 10.0)
    assert (row["since"], row["days_seen"]) == (DAY - timedelta(days=2), 3)
    assert (row["url"], row["source_file"], row["source_row"]) == (
        "https://a.example/1",
        "a.csv",
        7,
    )
    figure = insights.figure(marts, "map_violation_share")
    assert (figure["value"], figure["numerator"], figure["denominator"]) == (0.5, 1, 2)
    assert figure["coverage"] == 0.5  # nobody offers the second product


def test_without_minimum_prices_or_offers_of_them_it_says_so(insights) -> None:
    marts = insights.marts([("Own", 1, "2"), ("A", 1, "9")])
    assert insights.figure(marts, "map_violation_share")["note"] == (
        "not enough data: no minimum prices are configured"
    )
    rules = Rules.model_validate({"minimum_prices": {"00000009": 5}})
    figure = insights.figure(insights.marts([("Own", 1, "2")], rules=rules), "map_violation_share")
    assert "no competitor offers a product with a minimum price" in figure["note"]


def test_content_is_asked_of_what_a_source_carries(insights) -> None:
    rules = Rules.model_validate({"content": {"name": 10, "brand": 1, "image": 1}})
    marts = insights.marts(
        [
            ("Own", 1, "2", {"name": "long enough", "brand": "Best"}),
            ("Own", 2, "2", {"name": "short", "brand": " "}),
            ("A", 1, "2", {"image": "x"}),
        ],
        rules=rules,
    )
    image = insights.row(marts["content"], seller="Own", rule="image")
    assert (image["checked"], image["share"]) == (0, None)
    assert image["note"] == "not enough data: the source carries no image"
    figure = insights.figure(marts, "content_score_own")
    assert (figure["value"], figure["numerator"], figure["denominator"]) == (0.5, 2, 4)
    assert figure["coverage"] == round(2 / 3, 6)
    (worst,) = marts["content_products"].iter_rows(named=True)
    assert (worst["sku"], worst["score"]) == ("2", 0)
    assert worst["missing"] == "brand; name of 10 characters or more"
    bare = insights.figure(insights.marts([("Own", 1, "2")]), "content_score_own")
    assert bare["note"] == "not enough data: no content rules are configured"


def test_share_of_search_counts_own_products_and_brands(insights) -> None:
    results = pl.DataFrame(
        [
            (DAY, "shop", "milk", 1, False, "Other", None, "a"),
            (DAY, "shop", "milk", 2, True, " BEST ", None, "b"),
            (DAY, "shop", "milk", 3, False, None, f"{1:014}", "c"),
            (DAY, "shop", "milk", 4, False, "Best", None, "beyond"),
            (DAY, "shop", "tea", 1, False, "Other", f"{9:014}", "d"),
        ],
        schema=SEARCH_RESULTS,
        orient="row",
    )
    rules = Rules(own_brands=("Best",), search_positions=3)
    marts = insights.marts([("Own", 1, "2")], searches=results, rules=rules)
    milk = insights.row(marts["search_share"], words="milk")
    assert (milk["own_results"], milk["results"], milk["best_own_position"]) == (2, 3, 2)
    figure = insights.figure(marts, "search_share_own")
    assert (figure["value"], figure["numerator"], figure["denominator"]) == (0.5, 2, 4)
    none = insights.figure(insights.marts([("Own", 1, "2")]), "search_share_own")
    assert none["note"] == "not enough data: no search results were captured"


@pytest.mark.parametrize(
    ("right", "total", "interval"),
    [
        # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I.
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilson_intervals_as_published(right, total, interval) -> None:
    assert wilson(right, total) == pytest.approx(interval, abs=5e-5)
    assert wilson(total - right, total) == pytest.approx(
        (1 - interval[1], 1 - interval[0]), abs=5e-5
    )
    assert wilson(0, 0) is None


def test_precision_is_that_of_the_audited_pairs(insights) -> None:
    def audit(sku: int, correct: bool, hour: int) -> tuple[object, ...]:
        at = datetime(2026, 8, 1, hour, tzinfo=UTC).replace(tzinfo=None)
        return ("Own", str(sku), "A", str(sku), "gtin", correct, at)

    audits = pl.DataFrame(
        [audit(1, True, 1), audit(2, True, 1), audit(2, False, 2)], schema=AUDITS, orient="row"
    )
    offers = [(seller, n, "2") for seller in ("Own", "A") for n in (1, 2, 3, 4)]
    marts = insights.marts(offers, audits=audits)
    row = insights.row(marts["match_quality"], method="gtin")
    assert (row["accepted"], row["audited"], row["correct"]) == (4, 2, 1)
    assert row["precision"] == 0.5
    assert (row["precision_low"], row["precision_high"]) == pytest.approx((0.094531, 0.905469))
    figure = insights.figure(marts, "match_precision_audited")
    assert (figure["value"], figure["n"], figure["coverage"]) == (0.5, 2, 0.5)
    bare = insights.figure(insights.marts(offers), "match_precision_audited")
    assert bare["note"] == "not enough data: no accepted pair was audited"


def test_overlap_and_gaps_by_group(insights) -> None:
    def of(brand: str | None, category: str | None = None) -> dict[str, str | None]:
        return {"brand": brand, "category": category}

    offers = [
        ("Own", 1, "1", of("X", "Food > Tea")),
        ("Own", 2, "2", of("X", "Food")),
        ("A", 1, "1", of("X", None)),
        ("B", 1, "1", of("x-", "Drinks")),
        ("A", 3, "3", of("X", "Food > Milk")),
        ("A", 4, "4", of(None)),
        ("A", None, "5", of("X")),  # no GTIN: not told apart
    ]
    groups = insights.marts(offers)["assortment_groups"]
    brand = insights.row(groups.filter(pl.col("dimension") == "brand"), value="X")
    assert (brand["own_products"], brand["market_products"], brand["shared_products"]) == (2, 2, 1)
    assert (brand["own_only"], brand["gaps"], brand["shared_over_market"]) == (1, 1, 0.5)
    nameless = groups.filter((pl.col("dimension") == "brand") & pl.col("value").is_null())
    assert (nameless["market_products"][0], nameless["gaps"][0]) == (1, 1)
    food = insights.row(groups.filter(pl.col("dimension") == "category"), value="Food")
    # Two say Food, one says Drinks: of equals the first by alphabet would count.
    assert (food["own_products"], food["gaps"]) == (1, 1)
    tiers = groups.filter(pl.col("dimension") == "price tier")
    assert tiers["market_products"].sum() == 3
    assert sorted(tiers["value"]) == [
        "high: 4.00 to 4.00",
        "low: 1.00 to 2.00",
        "middle: 3.00 to 3.00",
    ]


def test_groups_add_up_to_the_assortment(insights) -> None:
    offers = [
        (seller, n, str(1 + n % 7), {"brand": f"b{n % 5}" if n % 3 else None})
        for seller, step in (("Own", 2), ("A", 3), ("B", 5))
        for n in range(0, 120, step)
    ]
    marts = insights.marts(offers)
    for dimension in ("brand", "price tier"):
        rows = marts["assortment_groups"].filter(pl.col("dimension") == dimension)
        assert rows["own_products"].sum() == 60
        assert rows["gaps"].sum() == marts["assortment_gaps"]["gtin"].n_unique()
        assert (rows["own_only"] + rows["shared_products"] == rows["own_products"]).all()
        assert (rows["gaps"] + rows["shared_products"] == rows["market_products"]).all()
    assert marts["assortment_groups"].filter(pl.col("dimension") == "category").is_empty()
