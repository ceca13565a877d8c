"""Unit prices in text, brought to one kg, l, m or piece."""

from decimal import Decimal

import pytest

from flows.pipeline.normalise.gtin import kind_of
from flows.pipeline.normalise.price import CODES, ISO_4217, decimals_of
from flows.pipeline.normalise.unit_price import UnitPrice, parse_unit_price


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("(0,99 €/100 g)", "9.9", "kg"),
        ("€ 4.50 / kg", "4.5", "kg"),
        ("1 l = 2,58 €", "2.58", "l"),
        ("100 ml = 1,20 €", "12", "l"),
        ("12,99 € pro kg", "12.99", "kg"),
        ("₪ 7.90 / 100 g", "79", "kg"),
        ("0,25 € je Stück", "0.25", "piece"),
        ("KWD 1.250 per kg", "1.25", "kg"),
        ("2 zł / szt.", "2", "piece"),
    ],
)
def test_one_unit_price(text, amount, unit):
    assert parse_unit_price(text) == UnitPrice(Decimal(amount), unit)


@pytest.mark.parametrize(
    "text", ["", "12,99 €", "€/kg", "0 €/kg", "-1 €/kg", "1.299 €/kg", "5 €/Monat", "9 € / 1.500 g"]
)
def test_no_unit_price_or_two(text):
    assert parse_unit_price(text) is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("96385074", "gtin_8"), ("614141000036", "gtin_12"), ("4006381333931", "gtin_13"),
        ("10614141000415", "gtin_14"), ("4006381333932", None), ("2012345678900", None),
        (None, None), ("00614141000036", "gtin_12"), ("0000096385074", "gtin_8"),
    ],
)  # fmt: skip
def test_kinds_of_codes(code, kind):
    assert kind_of(code) == kind


def test_every_currency_has_its_decimals():
    assert {decimals_of(code) for code in ISO_4217} == {0, 2, 3}
    assert (decimals_of("KWD"), decimals_of("JPY"), decimals_of("EUR")) == (3, 0, 2)
    assert CODES < ISO_4217 and len(ISO_4217) > 150
