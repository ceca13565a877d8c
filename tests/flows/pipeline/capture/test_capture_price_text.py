"""Amounts in short texts: which they are, in what currency, and what the words make of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.capture.hostile import ALPHABET, hostile_text, is_on_page
from flows.pipeline.capture.currency import Place, country_currency
from flows.pipeline.capture.price_text import price_texts
from flows.pipeline.capture.price_words import Role

CHILE = Place(country_currency="CLP")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("UVP 29,99 € 19,99 €", [("29.99", "EUR", "struck"), ("19.99", "EUR", "price")]),
        ("was £12.00 now £9.00", [("12.00", "GBP", "struck"), ("9.00", "GBP", "price")]),
        ("12.99 €/kg", [("12.99", "EUR", "unit")]),
        ("€25,00 (12,50 €/l)", [("25.00", "EUR", "price"), ("12.50", "EUR", "unit")]),
        ("1 kg = 12,99 €", [("12.99", "EUR", "unit")]),
        ("0,50 € pro 100 g", [("0.50", "EUR", "unit")]),
        ("ab 9,99 €", [("9.99", "EUR", "from")]),
        ("30,000원~", [("30000", "KRW", "from")]),
        ("210元起", [("210", None, "from")]),
        ("3 x 9,99 €", [("9.99", "EUR", "instalment")]),
        ("19 €/Monat", [("19", "EUR", "instalment")]),
        ("6 cuotas de $43.795", [("43795", "CLP", "instalment")]),
        ("$10 - $20", [("10", "CLP", "range"), ("20", "CLP", "range")]),
        ("Save $5", [("5", "CLP", "other")]),
        ("-10 €", [("10", "EUR", "other")]),
        ("Mitglieder: 9,90 €", [("9.90", "EUR", "member")]),
        ("$24.990", [("24990", "CLP", "price")]),
        ("44 890 тг.", [("44890", "KZT", "price")]),
        ("1.299,- €", [("1299", "EUR", "price")]),
        ("CHF 1'299.00", [("1299.00", "CHF", "price")]),
        ("19.99USD", [("19.99", "USD", "price")]),
        ("R$ 1.234,56", [("1234.56", "BRL", "price")]),
        ("49.50 лв.", [("49.50", "BGN", "price")]),
        ("٩٩ ر.س", [("99", "SAR", "price")]),
        ("12.90 ש\"ח", [("12.90", "ILS", "price")]),
        ("US $12.99", [("12.99", "USD", "price")]),
        ("just a $5", [("5", "CLP", "price")]),
        ("$0.25 / Ounce", [("0.25", "CLP", "unit")]),
        ("$49.97/mo. for a year", [("49.97", "CLP", "instalment")]),
        ("abc$5", [("5", "CLP", "price")]),
        ("1\u00a0299 €", [("1299", "EUR", "price")]),
        ("Menge 1\n  299 €", [("299", "EUR", "price")]),
        ("5 ft", []),
        ("EUROPA 5", []),
        ("room 12", []),
    ],
)  # fmt: skip
def test_amounts_of_a_text(text: str, expected: list[tuple[str, str | None, str]]) -> None:
    found = price_texts(text, CHILE, bare=False)
    seen = [(str(one.amount), one.currency, str(one.role)) for one in found]
    assert seen == expected


def test_two_readings_are_both_kept() -> None:
    (one,) = price_texts("€ 1.299", Place())
    assert one.readings == (Decimal("1.299"), Decimal("1299"))
    assert one.amount is None
    (settled,) = price_texts("€ 1.299", Place(decimal=","))
    assert settled.amount == 1299


@pytest.mark.parametrize(
    ("markers", "place", "currency"),
    [
        (("$",), Place(), None),
        (("$",), Place(country_currency="MXN"), "MXN"),
        (("$",), Place(country_currency="EUR"), None),
        (("KR",), Place(country_currency="SEK"), "SEK"),
        (("$",), Place("MXN", site_currency="USD"), "USD"),
        (("$", "CAD"), Place(), "CAD"),
        (("€", "USD"), Place(), None),
        (("RUR",), Place(), "RUB"),
        ((), Place(country_currency="EUR"), None),
        ((), Place(site_currency="EUR"), "EUR"),
    ],
)
def test_a_sign_means_what_it_can_mean_where_it_stands(
    markers: tuple[str, ...], place: Place, currency: str | None
) -> None:
    assert place.resolve(markers) == currency


@pytest.mark.parametrize(
    ("url", "language", "currency"),
    [
        ("https://shop.example.cl/p", "en-US", "CLP"),
        ("https://shop.example/p", "de-CH", "CHF"),
        ("https://shop.example/p", "de", None),
        ("https://shop.example/p", None, None),
        ("http://[bad", "sv_SE", "SEK"),
    ],
)
def test_country_of_a_page(url: str, language: str | None, currency: str | None) -> None:
    assert country_currency(url, language) == currency


@given(st.text(ALPHABET, max_size=60) | st.integers(0, 10**6).map(hostile_text))
def test_no_amount_is_invented(text: str) -> None:
    for place in (Place(), Place("EUR", "EUR", ","), CHILE):
        for one in price_texts(text, place):
            assert all(is_on_page(amount, text) for amount in one.readings)
            assert one.role in Role
            assert one.readings == tuple(sorted(set(one.readings)))


@given(
    st.decimals(Decimal("0.01"), Decimal("99999.99"), places=2),
    st.sampled_from(["€ {}", "{} €", "{} EUR", "EUR {}", "Preis: {} €", "nur {} €!"]),
)
def test_a_price_survives_being_written(amount: Decimal, form: str) -> None:
    written = f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))
    found = price_texts(form.format(written), Place())
    assert [(one.amount, one.currency, one.role) for one in found] == [(amount, "EUR", Role.PRICE)]
