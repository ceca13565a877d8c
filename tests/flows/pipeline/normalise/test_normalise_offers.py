"""Rows become offers or come back with a reason; none is lost, and order does not matter."""

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from flows.pipeline.normalise.offers import REJECTED, Normalised, to_offers
from flows.pipeline.schema import OFFER_KEY, OFFERS, RAW_PRICES, empty

DAY = dt.date(2026, 8, 9)
REAL_FILES = Path(__file__).parents[5] / "shared" / "data" / "il_prices"
HEADERS = {
    "רשת": "seller",
    "מזהה רשת": "seller_id",
    "מזהה חנות": "store_id",
    "ברקוד": "sku",
    "שם מוצר": "name",
    "יצרן": "brand",
    "ארץ ייצור": "country",
    "כמות": "quantity",
    "יחידת מידה": "unit_basis",
    "יחידת כמות": "quantity_unit",
    "מחיר (₪)": "price",
    "מחיר ליחידה (₪)": "unit_price",
    "שקיל": "weighable",
    "כמות באריזה": "pack_size",
    "עודכן": "updated_at",
}
SOUND = {
    "seller": "Corner Shop",
    "store_id": "7",
    "sku": "96385074",
    "name": "Oat drink",
    "price": "12.90",
    "currency": "ILS",
    "source_file": "prices.csv",
}


def raw(*rows: dict[str, str | int | None]) -> pl.DataFrame:
    """Return RAW_PRICES of sound rows with the given differences, numbered from 1."""
    numbered = [{**SOUND, "source_row": number, **row} for number, row in enumerate(rows, 1)]
    return pl.DataFrame(numbered, schema=RAW_PRICES)


def normalise(*rows: dict[str, str | int | None]) -> Normalised:
    return to_offers(raw(*rows), day=DAY, currency="ILS")


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("143.69 zł", "PLN", "143.69"),
        ("PLN 143.69", "PLN", "143.69"),
        ("1\u00a0299.00 ZŁ", "PLN", "1299.00"),
        ("12 345 678", "PLN", "12345678"),
        ("1.29 €", "EUR", "1.29"),
        ("€1.29", "EUR", "1.29"),
        ("12.90 ₪", "ILS", "12.90"),
        ("1.29 €", "PLN", None),
        ("1 29 zł", "PLN", None),
        ("1299 zł / kg", "PLN", None),
        ("zł", "PLN", None),
    ],
)
def test_a_price_may_name_its_currency_and_no_other(
    text: str, currency: str, amount: str | None
) -> None:
    rows = raw({"price": text, "currency": currency}).with_columns(
        regular_price=pl.lit(f"99999999.00 {currency}")
    )
    result = to_offers(rows, day=DAY, currency=currency, max_price=Decimal(10**8))
    if amount is None:
        assert result.offers.is_empty()
        assert "is not a number" in result.rejected["reason"][0]
    else:
        assert result.offers["price"].to_list() == [Decimal(amount)]
        assert result.offers["regular_price"].to_list() == [Decimal("99999999.00")]


def test_a_whole_row() -> None:
    result = normalise(
        {
            "seller": " Corner\u200f  Shop ",
            "seller_id": "729",
            "store_id": None,
            "sku": " 96385074\ufeff",
            "name": "Oat\tdrink",
            "brand": "לא ידוע",
            "country": "ישראל",
            "quantity": "750.00",
            "quantity_unit": 'מ"ל',
            "currency": "₪",
            "weighable": "1",
            "updated_at": "2026-08-09 14:05:00",
        }
    )
    assert result.offers.schema == OFFERS
    assert result.offers.row(0, named=True) == {
        "day": DAY,
        "seller": "Corner Shop",
        "seller_id": "729",
        "store_id": "",
        "sku": "96385074",
        "gtin": "00000096385074",
        "gtin_status": "valid",
        "name": "Oat drink",
        "brand": None,
        "country": "IL",
        "price": Decimal("12.9000"),
        "currency": "ILS",
        "weighable": True,
        "pack_quantity": 0.75,
        "pack_unit": "l",
        "unit_price": Decimal("17.2000"),
        "updated_at": dt.datetime(2026, 8, 9, 14, 5),
        "source_file": "prices.csv",
        "source_row": 1,
        "category": None,
        "regular_price": None,
        "availability": "unknown",
        "url": None,
        "image": None,
        "stale": False,
    }
    assert result.rejected.is_empty()


