"""What a product page says, with the evidence for each word of it.

A ``Product`` holds plain values, so that whoever wants a price reads ``product.price``; beside
each value that is known stands an ``Evidence``: where on the page it was read, and how sure that
reading is. Unknown is None (or ``Availability.UNKNOWN``), never a default: a missing price costs
an entry, a wrong one costs trust.

Promised: ``price``, ``currency`` and ``regular_price`` come from one place on the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType


class Availability(StrEnum):
    """Whether the product can be bought, in the terms of schema.org's ItemAvailability."""

    IN_STOCK = "in_stock"
    OUT_OF_STOCK = "out_of_stock"
    PREORDER = "preorder"
    BACKORDER = "backorder"
    DISCONTINUED = "discontinued"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Evidence:
    """Where a value was read and how sure the reading is.

    Attributes:
        source: the format and the place in it, such as ``json-ld:Product.offers[0]``.
        confidence: from 0 to 1; an order, not a calibrated probability.
    """

    source: str
    confidence: float


@dataclass(frozen=True)
class Offer:
    """One offer of the product: of one seller, or of one variant.

    Attributes:
        price: in ``currency``; None where the offer says none.
        lowest: the price is the lowest of several that are not listed one by one.
        source: the place on the page.
    """

    price: Decimal | None = None
    currency: str | None = None
    regular_price: Decimal | None = None
    availability: Availability = Availability.UNKNOWN
    seller: str | None = None
    sku: str | None = None
    url: str | None = None
    lowest: bool = False
    source: str = ""


@dataclass(frozen=True)
class Variant:
    """One size, colour or pack of the product."""

    name: str | None = None
    sku: str | None = None
    gtin: str | None = None
    url: str | None = None
    offer: Offer | None = None


@dataclass(frozen=True)
class Product:
    """What one page says of its main product.

    Attributes:
        url: the address that was asked for.
        price: what one piece costs now, for everyone.
        regular_price: the struck price that the page sets against it.
        currency: ISO 4217.
        gtin: 14 digits, its check digit right.
        images: absolute addresses.
        evidence: field name to where it was read, for every field that is known.
    """

    url: str
    name: str | None = None
    price: Decimal | None = None
    regular_price: Decimal | None = None
    currency: str | None = None
    availability: Availability = Availability.UNKNOWN
    sku: str | None = None
    gtin: str | None = None
    mpn: str | None = None
    brand: str | None = None
    description: str | None = None
    images: tuple[str, ...] = ()
    breadcrumbs: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    offers: tuple[Offer, ...] = ()
    evidence: Mapping[str, Evidence] = field(default_factory=lambda: MappingProxyType({}))

    def confidence(self, name: str) -> float:
        """Return how sure a field is: 0 where it is unknown."""
        found = self.evidence.get(name)
        return 0.0 if found is None else found.confidence

    def source(self, name: str) -> str | None:
        """Return where a field was read, None where it is unknown."""
        found = self.evidence.get(name)
        return None if found is None else found.source


FIELDS = (
    "name", "price", "regular_price", "currency", "availability", "sku", "gtin", "mpn", "brand",
    "description", "images", "breadcrumbs", "variants", "offers",
)  # fmt: skip
"""The fields that carry evidence, in the order in which they are shown."""
