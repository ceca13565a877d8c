"""What the sellers of the sample write into the cells of a row.

Each layout has a row of its own. The chains of the bundle share a layout but not their habits:
makers are left out or "לא ידוע", countries are codes or names, the basis of a unit price is
sometimes a filler, and one chain's unit prices are for a gram whatever their basis says.
"""

from __future__ import annotations

from dataclasses import dataclass

from flows.sample.market import COMPETITORS, Line
from flows.sample.products import ENGLISH, HEBREW, large

GREEN_BASKET, SHUK_TOV, *BUNDLED = COMPETITORS

UNKNOWN = "לא ידוע"


@dataclass(frozen=True)
class _Habits:
    """How one chain of the bundle fills its cells."""

    units: dict[str, str]
    decimals: int  # of the quantity
    named_makers: bool
    country: int | None  # which of code and Hebrew name; None is unknown
    pack_size: str
    status: str
    dated: bool
    per_smallest_unit: bool  # unit price for one gram, whatever the basis says
    piece_basis: str


_LONG_UNITS = {"g": "גרם", "kg": "קילוגרם", "ml": "מיליליטר", "l": "ליטר", "piece": "יחידות"}

_HABITS = {
    seller.name: habits
    for seller, habits in zip(
        BUNDLED,
        (
            _Habits(_LONG_UNITS, 2, False, 0, "1", "", False, False, "יחידות"),
            _Habits(HEBREW, 0, True, None, "12.0000", "1", True, True, "0000000000"),
            _Habits(HEBREW, 2, False, 1, "0", "", False, False, "1 יח'"),
            _Habits(_LONG_UNITS, 2, True, 1, UNKNOWN, "", False, False, "יחידות"),
        ),
        strict=True,
    )
}


def _shekels(agorot: float, decimals: int = 2) -> str:
    return f"{agorot / 100:.{decimals}f}"


def _short(number: float) -> str:
    """Write as the price transparency files do: 12.9, never 12.90; 13.0, never 13."""
    return str(round(number, 3))


def catalogue_row(line: Line) -> list[str]:
    """The customer's catalogue: English, tidy, a unit price for 100 g, 100 ml, 1 kg or a piece."""
    product, size = line.product, line.product.size
    amount, unit = large(size.total, size.unit)
    basis = 1000 if product.weighable else 1 if size.unit == "piece" else 100
    return [
        line.seller.name,
        line.seller.store,
        line.code,
        line.name,
        product.brand[0],
        product.country[0],
        amount,
        unit if unit == "piece" else ENGLISH[unit],
        _shekels(line.agorot),
        _shekels(line.agorot * basis / size.total),
        "1 kg" if product.weighable else f"{basis} {size.unit}",
        "ILS",
        "true" if product.weighable else "false",
        line.updated.isoformat(),
    ]


def bundle_row(line: Line) -> list[str]:
    """The price transparency layout, filled as the line's chain fills it."""
    product, size, habits = line.product, line.product.size, _HABITS[line.seller.name]
    unit = "kg" if product.weighable else size.unit
    total = 1 if product.weighable else size.total
    basis = 100 if unit in ("g", "ml") else 1
    word = habits.units[unit]
    unit_price = line.agorot / 100 * (1 if habits.per_smallest_unit else basis) / total
    maker = product.brand[1] if habits.named_makers and product.local else ""
    return [
        line.seller.name,
        line.seller.id,
        line.seller.store,
        line.code.lstrip("0"),
        line.name,
        maker or (UNKNOWN if habits.named_makers else ""),
        UNKNOWN if habits.country is None else product.country[habits.country],
        f"{total:.{habits.decimals}f}",
        habits.piece_basis if unit == "piece" else f"{basis} {word}",
        word,
        _short(line.agorot / 100),
        _short(unit_price),
        "1" if product.weighable else "0",
        habits.pack_size,
        "1",
        habits.status,
        f"{line.updated:%Y-%m-%d %H:%M:%S}" if habits.dated else "",
    ]


def shuk_tov_row(line: Line) -> list[str]:
    """A till's export in Hebrew: decimal commas, day before month."""
    amount, unit = large(line.product.size.total, line.product.size.unit)
    return [
        line.seller.store,
        line.code.lstrip("0"),
        line.name,
        line.product.brand[1],
        amount.replace(".", ","),
        HEBREW[unit],
        _shekels(line.agorot).replace(".", ","),
        "₪",
        f"{line.updated:%d/%m/%Y %H:%M}",
    ]


def green_basket_row(line: Line) -> list[str]:
    """An English export that writes what a pack contains as text."""
    return [
        line.seller.name,
        line.seller.store,
        line.code,
        line.name,
        line.product.brand[0],
        line.product.size.text(ENGLISH, " x "),
        _shekels(line.agorot),
        "ILS",
        f"{line.updated:%Y-%m-%d %H:%M}",
    ]
