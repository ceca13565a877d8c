"""Barcodes, names and sizes of the fictitious products."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.sample.market import SELLERS
from flows.sample.products import (
    ENGLISH,
    HEBREW,
    LEADING_ZERO_SHARE,
    Size,
    check_digit,
    packaged_goods,
    produce,
)


def test_check_digit_of_the_example_in_the_gs1_general_specifications():
    assert check_digit("629104150021") == "3"


@given(st.text("0123456789", min_size=13, max_size=13), st.integers(0, 12), st.integers(1, 9))
def test_check_digit_finds_every_single_wrong_digit(body, place, shift):
    wrong = str((int(body[place]) + shift) % 10)
    assert check_digit(body) != check_digit(body[:place] + wrong + body[place + 1 :])


@pytest.mark.parametrize("seller", SELLERS, ids=lambda seller: seller.name)
def test_chain_numbers_have_right_check_digits(seller):
    assert seller.id[-1] == check_digit(seller.id[:-1])


def test_products_differ_in_barcode_and_in_both_names():
    goods = packaged_goods(3, 4000)
    assert len({product.gtin for product in goods}) == 4000
    assert len({product.name[0] for product in goods}) == 4000
    assert len({product.name[1] for product in goods}) == 4000


def test_every_barcode_is_a_gtin_outside_the_ranges_with_a_special_use():
    gtins = [product.gtin for product in packaged_goods(3, 4000)]
    assert all(len(gtin) == 13 and gtin[-1] == check_digit(gtin[:-1]) for gtin in gtins)
    assert {gtin[:3] for gtin in gtins} == {"952", "007", "070"}
    zeros = sum(gtin.startswith("0") for gtin in gtins) / 4000
    assert zeros == pytest.approx(LEADING_ZERO_SHARE, abs=0.02)


def test_hebrew_names_are_hebrew_and_fit_windows_1255():
    for product in [*packaged_goods(3, 2000), *produce(3, 100)]:
        assert any("א" <= letter <= "ת" for letter in product.name[1])
        assert product.name[1].encode("cp1255").decode("cp1255") == product.name[1]
        assert product.name[0].isascii()


@pytest.mark.parametrize(
    ("size", "english", "hebrew"),
    [
        (Size(1, 500, "g"), "500 g", "500 גרם"),
        (Size(6, 330, "ml"), "6 x 330 ml", '6*330 מ"ל'),
        (Size(1, 1500, "ml"), "1.5 L", "1.5 ליטר"),
        (Size(1, 5000, "g"), "5 kg", '5 ק"ג'),
        (Size(1, 24, "piece"), "24 pcs", "24 יח'"),
    ],
)
def test_sizes_read_as_on_a_label(size, english, hebrew):
    assert size.text(ENGLISH, " x ") == english
    assert size.text(HEBREW, "*") == hebrew


def test_more_products_than_the_vocabulary_names_are_refused():
    with pytest.raises(ValueError, match="the vocabulary names 33280 products"):
        packaged_goods(3, 40_000)
