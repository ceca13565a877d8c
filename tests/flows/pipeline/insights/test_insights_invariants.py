"""What must hold of the figures of any market at all."""

import io
import math
import random
from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.pipeline.insights.exact import DECIMALS, exact_mean, exact_sum, rounded, share
from flows.pipeline.insights.marts import compute
from flows.pipeline.mart_schema import MARTS
from flows.pipeline.matching.by_gtin import match_by_gtin

WAYS = [f"index_own_over_market_{way}" for way in ("mean", "median", "geometric", "basket")]
_ULP = 2 * 10**-DECIMALS
"""Two results that are the same but for their rounding."""

_PRICES = st.integers(5, 9999).map(lambda cents: Decimal(cents) / 100)
_KEYS = st.tuples(
    st.sampled_from(["Own", "A", "B", "ג"]),
    st.one_of(st.integers(1, 9), st.none()),
    st.sampled_from(["1", "1", "2"]),
)
_MARKETS = st.dictionaries(_KEYS, _PRICES, max_size=40).map(
    lambda found: [
        (seller, product, price, store) for (seller, product, store), price in found.items()
    ]
)
_ANY = {"low": 0.0, "high": 1e9}
"""Bounds that send no pair to review."""


def parquet(marts: dict[str, pl.DataFrame]) -> dict[str, bytes]:
    written = {}
    for name, frame in marts.items():
        out = io.BytesIO()
        frame.write_parquet(out)
        written[name] = out.getvalue()
    return written


@settings(max_examples=40, deadline=None)
@given(offers=_MARKETS)
def test_every_mart_is_sound(insights, offers) -> None:
    marts = insights.marts(offers)
    assert {name: frame.schema for name, frame in marts.items()} == MARTS
    for frame in marts.values():
        for column in frame.select(pl.col(pl.Float64)):
            assert column.drop_nulls().is_finite().all()
            assert not any(math.copysign(1, value) < 0 for value in column if value == 0)
    for row in marts["outcomes"].iter_rows(named=True):
        assert row["wins"] + row["ties"] + row["losses"] == row["products"] > 0
        shares = [row["win_share"], row["tie_share"], row["lose_share"]]
        assert sum(shares) == pytest.approx(1, abs=_ULP)
        assert all(0 <= one <= 1 for one in shares)
    for row in marts["figures"].iter_rows(named=True):
        assert (row["value"] is None) == (row["note"] is not None)
        assert row["coverage"] is None or 0 <= row["coverage"] <= 1
    positions = marts["product_position"].height
    for mart in ("price_index", "outcomes"):
        counted = marts[mart].filter(pl.col("market") == "all")["products"].to_list()
        assert counted == ([positions] if positions else [])


@settings(max_examples=40, deadline=None)
@given(offers=_MARKETS)
def test_gaps_have_the_sign_that_their_names_say(insights, offers) -> None:
    marts = insights.marts(offers, **_ANY)
    used = marts["comparisons"].filter("used")
    for row in marts["product_position"].iter_rows(named=True):
        sellers = used.filter(pl.col("own_sku") == row["own_sku"])
        prices = sellers["seller_price"].to_list()
        assert row["market_lowest"] == min(prices)
        assert row["gap_own_minus_lowest"] == row["own_price"] - min(prices)
        assert {1: "lose", 0: "tie", -1: "win"}[
            (row["own_price"] > min(prices)) - (row["own_price"] < min(prices))
        ] == row["outcome"]
        # Against the cheapest of all, itself included, nobody is below zero.
        cheapest = min(*prices, row["own_price"])
        assert row["own_price"] - cheapest == max(row["gap_own_minus_lowest"], Decimal(0))
        assert (row["gap_own_minus_lowest_pct"] > 0) == (row["gap_own_minus_lowest"] > 0)
        assert row["gap_own_minus_lowest_pct"] >= -100
        assert row["gap_own_minus_median"] <= float(row["gap_own_minus_lowest"]) + _ULP
        for centre in (row["market_median"], row["market_mean"]):
            assert float(min(prices)) - _ULP <= centre <= float(max(prices)) + _ULP
    for row in used.iter_rows(named=True):
        assert row["gap_own_minus_seller"] == row["own_price"] - row["seller_price"]
        assert row["ratio_own_over_seller"] == pytest.approx(
            float(row["own_price"] / row["seller_price"]), abs=_ULP
        )


@settings(max_examples=40, deadline=None)
@given(offers=_MARKETS, factor=st.integers(2, 99))
def test_the_unit_of_money_makes_no_difference(insights, offers, factor) -> None:
    one = insights.marts(offers)
    other = insights.marts([(s, p, price * factor, store) for s, p, price, store in offers])
    for mart, columns in {
        "price_index": WAYS,
        "product_position": ["index_own_over_market", "gap_own_minus_lowest_pct"],
        "outcomes": ["wins", "ties", "losses"],
        "comparisons": ["ratio_own_over_seller"],
    }.items():
        assert one[mart].height == other[mart].height
        for column in columns:
            for before, after in zip(one[mart][column], other[mart][column], strict=True):
                assert before == after or after == pytest.approx(before, abs=_ULP)
    gap = "gap_own_minus_lowest"
    assert other["product_position"][gap].to_list() == [
        value * factor for value in one["product_position"][gap]
    ]


