"""Raw price rows to offers: the one place that decides what counts as a price.

Everything downstream takes an offer at its word, so a row gets through only with a seller, an
article code and a plausible price in the customer's currency, and once for each shop and
article. What does not get through is not dropped: it comes back with the reason in words, and
``rows_in = rows_out + rejected + collapsed`` holds for every input. A bad row costs no other row.

Not done: conversion of currencies (a rate is a decision of its own), repairing prices, and
judging a price by the market (that is for the comparison, which knows the market).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import polars as pl

from flows.pipeline.normalise.brand_aliases import ALIASES
from flows.pipeline.normalise.brands import BrandTable, with_brand
from flows.pipeline.normalise.fields import country, flag, instant, known, words
from flows.pipeline.normalise.gtin import PADDING, with_gtin
from flows.pipeline.normalise.pack_names import with_pack_of_name
from flows.pipeline.normalise.price import SYMBOLS, money_of
from flows.pipeline.normalise.units import QUANTITY_DECIMALS, parse_pack, with_pack
from flows.pipeline.schema import (
    AVAILABILITIES,
    MONEY,
    OFFER_KEY,
    OFFERS,
    RAW_PRICES,
    WEB_PRICES,
    Schema,
    conform,
)

REJECTED: Final[Schema] = {**RAW_PRICES, "reason": pl.String(), "field": pl.String()}
"""The raw row as it came, why it was set aside, and the column at fault."""

_CODES_OF_SIGNS: Final = {sign: codes[0] for sign, codes in SYMBOLS.items() if len(codes) == 1}

MIN_PRICE: Final = Decimal("0.05")
MAX_PRICE: Final = Decimal(100000)
UNIT_PRICE_TOLERANCE: Final = 0.01
"""Share by which a source's unit price may differ before it is counted as disagreeing."""
_HALF_A_CENT: Final = 0.005
"""Sources print two decimals: what rounding explains is no disagreement."""


@dataclass(frozen=True)
class Normalised:
    """What became of the raw rows.

    Attributes:
        offers: OFFERS, sorted by seller, store_id and sku, which are unique.
        rejected: RAW_PRICES with ``reason`` and ``field``, sorted by source_file and source_row.
        statistics: counts of rows. ``rows_in``, ``rows_out``, ``rejected``, ``collapsed`` (rows
            that repeat an offer at the same price), ``rejected_<code>``, ``gtin_<status>`` of the
            offers, and of the offers whose source states a unit price that can be recomputed:
            ``unit_price_compared`` and ``unit_price_disagrees``.
    """

    offers: pl.DataFrame
    rejected: pl.DataFrame
    statistics: dict[str, int]


def _typed(raw: pl.DataFrame, day: dt.date, currency: str) -> pl.DataFrame:
    """Return the columns of OFFERS but unit_price, with ``raw_*`` for what the reasons quote."""
    stated = words(pl.col("currency")).str.to_uppercase()
    # Lazily, so that what several columns share is computed once.
    typed = raw.lazy().select(
        "quantity", "quantity_unit", "unit_basis", "source_file", "source_row",
        raw_price=words(pl.col("price")),
        raw_currency=pl.when(stated != "").then(stated.replace(_CODES_OF_SIGNS)),
        source_unit_price=money_of(words(pl.col("unit_price")), currency),
        day=pl.lit(day),
        seller=known(pl.col("seller")),
        seller_id=known(pl.col("seller_id")),
        store_id=known(pl.col("store_id")).fill_null(""),
        sku=known(pl.col("sku").str.strip_chars(PADDING)),
        name=known(pl.col("name")).fill_null(""),
        brand=known(pl.col("brand")),
        country=country(pl.col("country")),
        price=money_of(words(pl.col("price")), currency),
        currency=pl.lit(currency),
        weighable=flag(pl.col("weighable")),
        updated_at=instant(pl.col("updated_at"), day),
        category=known(pl.col("category")),
        regular_price=_regular_price(currency),
        availability=_availability(),
        url=known(pl.col("url")),
        image=known(pl.col("image")),
        stale=pl.col("stale").fill_null(False),
        # A price file's article code is mostly its barcode; a shop's code is its own, and one of
        # eight digits passes for a barcode once in ten times.
        barcode=pl.when(pl.col("address").is_null() & pl.col("gtin").is_null())
        .then("sku")
        .otherwise("gtin"),
    )  # fmt: skip
    return with_pack_of_name(with_pack(with_gtin(typed.collect(), "barcode")))


def _regular_price(currency: str) -> pl.Expr:
    """Return the struck price where it is a number above the price."""
    price, regular = (
        money_of(words(pl.col(name)), currency) for name in ("price", "regular_price")
    )
    return pl.when(regular > price).then(regular)


