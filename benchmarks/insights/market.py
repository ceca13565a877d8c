"""A market of any size, as Parquet: the same for the same numbers.

Sellers draw their assortments from common products, so that a product is sold by some of them;
prices move by two percent of the offers a day; two sellers in three tell stock and struck prices.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from flows.pipeline.schema import OFFERS, conform

DAY = date(2026, 8, 15)
OWN = "seller 0"
SELLERS = 10
_WORDS = [
    "Olive",
    "Milk",
    "Bread",
    "Tea",
    "Coffee",
    "Rice",
    "Pasta",
    "Honey",
    "Butter",
    "Cheese",
    "Yoghurt",
    "Juice",
    "Water",
    "Soap",
    "Tissue",
    "Organic",
    "Fresh",
    "Dark",
    "Light",
    "Sweet",
    "Salted",
    "Smoked",
    "Whole",
    "Ground",
    "Baby",
    "Classic",
    "Premium",
    "Family",
]


def generate(folder: Path, *, offers: int, days: int) -> None:
    """Write ``offers-<day>.parquet`` for the day and `days` days before it.

    Args:
        folder: where.
        offers: of a day, all sellers together.
        days: before the day.
    """
    chance = np.random.default_rng(7)
    each = offers // SELLERS
    products = each * 2
    sellers, chosen = [], []
    for number in range(SELLERS):
        sellers.append(np.full(each, number))
        chosen.append(np.sort(chance.choice(products, each, replace=False)))
    seller, product = np.concatenate(sellers), np.concatenate(chosen)
    level = np.exp(chance.normal(3, 0.8, products))
    cents = np.round(level[product] * np.exp(chance.normal(0, 0.1, len(product))) * 10) * 10 - 10
    cents = np.maximum(cents, 90).astype(np.int64)
    tells = seller % 3 != 2
    base = _described(seller, product, products, chance)
    for back in range(days, -1, -1):
        moved = chance.random(len(cents)) < 0.02
        step = chance.choice([0.8, 0.9, 1.04, 1.1], len(cents))
        cents = np.where(moved, np.maximum(np.round(cents * step), 50), cents).astype(np.int64)
        _day(base, DAY - timedelta(days=back), cents, tells, chance).write_parquet(
            folder / f"offers-{DAY - timedelta(days=back)}.parquet"
        )


def _described(
    seller: np.ndarray, product: np.ndarray, products: int, chance: np.random.Generator
) -> pl.DataFrame:
    words = pl.Series(_WORDS)
    picked = [words.gather(chance.integers(0, len(_WORDS), products)) for _ in range(4)]
    brand = pl.Series([f"Brand {n}" for n in range(400)]).gather(chance.integers(0, 400, products))
    category = pl.Series([f"Department {n} > Shelf {n % 7}" for n in range(30)]).gather(
        chance.integers(0, 30, products)
    )
    catalogue = pl.DataFrame(
        {
            "gtin": pl.int_range(
                7_290_000_000_000, 7_290_000_000_000 + products * 13, 13, eager=True
            )
            .cast(pl.String)
            .str.zfill(14),
            "brand": brand,
            "category": category,
            "pack_quantity": chance.choice([0.25, 0.5, 1.0, 1.5], products),
        }
    ).with_columns(
        name=pl.concat_str(brand, *picked, pl.lit("500 g"), separator=" "),
    )
    return (
        catalogue[product]
        .with_columns(
            seller=pl.format("seller {}", pl.Series(seller)),
            seller_id=pl.format("id {}", pl.Series(seller)),
        )
        .with_columns(
            store_id=pl.lit("1"),
            sku="gtin",
            gtin_status=pl.lit("valid"),
            country=pl.lit("IL"),
            currency=pl.lit("ILS"),
            weighable=pl.lit(False),
            pack_unit=pl.lit("kg"),
            updated_at=pl.lit(None),
            source_file=pl.format("{}.csv", "seller"),
            source_row=pl.int_range(1, pl.len() + 1),
            url=pl.format("https://shop.example/{}", "gtin"),
            image=pl.format("https://shop.example/{}.jpg", "gtin"),
            stale=pl.lit(False),
        )
    )


def _day(
    base: pl.DataFrame, day: date, cents: np.ndarray, tells: np.ndarray, chance: np.random.Generator
) -> pl.DataFrame:
    price = pl.Series(cents / 100)
    struck = np.where(tells & (chance.random(len(cents)) < 0.15), cents * 1.25 / 100, np.nan)
    said = pl.Series(["in_stock", "out_of_stock", "blocked", "unknown"]).gather(
        np.where(tells, chance.choice(4, len(cents), p=[0.85, 0.08, 0.02, 0.05]), 3)
    )
    return conform(
        base.with_columns(
            day=pl.lit(day),
            price=price,
            unit_price=price / pl.col("pack_quantity"),
            regular_price=pl.Series(struck).fill_nan(None).round(2),
            availability=said,
        ),
        OFFERS,
    )
