"""Answers of six real shops on three days become offers, every row accounted for."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import brotli
import polars as pl
import pytest

from flows.pipeline.ingest.discover import discover
from flows.pipeline.ingest.drift import changes
from flows.pipeline.ingest.layout_files import layouts_for
from flows.pipeline.ingest.read import DayResult, read_day
from flows.pipeline.normalise.offers import to_offers

FOLDER = Path(__file__).parents[5] / "shared" / "data" / "shop_dumps"
SHOPS = {"Hofer", "Lidl", "Müller", "Penny", "REWE", "Unimarkt"}

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"no real shop dumps at {FOLDER}")


@pytest.fixture(scope="module")
def days() -> dict[date, DayResult]:
    layouts = layouts_for(str(FOLDER))
    return {day: read_day(files, layouts) for day, files in discover(str(FOLDER)).items()}


def test_every_row_of_every_shop_is_an_offer_or_says_why(days: dict[date, DayResult]) -> None:
    assert len(days) == 3
    for day, read in days.items():
        counted = {
            path.name: len(json.loads(brotli.decompress(path.read_bytes())))
            for path in FOLDER.glob(f"*{day}*")
        }
        assert dict(read.files.select("source_file", "rows").rows()) == counted
        assert read.files["damage"].null_count() == read.files.height
        made = to_offers(read.prices, day=day, currency="EUR")
        numbers = made.statistics
        assert read.prices.height == sum(counted.values())
        assert (
            numbers["rows_in"] == numbers["rows_out"] + numbers["rejected"] + numbers["collapsed"]
        )
        assert set(made.offers["seller"]) == SHOPS
        # What is set aside is nonsense at the source, not what a mapping missed.
        assert numbers["rejected"] <= 3
        assert set(made.rejected["field"]) <= {"price"}


def test_prices_are_those_of_the_source(days: dict[date, DayResult]) -> None:
    """Read again in another way: the price of every product, in cents."""
    by_shop = {
        "lidl": lambda p: (str(p["productId"]), round(100 * p["price"]["price"])),
        "penny": lambda p: (p["sku"], p["price"]["regular"]["value"]),
        "unimarkt": lambda p: (p["id"], round(100 * p["price"])),
        "mueller": lambda p: (p["id"], round(100 * p["price"])),
        "reweDe": lambda p: (p["id"], int(p["currentPrice"].strip("€ ").replace(",", ""))),
        "hofer": lambda p: (
            str(p.get("ProductID", p.get("productID"))),
            round(100 * p.get("Price", p.get("price"))),
        ),
    }
    for day, read in days.items():
        for shop, of in by_shop.items():
            name = f"{shop}-{day}.json.br"
            source = json.loads(brotli.decompress((FOLDER / name).read_bytes()))
            ours = read.prices.filter(pl.col("source_file") == name)
            cents = (ours["price"].cast(pl.Decimal(18, 4)) * 100).cast(pl.Float64).round()
            assert Counter(zip(ours["sku"], cents.cast(pl.Int64), strict=True)) == Counter(
                map(of, source)
            ), name


def test_barcodes_are_real_ones_and_no_shops_own_code_is_one(days: dict[date, DayResult]) -> None:
    day = min(days)
    offers = to_offers(days[day].prices, day=day, currency="EUR").offers
    valid = dict(offers.filter(pl.col("gtin_status") == "valid").group_by("seller").len().rows())
    assert set(valid) == {"REWE"}
    assert valid["REWE"] > 6_000


def test_a_schema_written_anew_is_read_and_named(days: dict[date, DayResult]) -> None:
    first, second, third = (days[day].files for day in sorted(days))
    assert changes(first, first, "itself") == []
    (loud,) = [said for said in changes(second, third, "2023-09-15") if "layout hofer" in said]
    assert loud.startswith("files of layout hofer against 2023-09-15: without Brand, ")
    assert "new available" in loud


def test_a_schema_that_no_mapping_knows_is_refused_with_the_difference(tmp_path: Path) -> None:
    source = json.loads(brotli.decompress((FOLDER / "hofer-2023-10-23.json.br").read_bytes()))
    for product in source:
        product["amount"] = product.pop("price")
    (tmp_path / "hofer-2023-10-24.json").write_text(json.dumps(source))
    files = discover(str(tmp_path))[date(2023, 10, 24)]
    with pytest.raises(ValueError, match=r"no known layout.*closest is hofer, without Price"):
        read_day(files, layouts_for(str(tmp_path)))