@pytest.mark.parametrize(
    ("fault", "code", "field", "reason"),
    [
        ({"seller": None}, "seller_missing", "seller", "seller is missing"),
        ({"sku": " "}, "sku_missing", "sku", "article code is missing"),
        ({"currency": "EUR"}, "other_currency", "currency", "EUR is not the customer's ILS"),
        ({"price": None}, "price_missing", "price", "price is missing"),
        ({"price": "  "}, "price_missing", "price", "price is missing"),
        ({"price": "abc"}, "price_not_a_number", "price", 'price "abc" is not a number'),
        ({"price": "NaN"}, "price_not_a_number", "price", 'price "NaN" is not a number'),
        ({"price": "-4.9"}, "price_not_positive", "price", "price -4.9 is not above 0"),
        ({"price": "0"}, "price_not_positive", "price", "price 0 is not above 0"),
        ({"price": "0.01"}, "price_below_minimum", "price",
         "placeholder price 0.01 is below the minimum 0.05"),
        ({"price": "1e9"}, "price_above_maximum", "price",
         "price 1e9 is above the maximum 100000"),
        ({"price": "1e99"}, "price_not_a_number", "price", "at most 14 digits"),
    ],
)  # fmt: skip
def test_each_reason(
    fault: dict[str, str | int | None], code: str, field: str, reason: str
) -> None:
    result = normalise({"sku": "1"}, fault, {"sku": "2"})
    assert result.offers["sku"].to_list() == ["1", "2"]
    assert result.rejected.schema == REJECTED
    assert result.rejected["source_row"].to_list() == [2]
    assert result.rejected["field"].to_list() == [field]
    assert reason in result.rejected["reason"].item()
    assert result.statistics[f"rejected_{code}"] == 1
    expected = raw({}, fault).slice(1)
    assert_frame_equal(result.rejected.select(expected.columns), expected)


def test_the_bounds_themselves_are_prices() -> None:
    result = normalise({"sku": "1", "price": "0.05"}, {"sku": "2", "price": "100000"})
    assert result.offers.height == 2


def test_a_row_without_a_name_stays_and_no_currency_is_the_customers() -> None:
    result = normalise({"name": None, "currency": None})
    assert result.offers.select("name", "currency").row(0) == ("", "ILS")


def test_equal_rows_collapse_quietly() -> None:
    result = normalise({}, {}, {"store_id": "8"})
    assert result.offers.select("store_id", "source_row").rows() == [("7", 2), ("8", 3)]
    assert result.rejected.is_empty()
    assert result.statistics["collapsed"] == 1


def test_of_several_prices_the_one_updated_last_is_kept() -> None:
    result = normalise(
        {"price": "1", "updated_at": "2026-08-09 10:00:00"},
        {"price": "2", "updated_at": "2026-08-09 12:00:00"},
        {"price": "3", "updated_at": "2026-08-09 11:00:00"},
        {"price": "4"},
        {"price": "2.00"},
    )
    assert result.offers.select("price", "source_row").rows() == [(Decimal(2), 2)]
    assert result.rejected["source_row"].to_list() == [1, 3, 4]
    assert "row 2 of prices.csv" in result.rejected["reason"][0]
    assert "at 2.0000" in result.rejected["reason"][0]
    assert result.statistics["rejected_superseded"] == 3
    assert result.statistics["collapsed"] == 1


def test_without_dates_the_last_row_is_kept() -> None:
    result = normalise({"price": "1"}, {"price": "2"})
    assert result.offers["price"].to_list() == [Decimal(2)]


def test_a_faulty_row_supersedes_nothing() -> None:
    result = normalise({"price": "5"}, {"price": "0.01"})
    assert result.offers["price"].to_list() == [Decimal(5)]
    assert result.statistics["rejected_price_below_minimum"] == 1


@pytest.mark.parametrize(
    ("price", "quantity", "unit", "unit_price"),
    [
        ("1", "3", "kg", "0.3333"),
        ("0.5", "16000", "piece", "0.0000"),
        ("0.5", "10000", "piece", "0.0001"),  # a half goes up
        ("1.0001", "2", "kg", "0.5001"),
        ("9.9", "0.00", "kg", None),
        ("9.9", "1", "לא ידוע", None),
        ("99999", "0.000000001", "kg", "99999000000000.0000"),
    ],
)
def test_unit_price(price: str, quantity: str, unit: str, unit_price: str | None) -> None:
    result = normalise({"price": price, "quantity": quantity, "quantity_unit": unit})
    expected = None if unit_price is None else Decimal(unit_price)
    assert result.offers["unit_price"].item() == expected


