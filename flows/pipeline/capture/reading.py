"""What one source says of one product, before anything is decided.

Each reader of a format (JSON-LD, microdata, meta tags, embedded state, site rules) turns what it
finds into ``Reading`` values and judges nothing; identity, merging and the choice of the price
see readings alone and never the format. Trust is a property of the format: how often its price
is the one that the page shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from flows.pipeline.capture.product import Offer, Variant

RULES: Final = 0.97
"""A rule was written for this site by someone who looked at it."""
JSON_LD: Final = 0.9
MICRODATA: Final = 0.88
"""Slightly below JSON-LD: an attribute may be left on the wrong element by a redesign."""
META: Final = 0.72
"""Written for advertising platforms: often without tax, or before a discount."""
STATE: Final = 0.7
"""A program's own memory: the keys have no common meaning."""
SHOWN: Final = 0.66
"""Text that was read as a price because of how it stands on the page."""


@dataclass
class Reading:
    """One node's statement about one product.

    Attributes:
        source: format and place, such as ``json-ld:Product``.
        trust: one of the constants above.
        typed: the node says that it is a product; else it merely has offers.
        group: the node stands for all its variants.
    """

    source: str
    trust: float
    typed: bool = True
    group: bool = False
    name: str | None = None
    url: str | None = None
    sku: str | None = None
    gtin: str | None = None
    mpn: str | None = None
    brand: str | None = None
    description: str | None = None
    images: list[str] = field(default_factory=list)
    breadcrumbs: list[str] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)

    def amounts(self) -> set[Decimal]:
        """Return the prices that this reading names."""
        return {offer.price for offer in self.offers if offer.price is not None}

    def priced(self) -> list[Offer]:
        """Return the offers that name a price, each pointing to this reading."""
        return [
            replace(offer, source=offer.source or self.source)
            for offer in self.offers
            if offer.price is not None
        ]
