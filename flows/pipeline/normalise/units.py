"""Pack sizes: how much of which base unit a product holds.

Unit prices compare packs of different sizes, so a quantity is brought to one of four base
units: kg, l, m or piece. The factors are a static table: a general unit library reads some
twelve thousand texts a second and takes ``1,5 L`` for two numbers. An unknown unit, and a
quantity that is missing, zero or open to two readings (``1.500 l``), give null, never zero and
never a guess. Quantities are rounded to nine decimals (a microgram), so that a factor of 0.001
leaves no trace of binary fractions.

Not done: pack sizes inside product names (``pack_names`` finds those), and dimensions
(``30 x 40 cm`` is a towel, not thirty lengths of cable: a count of lengths is null).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import polars as pl

from flows.pipeline.normalise.price import parse_number

QUANTITY_DECIMALS: Final = 9

_SPELLINGS: Final = {
    ("kg", "1"): "kg kgs kilo kilos kilogram kilograms kilogramm kilogramme kilogrammes кг "
    'ק"ג קג ק\'ג קילו קילוגרם קילוגרמים לק"ג',
    ("kg", "0.001"): "g gr grs gram grams gramm gramme grammes grammi gramos г гр "
    "גרם גרמים גר גר' ג ג'",
    ("kg", "0.000001"): 'mg milligram milligramm מ"ג מג מיליגרם',
    ("kg", "0.01"): "dag dkg deka",
    ("kg", "0.028349523125"): "oz ounce ounces",  # avoirdupois, exact by definition of 1959
    ("kg", "0.45359237"): "lb lbs pound pounds",  # the same definition
    ("l", "1"): "l lt ltr liter liters litre litres litro litros litri л ליטר ליטרים ל ל' לי'",
    ("l", "0.1"): "dl deziliter decilitre",
    ("l", "0.01"): 'cl zentiliter centilitre ס"ל',
    ("l", "0.001"): 'ml мл milliliter millilitre מ"ל מ\'ל מל מיליליטר מיליליטרים סמ"ק cc',
    ("l", "0.0295735295625"): "floz",  # United States; the imperial one is four per cent less
    ("m", "1"): "m meter meters metre metres מטר מטרים מ'",
    ("m", "0.01"): "cm zentimeter centimeter ס\"מ ס'מ סמ סנטימטר",
    ("m", "0.001"): 'mm millimeter millimetre מ"מ מילימטר',
    ("piece", "1"): "piece pieces pc pcs ea each unit units st stk stück stücke stueck "
    "pièce pièces pezzi pezzo pz unidad unidades ud uds szt sztuk sztuki ks kusů kusov kpl db "
    "buc stuks шт 個 枚 本 "
    "יח יח' יחידה יחידות",
}
"""Base unit and factor, with the spellings that mean them (lower case, ASCII quotes)."""

UNITS: Final = {
    spelling: (base, Decimal(factor))
    for (base, factor), spellings in _SPELLINGS.items()
    for spelling in spellings.split()
}
"""Spelling, as ``unit_key`` writes it, to base unit and factor."""

_QUOTES: Final = {"״": '"', "“": '"', "”": '"', "„": '"', "''": '"', "׳": "'", "’": "'", "`": "'"}
_IGNORED: Final = r"[\s.\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
"""Left out of a unit: blanks (``fl oz``), points (``Stk.``, ``fl. oz.``), direction marks."""

_PLAIN: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,20})?")
"""A number with a decimal point, as ingest hands it over."""
_TIMES: Final = re.compile(r"(?:[×*]|(?<=[ 0-9])x)(?= ?[0-9])", re.IGNORECASE)
_MOST_FACTORS: Final = 4
"""A pallet of cartons of packs of bottles; more is not a pack size."""
_MEASURE: Final = re.compile(r"([0-9][0-9., '’]{0,15})([^0-9].*)")
_COUNT: Final = re.compile(r"[1-9][0-9]{0,4}")
_PACK_OF: Final = re.compile(r"([1-9][0-9]{0,3})er[- ]?(?:pack|packung|set)", re.IGNORECASE)
"""German: ``10er Pack`` is ten pieces."""


@dataclass(frozen=True)
class Pack:
    """What a pack holds: ``count`` times ``quantity`` of ``unit``.

    Attributes:
        quantity: of one of the things in the pack, in ``unit``; above zero.
        unit: kg, l, m or piece.
        count: how many of them, 1 or more.
    """

    quantity: float
    unit: str
    count: int = 1

    @property
    def total(self) -> float:
        """What the whole pack holds, in ``unit``."""
        return round(self.quantity * self.count, QUANTITY_DECIMALS)


def unit_key(text: str) -> str:
    """Return a unit as ``UNITS`` spells it: lower case, ASCII quotes, no blanks and points."""
    key = re.sub(_IGNORED, "", text).lower()
    for quote, plain in _QUOTES.items():
        key = key.replace(quote, plain)
    return key


def parse_pack(text: str) -> Pack | None:
    """Return the pack that a text describes, None if it is not exactly that.

    ``500 g``, ``1,5 L``, ``3 St``, ``6 x 330 ml``, ``6x330ml``, ``330 ml x 6``,
    ``2 x 6 x 100 g`` (twelve times 0.1 kg) and ``10er Pack`` (ten pieces). Numbers are read by the
    rules of ``parse_number``: ``1.500 g`` has two readings and is None, ``0,750 l`` has one.

    Args:
        text: a quantity with its unit.
    """
    text = " ".join(text.split())
    pack_of = _PACK_OF.fullmatch(text)
    if pack_of:
        return Pack(1.0, "piece", int(pack_of[1]))
    factors = [factor.strip() for factor in _TIMES.split(text)]
    counts = [int(factor) for factor in factors if _COUNT.fullmatch(factor)]
    measures = [found for factor in factors if (found := _MEASURE.fullmatch(factor))]
    if len(measures) != 1 or not len(counts) + 1 == len(factors) <= _MOST_FACTORS:
        return None
    number = parse_number(measures[0][1])
    base, factor = UNITS.get(unit_key(measures[0][2]), (None, Decimal(0)))
    if number is None or base is None or (base == "m" and counts):
        return None
    quantity = round(float(number * factor), QUANTITY_DECIMALS)
    return Pack(quantity, base, math.prod(counts)) if quantity > 0 else None


def _read(quantity: str, unit: str | None) -> tuple[float, str] | None:
    """Return the total and base unit of a quantity, held against what its unit column says."""
    stated = None if unit is None else UNITS.get(unit_key(unit))
    if _PLAIN.fullmatch(quantity):
        if stated is None:
            return None
        base, factor = stated
        total = round(float(Decimal(quantity) * factor), QUANTITY_DECIMALS)
        return (total, base) if total > 0 else None
    pack = parse_pack(quantity)
    if pack is None and unit is not None:
        pack = parse_pack(f"{quantity} {unit}")
    if pack is None or (stated is not None and stated[0] != pack.unit):
        return None
    return pack.total, pack.unit


def with_pack(
    frame: pl.DataFrame, quantity: str = "quantity", unit: str = "quantity_unit"
) -> pl.DataFrame:
    """Return the frame with ``pack_quantity`` (Float64) and ``pack_unit`` (kg, l, m or piece).

    A plain number is taken times its unit. A quantity in words (``6 x 330 ml``; ``1,5`` beside
    the unit ``L``) goes through ``parse_pack``; a unit beside it that is known must agree with it.
    Both columns are null together. A pair of texts is read once, not once for each row.

    Args:
        frame: any frame with the two text columns.
        quantity: the column of numbers, or of texts with a unit of their own.
        unit: the column of units; null where the quantity has its own.
    """
    pairs = frame.select(
        quantity=pl.col(quantity).str.strip_chars(), unit=pl.col(unit).str.strip_chars()
    ).with_columns(unit=pl.when(pl.col("unit") != "").then("unit"))
    read = [
        (quantity_text, unit_text, *found)
        for quantity_text, unit_text in pairs.drop_nulls("quantity").unique().rows()
        if (found := _read(quantity_text, unit_text)) is not None
    ]
    schema = {"quantity": pl.String, "unit": pl.String, "total": pl.Float64, "base": pl.String}
    measured = pairs.join(
        pl.DataFrame(read, schema=schema, orient="row"),
        on=["quantity", "unit"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    return frame.with_columns(
        measured["total"].alias("pack_quantity"), measured["base"].alias("pack_unit")
    )