def test_unit_prices_of_the_source_are_checked_but_not_used() -> None:
    size = {"price": "10", "quantity": "400", "quantity_unit": "גרם"}
    result = normalise(
        {**size, "sku": "1", "unit_price": "2.5", "unit_basis": "100 גרם"},
        {**size, "sku": "2", "unit_price": "25.1", "unit_basis": 'ק"ג'},
        {**size, "sku": "3", "unit_price": "10", "unit_basis": "100 גרם"},
        {**size, "sku": "4", "unit_price": "10", "unit_basis": "100 מטר"},
        {**size, "sku": "5", "unit_price": "0", "unit_basis": "100 גרם"},
        {**size, "sku": "6", "unit_price": "10", "unit_basis": "0000000000"},
    )
    assert result.statistics["unit_price_compared"] == 3
    assert result.statistics["unit_price_disagrees"] == 1
    assert set(result.offers["unit_price"]) == {Decimal(25)}


def test_empty_input() -> None:
    result = to_offers(empty(RAW_PRICES), day=DAY, currency="ILS")
    assert result.offers.schema == OFFERS
    assert result.rejected.schema == REJECTED
    assert set(result.statistics.values()) == {0}


def test_a_missing_column_and_senseless_settings_are_refused() -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="sku"):
        to_offers(raw({}).drop("sku"), day=DAY, currency="ILS")
    with pytest.raises(ValueError, match="ISO 4217"):
        to_offers(raw({}), day=DAY, currency="shekel")
    with pytest.raises(ValueError, match="not below"):
        to_offers(raw({}), day=DAY, currency="ILS", min_price=Decimal(2), max_price=Decimal(1))


_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "seller": st.sampled_from(["A", "B", None, "\u200fA"]),
            "store_id": st.sampled_from(["1", None, ""]),
            "sku": st.sampled_from(["1", "2", "96385074", "", None]),
            "price": st.sampled_from(["1", "1.0", "2", "0.01", "x", None]),
            "currency": st.sampled_from(["ILS", "ils", "EUR", None]),
            "updated_at": st.sampled_from([None, "2026-08-09", "2026-08-08 10:00", "soon"]),
            "quantity": st.sampled_from(["1", "500 g", "0", None]),
            "quantity_unit": st.sampled_from(["g", None, "?"]),
        }
    ),
    max_size=25,
)


@settings(max_examples=50, deadline=None)
@given(_ROWS, st.randoms(use_true_random=False))
def test_no_row_is_lost_and_the_order_of_the_input_does_not_matter(
    rows: list[dict[str, str | int | None]], shuffle: random.Random
) -> None:
    frame = raw(*rows)
    result = to_offers(frame, day=DAY, currency="ILS")
    counts = result.statistics
    assert counts["rows_in"] == counts["rows_out"] + counts["rejected"] + counts["collapsed"]
    assert counts["rows_in"] == frame.height
    assert sum(n for name, n in counts.items() if name.startswith("gtin_")) == counts["rows_out"]
    assert (
        sum(n for name, n in counts.items() if name.startswith("rejected_")) == (counts["rejected"])
    )
    assert not result.offers.select(OFFER_KEY).is_duplicated().any()
    assert result.offers["source_row"].is_in(result.rejected["source_row"].implode()).sum() == 0
    assert result.rejected["reason"].null_count() == 0

    order = list(range(frame.height))
    shuffle.shuffle(order)
    again = to_offers(frame[order] if order else frame, day=DAY, currency="ILS")
    assert_frame_equal(again.offers, result.offers)
    assert_frame_equal(again.rejected, result.rejected)
    assert again.statistics == result.statistics


@pytest.mark.skipif(not REAL_FILES.is_dir(), reason=f"no real price files at {REAL_FILES}")
def test_a_real_day() -> None:
    path = REAL_FILES / "israeli_prices_2026-08-10.csv.gz"
    table = pl.read_csv(path, infer_schema=False).rename(HEADERS, strict=False)
    given = {name: pl.col(name) for name in table.columns if name in RAW_PRICES}
    absent = {name: pl.lit(None, dtype) for name, dtype in RAW_PRICES.items() if name not in given}
    rows = table.select(**given, **absent).with_columns(
        source_file=pl.lit("real"), source_row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    )
    result = to_offers(rows, day=dt.date(2026, 8, 10), currency="ILS")
    counts = result.statistics
    assert counts["rows_in"] == table.height > 50_000
    assert counts["rejected"] == counts["rejected_price_below_minimum"] + 2
    assert counts["gtin_valid"] > 0.95 * counts["rows_out"]
    assert result.offers["pack_quantity"].null_count() < 0.05 * counts["rows_out"]
    assert result.offers["price"].min() >= Decimal("0.05")  # type: ignore[operator]
    assert result.offers.select(OFFER_KEY).rows() == sorted(result.offers.select(OFFER_KEY).rows())
    assert not result.offers["name"].str.contains(r"\p{Cc}|\u200f").any()
