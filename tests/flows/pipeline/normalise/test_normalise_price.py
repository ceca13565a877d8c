"""Money is read exactly where there is one reading, and not at all where there are two."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.normalise.price import money, parse_money, parse_number


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1.299,00 €", "1299.00"),
        ("1,299.00", "1299.00"),
        ("12,90", "12.90"),
        ("₪ 12.90", "12.90"),
        ('12.90 ש"ח', "12.90"),
        ("\u200f12.90\u00a0₪", "12.90"),
        ("1 299,00", "1299.00"),
        ("1\u202f299,00 €", "1299.00"),
        ("1'299.00", "1299.00"),
        ("CHF 1’299.00", "1299.00"),
        ("1 299.000", "1299.000"),
        ("1.299.000", "1299000"),
        ("1.2345", "1.2345"),
        ("0,750", "0.750"),
        ("1299.000", "1299.000"),
        ("KWD 1.250", "1.250"),
        ("1.250 kwd", "1.250"),
        ("KWD 1,250.500", "1250.500"),
        ("JPY 1,299", "1299"),
        ("1.299 ₩", "1299"),
        ("$.99", "0.99"),
        ("12,- €", "12"),
        ("1.299,– €", "1299"),
        ("-4,90 €", "-4.90"),
        ("€ −4.90", "-4.90"),
        ("12", "12"),
        ("EUR 5 EUR", "5"),
    ],
)
def test_one_reading(text: str, amount: str) -> None:
    assert str(parse_money(text)) == amount


@pytest.mark.parametrize(
    "text",
    [
        "1.299",
        "1,299",
        "€ 1.299",  # two decimals decide nothing: fuel is sold at three
        "KWD 1,250",  # Kuwait groups with it, Tunis does not
        "¥ 1,299",  # yen or yuan
        "",
        " ",
        "€",
        ".",
        "5.",
        "abc",
        "1e9",
        "NaN",
        "12 90",
        "1,299,00",
        "1.29.9",
        "12.345.67",
        "--4",
        "-€-4",
        "12.99 €/kg",
        "UVP 29,99 € 19,99 €",
        "from 9.99",
        "9.99 EUR USD",
        "$ 5 €",
        "12,90,-",
    ],
)
def test_no_reading_or_two(text: str) -> None:
    assert parse_money(text) is None


@pytest.mark.parametrize(
    ("text", "decimal", "currency", "amount"),
    [
        ("1.299", ".", None, "1.299"),
        ("1.299", ",", None, "1299"),
        ("1,299", ".", None, "1299"),
        ("12.90", ",", None, None),
        ("1.299,-", ",", None, "1299"),
        ("1.299,-", ".", None, None),
        ("1,299", None, "JPY", "1299"),
        ("¥1,299", None, "JPY", "1299"),
        ("1.250", None, "kwd", "1.250"),
        ("12,90 $", None, "CAD", "12.90"),
        ("12,90 $", None, "EUR", None),
        ("USD 12.90", None, "EUR", None),
        ("1.299", None, "EUR", None),
    ],
)
def test_locale_and_currency_decide(
    text: str, decimal: str | None, currency: str | None, amount: str | None
) -> None:
    found = parse_money(text, decimal=decimal, currency=currency)
    assert (None if found is None else str(found)) == amount


def test_an_unknown_decimal_sign_is_refused() -> None:
    with pytest.raises(ValueError, match=r"give '\.' or ','"):
        parse_money("1;2", decimal=";")


_AMOUNTS = st.decimals(0, 10**9, places=2)


@given(_AMOUNTS, st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", ".")]))
def test_grouped_amounts_with_two_decimals_survive_a_round_trip(
    amount: Decimal, signs: tuple[str, str]
) -> None:
    text = f"{amount:,}".translate(str.maketrans({",": signs[0], ".": signs[1]}))
    assert parse_money(text) == amount
    assert parse_money(text + " €") == amount


@given(st.text("0123456789., '-€$x", max_size=24))
def test_any_text_is_an_amount_or_none(text: str) -> None:
    amount = parse_money(text)
    assert amount is None or amount.is_finite()


@given(st.integers(1, 999), st.integers(0, 999), st.sampled_from(".,"))
def test_one_sign_before_three_digits_is_never_guessed(whole: int, rest: int, sign: str) -> None:
    assert parse_number(f"{whole}{sign}{rest:03}") is None


def test_long_hostile_text_is_answered_at_once() -> None:
    assert parse_money("1" + " " * 200_000 + "x") is None


def test_columns_of_plain_numbers() -> None:
    texts = ["12.9", "-4.9", " 7 ", "1e9", ".5", "12.34565", "1,5", "abc", "", "NaN", "inf", "1e30"]
    expected = ["12.9", "-4.9", "7", "1000000000", "0.5", "12.3456", *[None] * 6]
    found = pl.DataFrame({"text": [*texts, None]}).select(money(pl.col("text")))["text"]
    assert found.dtype == pl.Decimal(18, 4)
    assert found.to_list() == [None if e is None else Decimal(e) for e in [*expected, None]]


@given(st.decimals(-(10**13), 10**13, places=4))
def test_four_decimals_are_kept_exactly(amount: Decimal) -> None:
    found = pl.DataFrame({"text": [f"{amount:f}"]}).select(money(pl.col("text")))
    assert found.item() == amount
