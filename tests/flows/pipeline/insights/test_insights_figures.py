"""Every figure by hand on a small market, and what is said where there is nothing to compare."""

import math
from datetime import date
from decimal import Decimal
from statistics import geometric_mean, mean, median

import polars as pl
import pytest

from flows.pipeline.insights.price_index import FEWEST
from flows.pipeline.mart_schema import MARTS
from flows.pipeline.schema import MATCHES, empty

INDICES = [
    f"price_index_own_over_market_{way}" for way in ("mean", "median", "geometric", "basket")
]


def test_the_golden_position(insights) -> None:
    """18.75 against a market mean of 18.125 is an index of 103.4."""
    marts = insights.marts(
        [
            ("Own", 1, "18.75"),
            ("A", 1, "17.50"),
            ("B", 1, "18.00"),
            ("C", 1, "18.50"),
            ("D", 1, "18.50"),
        ]
    )
    row = insights.row(marts["product_position"], own_sku="1")
    assert row["market_mean"] == 18.125
    assert round(row["index_own_over_market"], 1) == 103.4
    assert row["index_own_over_market"] == pytest.approx(100 * 18.75 / 18.125, abs=5e-7)
    assert row["sellers"] == 4
    assert (row["market_lowest"], row["lowest_seller"]) == (Decimal("17.5"), "A")
    assert row["gap_own_minus_lowest"] == Decimal("1.25")
    assert row["gap_own_minus_lowest_pct"] == pytest.approx(100 * 1.25 / 17.5, abs=5e-7)
    assert row["market_median"] == 18.25
    assert row["gap_own_minus_median"] == 0.5
    assert row["gap_own_minus_median_pct"] == pytest.approx(100 * 0.5 / 18.25, abs=5e-7)
    assert row["outcome"] == "lose"


def test_an_index_is_not_computed_from_a_rounded_mean(insights) -> None:
    marts = insights.marts(
        [("Own", 1, "0.05"), ("A", 1, "0.05"), ("B", 1, "0.05"), ("C", 1, "0.06")]
    )
    row = insights.row(marts["product_position"], own_sku="1")
    assert row["index_own_over_market"] == pytest.approx(100 * 0.15 / 0.16, abs=5e-7)


MARKET = [
    ("Own", 1, "10"), ("Own", 2, "8"), ("Own", 3, "5"), ("Own", 4, "20"), ("Own", 5, "3"),
    ("Own", None, "1"),
    ("A", 1, "8"), ("A", 2, "10"), ("A", 3, "5"), ("A", 6, "2"), ("A", None, "9"),
    ("B", 1, "12"), ("B", 2, "8"), ("B", 4, "16"), ("B", 6, "1.5"), ("B", 7, "4"),
]  # fmt: skip
RATIOS = [10 / 10, 8 / 9, 5 / 5, 20 / 16]


def test_the_price_index_four_ways(insights) -> None:
    marts = insights.marts(MARKET)
    row = insights.row(marts["price_index"], market="all")
    assert row["products"] == 4
    assert row["index_own_over_market_mean"] == pytest.approx(100 * mean(RATIOS), abs=1e-6)
    assert row["index_own_over_market_median"] == pytest.approx(100 * median(RATIOS), abs=1e-6)
    assert row["index_own_over_market_geometric"] == pytest.approx(
        100 * geometric_mean(RATIOS), abs=1e-6
    )
    assert row["index_own_over_market_basket"] == pytest.approx(100 * 43 / 40, abs=1e-6)
    assert (row["own_basket"], row["market_basket"]) == (Decimal(43), 40.0)
    assert row["coverage"] == 0.8
    assert marts["price_index"]["market"].to_list() == ["all", "A", "B"]
    one = insights.row(marts["price_index"], market="A")
    assert one["index_own_over_market_mean"] == pytest.approx(100 * mean([1.25, 0.8, 1]), abs=1e-6)
    for name in INDICES:
        found = insights.figure(marts, name)
        assert found["value"] == row[name.removeprefix("price_")]
        assert (found["n"], found["coverage"], found["note"]) == (4, 0.8, None)
    basket = insights.figure(marts, INDICES[3])
    assert 100 * basket["numerator"] / basket["denominator"] == basket["value"]