@settings(max_examples=30, deadline=None)
@given(prices=st.lists(_PRICES, min_size=3, max_size=30))
def test_a_market_that_asks_the_same_prices_is_at_100(insights, prices) -> None:
    offers = [(s, p, price) for s in ("Own", "A", "B") for p, price in enumerate(prices, 1)]
    marts = insights.marts(offers)
    for row in marts["price_index"].iter_rows(named=True):
        assert [row[way] for way in WAYS] == [100.0] * 4
        assert row["coverage"] == 1
    assert set(marts["product_position"]["index_own_over_market"]) == {100.0}
    assert set(marts["product_position"]["gap_own_minus_lowest"]) == {Decimal(0)}
    assert set(marts["outcomes"]["tie_share"]) == {1.0}


@settings(max_examples=30, deadline=None)
@given(pairs=st.lists(st.tuples(_PRICES, _PRICES), min_size=3, max_size=30))
def test_seen_from_the_other_side(insights, pairs) -> None:
    both = [
        insights.marts(
            [(s, p, pair[side]) for s, side in sides for p, pair in enumerate(pairs, 1)], **_ANY
        )
        for sides in ([("Own", 0), ("A", 1)], [("Own", 1), ("A", 0)])
    ]
    here, there = (insights.row(marts["price_index"], market="all") for marts in both)
    for way in ("geometric", "basket"):
        one, other = (side[f"index_own_over_market_{way}"] for side in (here, there))
        # Each is rounded, and that of one is magnified by the other.
        assert one * other == pytest.approx(10_000, abs=_ULP * (one + other), rel=1e-8)
    # Arithmetic mean over geometric mean over harmonic mean, which is the mean seen from there.
    geometric = here["index_own_over_market_geometric"]
    assert here["index_own_over_market_mean"] >= geometric * (1 - 1e-8) - _ULP
    ours, theirs = (insights.row(marts["outcomes"], market="A") for marts in both)
    assert (ours["wins"], ours["ties"]) == (theirs["losses"], theirs["ties"])
    single = insights.row(both[0]["price_index"], market="A")
    assert [single[way] for way in WAYS] == [here[way] for way in WAYS]


@settings(max_examples=40, deadline=None)
@given(offers=_MARKETS, before=_MARKETS, order=st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_byte(insights, offers, before, order: random.Random) -> None:
    today = insights.frame(offers)
    earlier = {
        insights.day - timedelta(days=ago): insights.frame(
            before[ago % 2 :], insights.day - timedelta(days=ago)
        )
        for ago in (1, 3)
    }
    own = pl.col("seller") == insights.own
    matches = match_by_gtin(today.filter(own), today.filter(~own))

    def shuffled(frame: pl.DataFrame) -> pl.DataFrame:
        places = list(range(frame.height))
        order.shuffle(places)
        return frame[places] if places else frame

    def marts(change) -> dict[str, bytes]:
        return parquet(
            compute(
                change(today),
                change(matches),
                {
                    day: change(frame)
                    for day, frame in sorted(earlier.items(), reverse=order.random() < 0.5)
                },
                day=insights.day,
                own_seller=insights.own,
                days_expected=list(earlier),
            )
        )

    assert marts(shuffled) == marts(lambda frame: frame)


@settings(max_examples=40, deadline=None)
@given(now=_MARKETS, before=_MARKETS)
def test_price_changes_are_antisymmetric(insights, now, before) -> None:
    forth = insights.marts(now, {1: before})["price_changes"]
    back = insights.marts(before, {1: now})["price_changes"]
    keys = ["seller", "store_id", "sku"]
    assert forth.select(keys).rows() == back.select(keys).rows()
    for there, here in zip(forth.iter_rows(named=True), back.iter_rows(named=True), strict=True):
        assert there["change_new_minus_previous"] == -here["change_new_minus_previous"] != 0
        assert (there["price"], there["previous_price"]) == (here["previous_price"], here["price"])
        up, down = (1 + row["change_new_over_previous_pct"] / 100 for row in (there, here))
        assert up * down == pytest.approx(1, abs=_ULP / 100 * (up + down), rel=1e-9)


@given(st.lists(st.floats(-1e9, 1e9), max_size=50), st.randoms(use_true_random=False))
def test_exact_sums_do_not_depend_on_their_order(values, order: random.Random) -> None:
    mixed = order.sample(values, len(values))
    sums = [
        pl.DataFrame({"v": some}, schema={"v": pl.Float64})
        .select(sum=exact_sum(pl.col("v")), mean=exact_mean(pl.col("v")))
        .row(0)
        for some in (values, mixed)
    ]
    assert sums[0] == sums[1]
    assert sums[0][0] == pytest.approx(math.fsum(values), rel=1e-9, abs=1e-6)
    assert (sums[0][1] is None) == (not values)


def test_rounding_and_shares() -> None:
    frame = pl.DataFrame({"v": [-1e-9, -0.0, 1 / 3, None], "whole": [0, 2, 4, 1]})
    nearest = frame.select(rounded(pl.col("v")))["v"].to_list()
    assert nearest == [0, 0, 0.333333, None]
    assert [math.copysign(1, value) for value in nearest[:2]] == [1, 1]
    assert frame.select(share(pl.lit(1), pl.col("whole"))).to_series().to_list() == [
        None,
        0.5,
        0.25,
        1,
    ]