def _availability() -> pl.Expr:
    stated = pl.col("availability")
    return pl.when(stated.is_in(AVAILABILITIES)).then(stated).otherwise(pl.lit("unknown"))


def _complete(raw: pl.DataFrame) -> pl.DataFrame:
    """Return raw rows with the columns of capture, null where a source has no such thing."""
    absent = [name for name in WEB_PRICES if name not in raw.columns]
    nulls = raw.with_columns(pl.lit(None).alias(name) for name in absent)
    return conform(nulls, {**RAW_PRICES, **WEB_PRICES})


def _faults(currency: str, low: Decimal, high: Decimal) -> list[pl.Expr]:
    """``code``, ``reason`` and ``field`` of the first rule that a row breaks, else null."""
    price, said = pl.col("price"), pl.format("price {}", "raw_price")
    rules: list[tuple[pl.Expr, str, str, pl.Expr]] = [
        (pl.col("seller").is_null(), "seller_missing", "seller", pl.lit("seller is missing")),
        (pl.col("sku").is_null(), "sku_missing", "sku", pl.lit("article code is missing")),
        (pl.col("raw_currency") != currency, "other_currency", "currency",
         pl.format(f"currency {{}} is not the customer's {currency}; prices are not converted",
                   "raw_currency")),
        (pl.col("raw_price").fill_null("") == "", "price_missing", "price",
         pl.lit("price is missing")),
        (price.is_null(), "price_not_a_number", "price",
         pl.format("price {} is not a number with a decimal point and at most 14 digits before it",
                   pl.format('"{}"', "raw_price"))),
        (price <= 0, "price_not_positive", "price", pl.format("{} is not above 0", said)),
        (price < low, "price_below_minimum", "price",
         pl.format(f"placeholder {{}} is below the minimum {low}", said)),
        (price > high, "price_above_maximum", "price",
         pl.format(f"{{}} is above the maximum {high}", said)),
    ]  # fmt: skip
    return [
        pl.coalesce(pl.when(broken).then(pl.lit(code)) for broken, code, _, _ in rules).alias(
            "code"
        ),
        pl.coalesce(pl.when(broken).then(pl.lit(field)) for broken, _, field, _ in rules).alias(
            "field"
        ),
        pl.coalesce(pl.when(broken).then(reason) for broken, _, _, reason in rules).alias("reason"),
    ]


def _with_duplicates(typed: pl.DataFrame) -> pl.DataFrame:
    """Add ``collapsed``, and a fault to those rows of an offer that another price supersedes.

    Of the rows of one (seller, store_id, sku) without a fault, the one updated last is kept; of
    those, the one on the highest row; of those, of the last file in the alphabet.
    """
    sound = typed.filter(pl.col("code").is_null())
    repeated = sound.filter(pl.struct(OFFER_KEY).is_duplicated())
    newest = ["updated_at", "source_row", "source_file"]
    ranked = repeated.sort(newest, descending=True, nulls_last=True, maintain_order=True)
    superseded = ranked.select(
        "index",
        kept=pl.col("index").first().over(OFFER_KEY),
        kept_price=pl.col("price").first().over(OFFER_KEY),
        kept_file=pl.col("source_file").first().over(OFFER_KEY),
        kept_row=pl.col("source_row").first().over(OFFER_KEY),
    ).filter(pl.col("index") != pl.col("kept"))
    joined = typed.join(superseded, on="index", how="left", maintain_order="left")
    other_price = pl.col("price") != pl.col("kept_price")
    return joined.with_columns(
        collapsed=pl.col("price") == pl.col("kept_price"),
        code=pl.when(other_price).then(pl.lit("superseded")).otherwise("code"),
        field=pl.when(other_price).then(pl.lit("price")).otherwise("field"),
        reason=pl.when(other_price)
        .then(
            pl.format(
                "price {} is superseded: row {} of {} has the same article at {} and is newer "
                "or further down",
                "raw_price",
                pl.col("kept_row").cast(pl.String).fill_null("?"),
                pl.col("kept_file").fill_null("?"),
                "kept_price",
            )
        )
        .otherwise("reason"),
    )


def _unit_price() -> pl.Expr:
    """Return price / pack_quantity with four decimals, half up, in whole numbers throughout."""
    scale = 10**QUANTITY_DECIMALS
    price = (pl.col("price").cast(pl.Decimal(38, 4)) * 10_000).cast(pl.Int128)
    quantity = (pl.col("pack_quantity") * scale).round().cast(pl.Int128)
    rounded = (2 * scale * price + quantity) // (2 * quantity)
    return (rounded.cast(pl.Decimal(38, 0)) * pl.lit(Decimal("0.0001"))).cast(MONEY, strict=False)


