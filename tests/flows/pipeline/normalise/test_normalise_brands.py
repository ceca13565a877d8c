"""One spelling for each brand."""

import random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.normalise.brand_aliases import ALIASES
from flows.pipeline.normalise.brands import BrandTable, brand_key, with_brand


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Coca-Cola", "COCA COLA"),
        ("Nestlé", "Nestle"),
        ("Dr. Oetker®", "Dr Oetker"),
        ("Amber Mill GmbH & Co. KG", "Amber Mill"),
        ("Amber Mill Ltd.", "amber mill"),
        ("Weiß", "WEISS"),
        ("Pine & Salt", "Pine and Salt"),
        ('תנובה בע"מ', "תנובה"),
        ("Sanrı", "sanrı"),
    ],
)
def test_what_carries_no_meaning_tells_no_brands_apart(one, other):
    assert brand_key(one) == brand_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("Bosch", "Bosh"), ("Amber Mill", "Amber Hill"), ("3M", "M3"), ("AG", "KG"), ("H&M", "HM")],
)
def test_what_may_be_another_brand_stays_one(one, other):
    assert brand_key(one) != brand_key(other)


def test_the_table_knows_other_scripts_and_old_names():
    table = BrandTable()
    assert table.name_of("קוקה קולה") == table.name_of("COCA COLA") == "Coca-Cola"
    assert table.name_of("nobody's") is None
    assert len({brand_key(brand) for brand in ALIASES}) == len(ALIASES)


def test_a_name_of_two_brands_is_refused():
    with pytest.raises(ValueError, match="'amber' to 'One' and to 'Two'"):
        BrandTable({"One": ["Amber"], "Two": ["amber"]})


def test_of_several_spellings_the_most_frequent_is_taken():
    frame = pl.DataFrame({"brand": ["Two Cedars", "two cedars", "Two Cedars", None, "שני ארזים"]})
    assert with_brand(frame, BrandTable({}))["brand"].to_list() == [
        "Two Cedars", "Two Cedars", "Two Cedars", None, "שני ארזים",
    ]  # fmt: skip
    table = BrandTable({"Cedars": ["two cedars", "שני ארזים"]})
    assert with_brand(frame, table)["brand"].to_list() == ["Cedars"] * 3 + [None, "Cedars"]


@given(st.lists(st.sampled_from(["A-B", "a b", "AB Ltd", "C", "c", "€", "§"]), max_size=30))
def test_order_does_not_matter_and_twice_is_once(names):
    table = BrandTable({"C!": ["c"]})
    frame = pl.DataFrame({"brand": names}, schema={"brand": pl.String})
    once = with_brand(frame, table)
    assert with_brand(once, table).equals(once)
    order = list(range(len(names)))
    random.Random(1).shuffle(order)
    assert with_brand(frame[order], table).equals(once[order])


@given(st.text(max_size=40))
def test_any_text_has_a_key_and_its_key_is_its_own(text):
    key = brand_key(text)
    assert brand_key(key) in (key, brand_key(key))
    assert brand_key(f" {text} ") == key