def test_outcomes_and_gaps(insights) -> None:
    marts = insights.marts(MARKET)
    everyone = insights.row(marts["outcomes"], market="all")
    # Own against the lowest: 10 > 8, 8 = 8, 5 = 5, 20 > 16.
    assert (everyone["wins"], everyone["ties"], everyone["losses"]) == (0, 2, 2)
    assert (everyone["win_share"], everyone["tie_share"], everyone["lose_share"]) == (0, 0.5, 0.5)
    one = insights.row(marts["outcomes"], market="B")
    assert (one["wins"], one["ties"], one["losses"]) == (1, 1, 1)
    assert insights.figure(marts, "median_gap_own_minus_lowest_pct")["value"] == 12.5
    share = insights.figure(marts, "lose_share")
    assert (share["numerator"], share["denominator"], share["value"]) == (2, 4, 0.5)


def test_assortments(insights) -> None:
    marts = insights.marts(MARKET)
    one = insights.row(marts["assortment"], seller="A")
    assert (one["own_products"], one["seller_products"], one["shared_products"]) == (5, 4, 3)
    assert (one["shared_over_own"], one["shared_over_seller"]) == (0.6, 0.75)
    gaps = marts["assortment_gaps"]
    assert gaps["gtin"].to_list() == ["00000000000006", "00000000000007"]
    assert gaps.select("sellers", "seller_names", "market_lowest").rows() == [
        (2, "A, B", Decimal("1.5")),
        (1, "B", Decimal(4)),
    ]
    found = insights.figure(marts, "assortment_gap_products")
    assert (found["value"], found["coverage"]) == (2, 0.9)
    matched = insights.figure(marts, "matched_products_over_own")
    assert (matched["numerator"], matched["denominator"], matched["value"]) == (4, 5, 0.8)
    assert matched["coverage"] == round(5 / 6, 6)


def test_the_name_of_a_gap_is_the_usual_one_and_never_a_blank(insights) -> None:
    offers = insights.frame([("Own", 1, "1"), *((seller, 9, "1") for seller in "ABCDE")])
    names = pl.Series("name", ["x", "", "", "", "Tea", "Cha"])
    marts = insights.marts(offers.with_columns(names, brand=pl.lit("", pl.String)))
    row = insights.row(marts["assortment_gaps"], gtin="00000000000009")
    assert (row["name"], row["brand"]) == ("Cha", None)


def assert_null_with_reason(row: dict[str, object], reason: str) -> None:
    assert row["value"] is None
    assert row["note"] is not None
    assert row["note"].startswith("not enough data: ")
    assert reason in row["note"]


def test_too_few_products_make_no_index(insights) -> None:
    offers = [(s, p, "2") for s in ("Own", "A") for p in range(1, FEWEST)]
    marts = insights.marts(offers)
    for name in INDICES:
        assert_null_with_reason(insights.figure(marts, name), f"at least {FEWEST} are needed")
        assert_null_with_reason(insights.figure(marts, name, "A"), f"{FEWEST - 1} products")
    marts = insights.marts([*offers, ("Own", FEWEST, "2"), ("A", FEWEST, "2")])
    assert [insights.figure(marts, name)["value"] for name in INDICES] == [100.0] * 4


def every_value_is_a_number_or_has_a_reason(figures: pl.DataFrame) -> bool:
    for row in figures.iter_rows(named=True):
        for name in ("value", "numerator", "denominator", "coverage"):
            if row[name] is not None and not math.isfinite(row[name]):
                return False
        if (row["value"] is None) != (row["note"] is not None):
            return False
    return True


