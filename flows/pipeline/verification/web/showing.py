"""What a task looks like: facts side by side, what differs, prices per unit, words for reasons."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from flows.pipeline.verification.content import Candidate, Content, Product
from flows.pipeline.verification.differences import Piece, mark, same_fact

_SMALL: Final = {"kg": "g", "l": "ml", "m": "cm"}
_THOUSANDS: Final = {"g": 1000.0, "ml": 1000.0, "cm": 100.0}
FAR: Final = 1.25
"""Prices whose ratio is beyond this are marked: between chains a quarter is much."""
AVAILABILITY: Final = {
    "in_stock": "in stock",
    "out_of_stock": "out of stock",
    "preorder": "to be ordered ahead",
    "backorder": "on order",
    "discontinued": "discontinued",
    "blocked": "not to be seen",
}


@dataclass(frozen=True)
class Fact:
    """A line of the comparison; ``same`` is None where one side says nothing."""

    label: str
    own: str
    other: str
    same: bool | None


@dataclass(frozen=True)
class Side:
    """A candidate, ready to be shown.

    Attributes:
        place: 1 to 5, its key.
        own_name: our name in pieces, marked against this candidate's.
        name: the candidate's name in pieces.
        facts: line by line.
        percent: how likely it is the same product, in words.
        factor: suggested for another pack; None where the packs say nothing.
        gap: its price against ours, in words; empty where one is missing.
    """

    place: int
    product: Product
    own_name: list[Piece]
    name: list[Piece]
    facts: list[Fact]
    reasons: tuple[str, ...]
    percent: str
    factor: float | None
    gap: str


def sides(content: Content) -> list[Side]:
    """Return a task's candidates, ready to be shown."""
    return [
        _side(place, content.own, candidate)
        for place, candidate in enumerate(content.candidates, 1)
    ]


def _side(place: int, own: Product, candidate: Candidate) -> Side:
    other = candidate.product
    return Side(
        place=place,
        product=other,
        own_name=mark(own.name or own.sku, _said(other)),
        name=mark(other.name or other.sku, _said(own)),
        facts=list(_facts(own, other)),
        reasons=candidate.reasons,
        percent="" if candidate.probability is None else f"{candidate.probability:.0%}",
        factor=suggested_factor(own, other),
        gap=_gap(own, other),
    )


def _said(product: Product) -> list[str]:
    return [text for text in (product.name, product.brand, pack(product)) if text]


def _facts(own: Product, other: Product) -> Iterator[Fact]:
    yield _text("Brand", own.brand, other.brand)
    yield Fact("Pack", pack(own), pack(other), _same_pack(own, other))
    yield Fact("Price", price(own), price(other), _near(own.price, other.price, own, other))
    yield Fact(
        "Per unit",
        per_unit(own),
        per_unit(other),
        _near(own.unit_price, other.unit_price, own, other),
    )
    yield _text("GTIN", own.gtin, other.gtin)
    yield _text("Category", own.category, other.category)
    yield _text("Made in", own.country, other.country)
    known = (AVAILABILITY.get(item.availability or "", "") for item in (own, other))
    own_there, other_there = known
    if own_there or other_there:
        yield Fact("In stock", own_there, other_there, None)
    yield Fact("Code", own.sku, other.sku, None)


def _text(label: str, own: str | None, other: str | None) -> Fact:
    return Fact(label, own or "", other or "", same_fact(own, other))


def pack(product: Product) -> str:
    """Return a pack's size as people write it: 500 g, 1.5 l, 6 pieces."""
    size, unit = product.pack_quantity, product.pack_unit
    if size is None or unit is None or not math.isfinite(size):
        return ""
    if unit in _SMALL and 0 < size < 1:
        unit = _SMALL[unit]
        size *= _THOUSANDS[unit]
    plain = f"{size:,.3f}".rstrip("0").rstrip(".")
    word = unit if unit != "piece" or plain == "1" else "pieces"
    return f"{plain} {word}"


def price(product: Product) -> str:
    """Return a price with its currency."""
    if product.price is None:
        return ""
    return f"{product.price:,.2f} {product.currency or ''}".strip()


def per_unit(product: Product) -> str:
    """Return the price of one unit: 13.80 ILS / kg."""
    if product.unit_price is None or not product.pack_unit:
        return ""
    return f"{product.unit_price:,.2f} {product.currency or ''} / {product.pack_unit}"


def suggested_factor(own: Product, other: Product) -> float | None:
    """Return how many of the competitor's packs make one of ours; None where nothing says so."""
    if own.pack_unit != other.pack_unit or not own.pack_quantity or not other.pack_quantity:
        return None
    ratio = own.pack_quantity / other.pack_quantity
    return round(ratio, 4) if math.isfinite(ratio) and ratio > 0 and round(ratio, 4) != 1 else None


def _same_pack(own: Product, other: Product) -> bool | None:
    if None in (own.pack_quantity, other.pack_quantity, own.pack_unit, other.pack_unit):
        return None
    assert own.pack_quantity is not None and other.pack_quantity is not None
    close = math.isclose(own.pack_quantity, other.pack_quantity, rel_tol=0.03)
    return own.pack_unit == other.pack_unit and close


def _near(one: Decimal | None, two: Decimal | None, own: Product, other: Product) -> bool | None:
    if not one or not two or own.currency != other.currency:
        return None
    ratio = float(one / two)
    return 1 / FAR <= ratio <= FAR


def _gap(own: Product, other: Product) -> str:
    if not own.price or not other.price or own.currency != other.currency:
        return ""
    ratio = float(other.price / own.price) - 1
    if abs(ratio) < 0.005:
        return "same price"
    return f"{abs(ratio):.0%} {'dearer' if ratio > 0 else 'cheaper'} than ours"
