"""Article codes are classified by GS1's rules, the same way one by one and in columns."""

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.pipeline.normalise.gtin import PADDING, check_digit, classify, gtin14, with_gtin

# Printed in GS1's own documents and in textbooks, so independent of this code.
PUBLISHED = ["6291041500213", "4006381333931", "036000291452", "96385074", "9780306406157"]


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_examples_are_valid(code: str) -> None:
    assert classify(code) == (code.zfill(14), "valid")
    assert gtin14(code) == code.zfill(14)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (None, "missing"),
        ("", "missing"),
        (" \t\u200f", "missing"),
        ("0", "missing"),
        ("0000000000000", "missing"),
        ("00000000000000000000", "missing"),
        ("7290000066318.0", "valid"),
        ("7290000066318.00", "valid"),
        (" 7290000066318 ", "valid"),
        ("\ufeff7290000066318\u200e", "valid"),
        ("7290000066319", "bad_check_digit"),
        ("96385075", "bad_check_digit"),
        ("7.29E+12", "not_a_gtin"),
        ("7290000066318.5", "not_a_gtin"),
        ("729-0000066318", "not_a_gtin"),
        ("٧٢٩٠٠٠٠٠٦٦٣١٨", "not_a_gtin"),
        (" 729 ", "not_a_gtin"),
        ("1234567", "not_a_gtin"),
        ("123456789012345", "not_a_gtin"),
        ("36000291452", "valid"),  # UPC-A without its leading zero
        ("36000291453", "not_a_gtin"),
        ("2000000000008", "in_store"),
        ("2912345678901", "in_store"),
        ("0212345678901", "in_store"),
        ("212345678901", "in_store"),  # the same prefix 02, written as UPC-A
        ("0412345678901", "in_store"),
        ("0512345678901", "in_store"),
        ("0312345678901", "bad_check_digit"),
        ("20000011", "in_store"),
        ("01234565", "in_store"),
        ("9912345678901", "in_store"),
        ("9812345678901", "in_store"),
        ("9851234567890", "bad_check_digit"),
        ("90614141000418", "in_store"),  # indicator 9
        ("12912345678901", "in_store"),  # a case of in-store articles
        ("9780306406157", "valid"),
    ],
)
def test_each_status(text: str | None, status: str) -> None:
    gtin, found = classify(text)
    assert found == status
    assert (gtin is not None) == (status == "valid")


@pytest.mark.parametrize("indicator", "12345678")
def test_a_case_of_a_valid_article_is_valid(indicator: str) -> None:
    body = indicator + "629104150021"
    assert classify(body + str(check_digit(body)))[1] == "valid"


@given(st.text("0123456789", min_size=13, max_size=13))
def test_the_check_digit_fills_the_weighted_sum_to_a_multiple_of_ten(body: str) -> None:
    digits = [int(digit) for digit in body]
    assert (3 * sum(digits[0::2]) + sum(digits[1::2]) + check_digit(body)) % 10 == 0


@given(st.sampled_from(PUBLISHED), st.data())
def test_one_wrong_digit_is_never_a_valid_gtin(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(code) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != code[place]]))
    assert classify(code[:place] + wrong + code[place + 1 :])[1] != "valid"


_CODES = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.text("0123456789", max_size=16),
    st.text("0123456789.E+ -" + PADDING, max_size=18),
    st.text("0123456789", min_size=7, max_size=13).map(lambda body: body + str(check_digit(body))),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["02", "04", "05", "2", "98", "99", "0000002", "92", "902", "1"]),
        st.text("0123456789", min_size=5, max_size=12),
        st.sampled_from(["", ".0", " ", "\n"]),
    ),
)


@settings(max_examples=60)
@given(st.lists(_CODES, max_size=60))
@example(["\x1c7290000066318", "7290000066318\x85", "7290000066318\n\n", ".0", "0.0", "00000000"])
def test_columns_and_scalar_agree(codes: list[str | None]) -> None:
    frame = with_gtin(pl.DataFrame({"sku": codes}, schema={"sku": pl.String}), "sku")
    assert list(zip(frame["gtin"], frame["gtin_status"], strict=True)) == [
        classify(code) for code in codes
    ]


def test_other_columns_and_their_order_stay() -> None:
    frame = with_gtin(pl.DataFrame({"a": [1, 2], "code": ["96385074", None]}), "code")
    assert frame.columns == ["a", "code", "gtin", "gtin_status"]
    assert frame["gtin"].to_list() == ["00000096385074", None]