@pytest.mark.parametrize(
    ("offers", "figures"),
    [
        ([], {"matched_products_over_own": "no competitor has offers"}),
        (
            [("Own", 1, "2"), ("Own", 2, "3")],
            {
                "matched_products_over_own": "no competitor has offers",
                "win_share": "no competitor has offers",
                "median_gap_own_minus_lowest_pct": "no competitor has offers",
                "assortment_gap_products": "no offer of a competitor",
                INDICES[0]: "no competitor has offers",
            },
        ),
        (
            [("A", 1, "2"), ("B", 1, "3")],
            {
                "matched_products_over_own": "no own product",
                "lose_share": "no own product",
                "assortment_gap_products": "no own product",
                INDICES[3]: "no own product",
            },
        ),
        (
            [("Own", None, "2"), ("A", 1, "2")],
            {"matched_products_over_own": "no own product", "assortment_gap_products": "no own"},
        ),
        (
            [("Own", 1, "2"), ("A", None, "2")],
            {"tie_share": "no product was compared", "assortment_gap_products": "no offer of a"},
        ),
        (
            [("Own", 1, "2"), ("A", 2, "2")],
            {INDICES[1]: "no product was compared", "win_share": "no product was compared"},
        ),
    ],
)
def test_want_of_data_is_null_with_a_reason(insights, offers, figures) -> None:
    marts = insights.marts(offers)
    assert {name: frame.schema for name, frame in marts.items()} == MARTS
    for name, reason in figures.items():
        assert_null_with_reason(insights.figure(marts, name), reason)
    for name in ("price_changes_own_share", "price_changes_market_share"):
        assert_null_with_reason(insights.figure(marts, name), "earlier day")
    assert every_value_is_a_number_or_has_a_reason(marts["figures"])


def test_each_competitor_that_cannot_be_compared_has_its_reason(insights) -> None:
    marts = insights.marts(
        [*MARKET, ("C", 99, "1"), ("D", None, "1")], {1: [("Gone", 1, "5"), ("Own", 1, "5")]}
    )
    for market, reason in (("C", "no product was"), ("D", "no product was"), ("Gone", "no offers")):
        for name in (*INDICES, "win_share", "tie_share", "lose_share"):
            assert_null_with_reason(insights.figure(marts, name, market), reason)
    assert insights.figure(marts, "assortment_shared_over_own", "C")["value"] == 0
    shared = insights.figure(marts, "assortment_shared_over_own", "D")
    assert_null_with_reason(shared, "no offer of it has a valid GTIN")
    without = insights.row(marts["assortment"], seller="D")
    assert (without["seller_products"], without["shared_over_seller"]) == (0, None)
    assert every_value_is_a_number_or_has_a_reason(marts["figures"])


def carried(insights, own: str, seller: str, *products: int) -> pl.DataFrame:
    """Matches that somebody else decided, whatever the prices and currencies are."""
    rows = [
        {
            "day": insights.day, "own_seller": own, "own_store_id": "1", "own_sku": str(product),
            "seller": seller, "store_id": "1", "sku": str(product), "gtin": f"{product:014}",
            "method": "gtin", "kind": "exact", "probability": 1.0, "decision": "accept",
        }
        for product in products
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=MATCHES)


def test_prices_in_two_currencies_are_never_compared(insights) -> None:
    offers = [
        *(("Own", product, "10") for product in range(1, 6)),
        *(("A", product, "5", "1", "EUR" if product < 3 else "ILS") for product in range(1, 6)),
    ]
    marts = insights.marts(offers, matches=carried(insights, "Own", "A", *range(1, 6)))
    compared = marts["comparisons"]
    assert compared["used"].to_list() == [False, False, True, True, True]
    assert set(compared["reason"][:2]) == {"prices in ILS and EUR are not compared"}
    assert compared["ratio_own_over_seller"].to_list() == [None, None, 2.0, 2.0, 2.0]
    assert compared["gap_own_minus_seller"].null_count() == 2
    assert insights.figure(marts, INDICES[0])["n"] == 3
    assert marts["product_position"].height == 3


