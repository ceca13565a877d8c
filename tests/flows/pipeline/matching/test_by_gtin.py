"""Pairs are of one valid number, of two sellers, and the same whatever the order of the offers."""

import random
from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from flows.pipeline.matching.by_gtin import PRICE_RATIO_HIGH, PRICE_RATIO_LOW, match_by_gtin
from flows.pipeline.normalise.gtin import check_digit, with_gtin
from flows.pipeline.schema import MATCHES, OFFERS

DAY = date(2026, 8, 15)
OWN = "Own"
MILK = "7290000000015"


def offers(*rows: dict[str, object]) -> pl.DataFrame:
    """OFFERS with the GTIN of each code, as the stage before makes them."""
    sound = {"day": DAY, "store_id": "1", "name": "", "price": Decimal("5.0000"), "currency": "ILS"}
    frame = pl.DataFrame([{**sound, **row} for row in rows], schema=OFFERS)
    return with_gtin(frame, "sku").select(*OFFERS)


def match(*rows: dict[str, object], **bounds: float) -> pl.DataFrame:
    frame = offers(*rows)
    own = pl.col("seller") == OWN
    return match_by_gtin(frame.filter(own), frame.filter(~own), **bounds)


def whole(body: str) -> str:
    return body + str(check_digit(body))


_VALID = ["7290000000015", whole("729000000002"), whole("00000123"), whole("400638133393")]
_ODD = [
    "7290000000016",  # wrong check digit
    whole("200000000001"),  # within a shop
    whole("20000000001"),
    whole("2123456"),
    whole("9729000000001"),  # variable measure
    whole("990000000001"),  # coupon
    "12345",
    "0000000000000",
    "",
]
_OFFERS = st.lists(
    st.builds(
        lambda seller, store, sku, zeros, cents, currency: {
            "seller": seller,
            "store_id": store,
            "sku": sku.zfill(len(sku) + zeros) if len(sku) + zeros <= 14 else sku,
            "price": Decimal(cents) / 100,
            "currency": currency,
        },
        st.sampled_from([OWN, "A", "B", "ב"]),
        st.sampled_from(["1", "2"]),
        st.sampled_from(_VALID + _ODD),
        st.integers(0, 2),
        st.integers(5, 3000),
        st.sampled_from(["ILS", "ILS", "ILS", "EUR"]),
    ),
    max_size=40,
    unique_by=lambda row: (row["seller"], row["store_id"], row["sku"]),
)


@settings(max_examples=80, deadline=None)
@given(rows=_OFFERS, order=st.randoms(use_true_random=False))
def test_invariants_of_any_offers(rows, order: random.Random) -> None:
    frame = offers(*rows)
    own, market = frame.filter(pl.col("seller") == OWN), frame.filter(pl.col("seller") != OWN)
    found = match_by_gtin(own, market)

    assert found.schema == MATCHES
    assert (
        not found.select("gtin", "own_store_id", "own_sku", "seller", "sku").is_duplicated().any()
    )
    assert set(found["own_seller"]) <= {OWN}
    assert OWN not in found["seller"]
    keyed = {
        (row["seller"], row["store_id"], row["sku"]): row for row in frame.iter_rows(named=True)
    }
    for pair in found.iter_rows(named=True):
        left = keyed[pair["own_seller"], pair["own_store_id"], pair["own_sku"]]
        right = keyed[pair["seller"], pair["store_id"], pair["sku"]]
        assert left["gtin"] == right["gtin"] == pair["gtin"]
        assert left["sku"].zfill(14) == right["sku"].zfill(14) == pair["gtin"]
        assert pair["gtin"] in {code.zfill(14) for code in _VALID}
        assert left["currency"] == right["currency"]
        for side in (left, right):
            others = frame.filter(
                (pl.col("seller") == side["seller"])
                & (pl.col("gtin") == side["gtin"])
                & (pl.col("currency") == side["currency"])
            )
            assert side["price"] == others["price"].min()
        near = PRICE_RATIO_LOW <= float(left["price"]) / float(right["price"]) <= PRICE_RATIO_HIGH
        assert pair["decision"] == ("accept" if near else "review")
        assert (pair["reason"] is None) == near

    # Complete: whatever both sides sell in one currency under one valid number is a pair.
    both = (
        own.filter(pl.col("gtin").is_not_null())
        .join(market, on=["gtin", "currency"], suffix="_right")
        .select("gtin", "currency", "seller_right")
        .unique()
    )
    assert found.height == both.height

    places = list(range(frame.height))
    order.shuffle(places)
    shuffled = frame[places] if places else frame
    again = match_by_gtin(
        shuffled.filter(pl.col("seller") == OWN), shuffled.filter(pl.col("seller") != OWN)
    )
    assert again.write_csv() == found.write_csv()
    assert_frame_equal(match_by_gtin(own, shuffled), found)  # its own offers among the market's


def test_one_own_product_meets_every_seller_of_it() -> None:
    sellers = [f"seller {place}" for place in range(50)]
    found = match({"seller": OWN, "sku": MILK}, *({"seller": s, "sku": MILK} for s in sellers))
    assert found["seller"].to_list() == sorted(sellers)
    assert found["own_sku"].unique().to_list() == [MILK]


def test_leading_zeros_and_shorter_forms_are_the_same_number() -> None:
    found = match({"seller": OWN, "sku": "96385074"}, {"seller": "A", "sku": "00000096385074"})
    assert found.select("gtin", "own_sku", "sku").rows() == [
        ("00000096385074", "96385074", "00000096385074")
    ]


@pytest.mark.parametrize("code", _ODD)
def test_what_is_no_trade_item_number_never_matches_across_sellers(code: str) -> None:
    assert match({"seller": OWN, "sku": code}, {"seller": "A", "sku": code}).is_empty()


@pytest.mark.parametrize(
    ("own", "other", "decision"),
    [
        ("4.00", "10.00", "accept"),
        ("3.99", "10.00", "review"),
        ("25.00", "10.00", "accept"),
        ("25.01", "10.00", "review"),
        ("0.05", "100000", "review"),
        ("5", None, "review"),
        ("5", "0", "review"),
    ],
)
def test_far_prices_go_to_review_with_both_prices_in_the_reason(own, other, decision) -> None:
    found = match(
        {"seller": OWN, "sku": MILK, "price": Decimal(own)},
        {"seller": "A", "sku": MILK, "price": None if other is None else Decimal(other)},
    )
    assert found["decision"].to_list() == [decision]
    if decision == "review" and other is not None:
        assert f"{Decimal(own):.2f}" in found["reason"].item()
        assert f"{Decimal(other):.2f}" in found["reason"].item()
    if decision == "review":
        assert found["reason"].item()


def test_of_several_offers_the_lowest_price_stands_for_a_seller_then_store_and_code() -> None:
    found = match(
        {"seller": OWN, "sku": MILK, "store_id": "2"},
        {"seller": OWN, "sku": MILK, "store_id": "1"},
        {"seller": "A", "sku": MILK, "store_id": "1", "price": Decimal("6")},
        {"seller": "A", "sku": MILK, "store_id": "9", "price": Decimal("4")},
        {"seller": "A", "sku": "0" + MILK, "store_id": "9", "price": Decimal("4")},
    )
    assert found.select("own_store_id", "store_id", "sku").rows() == [("1", "9", "0" + MILK)]


def test_no_overlap_and_no_offers_give_an_empty_table() -> None:
    assert match({"seller": OWN, "sku": MILK}, {"seller": "A", "sku": _VALID[1]}).schema == MATCHES
    assert match({"seller": OWN, "sku": MILK}).is_empty()
    assert match().schema == MATCHES
