"""Captured rows beside those of price files: what a shop says more, and whose barcode counts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl

from flows.pipeline.normalise.offers import to_offers
from flows.pipeline.schema import OFFERS, RAW_PRICES, WEB_PRICES

DAY = date(2026, 8, 15)
MILK = "4006381333931"


def _offers(*rows: dict[str, object], columns: dict[str, pl.DataType]) -> pl.DataFrame:
    full = [{**dict.fromkeys(columns), **row} for row in rows]
    made = to_offers(pl.DataFrame(full, schema=columns), day=DAY, currency="EUR")
    assert made.offers.schema == OFFERS
    return made.offers


def _web(**fields: object) -> dict[str, object]:
    return {
        "seller": "shop", "sku": "12345670", "name": "Milk", "price": "1.50", "currency": "EUR",
        "source_file": "shop", "source_row": 1, "address": "https://shop.example/1", **fields,
    }  # fmt: skip


CAPTURED = {**RAW_PRICES, **WEB_PRICES}


def test_what_a_shop_says_more_is_kept() -> None:
    row = _offers(
        _web(
            gtin=MILK,
            category="Food > Dairy",
            regular_price="2.00",
            availability="out_of_stock",
            url="https://shop.example/1",
            image="https://shop.example/1.jpg",
            stale=True,
        ),
        columns=CAPTURED,
    ).row(0, named=True)
    assert row["gtin"] == MILK.zfill(14)
    assert (row["price"], row["regular_price"]) == (Decimal("1.50"), Decimal("2.00"))
    assert row["category"] == "Food > Dairy"
    assert row["availability"] == "out_of_stock"
    assert row["url"] == "https://shop.example/1"
    assert row["stale"] is True


def test_a_shops_own_code_is_no_barcode_though_it_looks_like_one() -> None:
    row = _offers(_web(), columns=CAPTURED).row(0, named=True)
    assert (row["gtin"], row["gtin_status"]) == (None, "missing")
    file = _offers({**_web(), "address": None}, columns=CAPTURED).row(0, named=True)
    assert file["gtin_status"] == "valid", "in a price file the article code is the barcode"


def test_a_struck_price_that_is_none_and_an_unknown_availability_say_nothing() -> None:
    for regular in ("1.50", "1.00", "soon", None):
        row = _offers(_web(regular_price=regular, availability="maybe"), columns=CAPTURED).row(
            0, named=True
        )
        assert row["regular_price"] is None
        assert row["availability"] == "unknown"
        assert row["stale"] is False


def test_a_price_file_says_none_of_it() -> None:
    plain = {name: value for name, value in _web().items() if name in RAW_PRICES}
    row = _offers(plain, columns=RAW_PRICES).row(0, named=True)
    assert row["availability"] == "unknown"
    assert row["stale"] is False
    assert row["url"] is None