def _unit_price_check(offers: pl.DataFrame) -> dict[str, int]:
    """Count the unit prices of the source that can be recomputed, and those that disagree."""
    bases: dict[str, tuple[float, str]] = {}
    for text in offers["unit_basis"].drop_nulls().unique().to_list():
        pack = parse_pack(text if re.match(r"\s*[0-9]", text) else f"1 {text}")
        if pack is not None:
            bases[text] = (pack.total, pack.unit)
    amounts = {text: amount for text, (amount, _) in bases.items()}
    units = {text: unit for text, (_, unit) in bases.items()}
    basis = pl.col("unit_basis")
    amount = basis.replace_strict(amounts, default=None, return_dtype=pl.Float64)
    unit = basis.replace_strict(units, default=None, return_dtype=pl.String)
    expected = pl.col("unit_price").cast(pl.Float64) * amount
    stated = pl.col("source_unit_price").cast(pl.Float64)
    compared = offers.filter((unit == pl.col("pack_unit")) & (stated > 0) & expected.is_not_null())
    allowed = pl.max_horizontal(UNIT_PRICE_TOLERANCE * expected, pl.lit(_HALF_A_CENT))
    disagrees = compared.filter((stated - expected).abs() > allowed)
    return {"unit_price_compared": compared.height, "unit_price_disagrees": disagrees.height}


def _counts(prefix: str, values: pl.Series) -> dict[str, int]:
    counted = values.value_counts().sort(values.name)
    return {f"{prefix}_{value}": int(count) for value, count in counted.rows()}


def to_offers(
    raw: pl.DataFrame,
    *,
    day: dt.date,
    currency: str,
    min_price: Decimal = MIN_PRICE,
    max_price: Decimal = MAX_PRICE,
    brands: Mapping[str, Iterable[str]] | None = None,
) -> Normalised:
    """Type and clean the raw rows of a day; set aside what cannot be used.

    A row is set aside for the first rule that it breaks: seller missing, article code missing,
    another currency than the customer's (none stated is the customer's), price missing, not a
    number, not above 0, below the minimum, above the maximum, superseded by another row for the
    same article with another price. A row without a name stays, with the name "".

    Args:
        raw: RAW_PRICES; of captured rows also WEB_PRICES. Other columns are ignored.
        day: the calendar day of the prices.
        currency: ISO 4217 code of the customer.
        min_price: the lowest price that is believed. Tills use 0.01 for "ask at the counter".
        max_price: the highest price that is believed, in the same currency.
        brands: brand → other names of it, beyond those that everybody knows (``brand_aliases``).

    Raises:
        polars.exceptions.ColumnNotFoundError: a column of RAW_PRICES is not in the frame.
        ValueError: the currency is not three capital letters, or the minimum is not below the
            maximum, or a name is given to two brands.
    """
    normaliser = Normaliser(
        currency=currency, min_price=min_price, max_price=max_price, brands=brands
    )
    return normaliser.offers(raw, day)


class Normaliser:
    """`to_offers` for many small frames of one customer: what all of them share is made once.

    Args:
        currency: ISO 4217 code of the customer.
        min_price: the lowest price that is believed.
        max_price: the highest price that is believed, in the same currency.
        brands: brand → other names of it.

    Raises:
        ValueError: as `to_offers`.
    """

    def __init__(
        self,
        *,
        currency: str,
        min_price: Decimal = MIN_PRICE,
        max_price: Decimal = MAX_PRICE,
        brands: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        if not re.fullmatch(r"[A-Z]{3}", currency):
            raise ValueError(f"currency is {currency!r}; give an ISO 4217 code such as 'ILS'")
        if not min_price < max_price:
            raise ValueError(f"min_price {min_price} is not below max_price {max_price}")
        self.currency = currency
        self._faults = _faults(currency, min_price, max_price)
        self._brands = BrandTable({**ALIASES, **(brands or {})})

    def offers(self, raw: pl.DataFrame, day: dt.date) -> Normalised:
        """Type and clean raw rows; see `to_offers`."""
        raw = _complete(raw)
        typed = _typed(raw, day, self.currency).with_columns(self._faults)
        judged = _with_duplicates(typed.with_row_index())
        good = judged.filter(pl.col("code").is_null() & ~pl.col("collapsed").fill_null(False))
        good = good.with_columns(unit_price=_unit_price()).sort(OFFER_KEY)
        good = with_brand(good, self._brands)
        bad = judged["code"].is_not_null()
        rejected = raw.with_columns(judged["reason"], judged["field"]).filter(bad)
        statistics = {
            "rows_in": raw.height,
            "rows_out": good.height,
            "rejected": rejected.height,
            "collapsed": raw.height - good.height - rejected.height,
            **_counts("rejected", judged["code"].drop_nulls()),
            **_counts("gtin", good["gtin_status"]),
            **_unit_price_check(good),
        }
        by_source = rejected.sort("source_file", "source_row", maintain_order=True)
        return Normalised(conform(good, OFFERS), conform(by_source, REJECTED), statistics)