def test_an_index_over_two_currencies_is_null_with_a_reason(insights) -> None:
    offers = [
        (seller, product, "10", "1", currency)
        for seller in ("Own", "A")
        for product, currency in enumerate(["EUR"] * 3 + ["ILS"] * 3, 1)
    ]
    marts = insights.marts(offers)
    assert marts["price_index"].select("market", "currency").rows() == [
        ("all", "EUR"), ("all", "ILS"), ("A", "EUR"), ("A", "ILS"),
    ]  # fmt: skip
    assert set(marts["price_index"]["index_own_over_market_mean"]) == {100.0}
    for name in INDICES:
        for market in ("all", "A"):
            assert_null_with_reason(insights.figure(marts, name, market), "EUR and ILS")
    assert insights.figure(marts, "tie_share")["value"] == 1
    assert not marts["figures"].select("figure", "market").is_duplicated().any()


@pytest.mark.parametrize(
    ("own", "other"), [("5", "0"), ("0", "5"), ("0", "0"), (None, "5"), ("5", None)]
)
def test_a_price_that_is_none_is_divided_by_nowhere(insights, own, other) -> None:
    offers = [
        ("Own", 1, own),
        ("A", 1, other),
        *((s, p, "2") for s in ("Own", "A") for p in (2, 3, 4)),
    ]
    history = {1: [("Own", 1, "0"), ("A", 1, "0"), ("A", 2, "2")]}
    marts = insights.marts(offers, history, matches=carried(insights, "Own", "A", 1, 2, 3, 4))
    first = insights.row(marts["comparisons"], own_sku="1")
    assert first["used"] is False
    assert "not above 0" in first["reason"]
    assert insights.figure(marts, INDICES[0])["value"] == 100.0
    for frame in marts.values():
        for column in frame.select(pl.col(pl.Float64)):
            assert column.drop_nulls().is_finite().all()
    assert every_value_is_a_number_or_has_a_reason(marts["figures"])


def test_pairs_under_review_or_turned_down_are_listed_and_count_nowhere(insights) -> None:
    offers = [(s, p, "2") for s in ("Own", "A") for p in range(1, 6)]
    matches = carried(insights, "Own", "A", *range(1, 6)).with_columns(
        decision=pl.Series(["accept", "accept", "accept", "review", None]),
        reason=pl.Series([None, None, None, "another pack", None]),
    )
    marts = insights.marts(offers, matches=matches)
    assert marts["comparisons"]["used"].to_list() == [True, True, True, False, False]
    assert marts["comparisons"]["reason"].to_list() == [
        None,
        None,
        None,
        "another pack",
        "not accepted",
    ]
    assert insights.figure(marts, "tie_share")["denominator"] == 3


def test_products_matched_without_a_gtin_stay_apart(insights) -> None:
    offers = [(s, p, str(p)) for s in ("Own", "A") for p in range(1, 5)]
    matches = carried(insights, "Own", "A", *range(1, 5)).with_columns(gtin=pl.lit(None, pl.String))
    marts = insights.marts(offers, matches=matches)
    assert marts["product_position"].height == 4
    assert insights.row(marts["price_index"], market="all")["products"] == 4
    assert insights.row(marts["outcomes"], market="all")["products"] == 4


def test_a_seller_named_like_the_whole_market_is_not_mixed_up_with_it(insights) -> None:
    offers = [(s, p, "2") for s in ("Own", "A") for p in range(1, 5)]
    marts = insights.marts([*offers, *(("all", p, "1") for p in range(1, 5))])
    assert marts["price_index"]["market"].to_list() == ["all", "A", "all (seller)"]
    assert insights.row(marts["price_index"], market="all")["products"] == 4
    assert insights.figure(marts, INDICES[0], "all (seller)")["value"] == 200.0
    assert not marts["figures"].select("figure", "market").is_duplicated().any()


def test_no_figure_of_nothing(insights) -> None:
    marts = insights.marts(empty(insights.frame([]).schema))
    assert set(marts) == set(MARTS)
    assert marts["figures"].height > 0
    assert marts["figures"]["as_of"].unique().to_list() == [date(2026, 8, 15)]
