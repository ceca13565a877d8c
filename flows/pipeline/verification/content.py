"""What a reviewer sees of a task: our offer, and up to five of one competitor.

The content is a snapshot: it is kept with the task, so that what was decided can be shown as it
was seen, and learnt from, after the offers are gone. As JSON in ASCII: scraped text holds NULs,
which PostgreSQL does not take.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

CANDIDATES: Final = 5
"""More of them would not be compared but skimmed."""
LONGEST: Final = 400
"""Characters of a text that are shown; longer names are keyword stuffing."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Product(_Frozen):
    """An offer, as `OFFERS` has it; what a source does not say is None."""

    seller: str
    store_id: str | None = None
    sku: str
    gtin: str | None = None
    name: str | None = None
    brand: str | None = None
    country: str | None = None
    price: Decimal | None = None
    regular_price: Decimal | None = None
    currency: str | None = None
    pack_quantity: float | None = None
    pack_unit: str | None = None
    unit_price: Decimal | None = None
    category: str | None = None
    availability: str | None = None
    url: str | None = None
    image: str | None = None

    @property
    def safe_url(self) -> str | None:
        """The page's address, where it is one that a browser may be sent to."""
        return web_address(self.url)

    @property
    def safe_image(self) -> str | None:
        """The picture's address, likewise."""
        return web_address(self.image)


class Candidate(_Frozen):
    """A competitor's offer, how likely it is the same product, and why."""

    product: Product
    probability: float | None = None
    kind: str | None = None
    reasons: tuple[str, ...] = ()


class Content(_Frozen):
    """Everything of a task that is shown; see `Candidate`."""

    day: date
    own: Product
    candidates: tuple[Candidate, ...]

    @property
    def skus(self) -> tuple[str, ...]:
        """The candidates' codes, the likeliest first."""
        return tuple(candidate.product.sku for candidate in self.candidates)

    def candidate(self, sku: str) -> Candidate:
        """Return the candidate with a code."""
        return next(item for item in self.candidates if item.product.sku == sku)

    def pack(self) -> str:
        """Return it as JSON in ASCII."""
        return json.dumps(self.model_dump(mode="json", exclude_none=True), ensure_ascii=True)

    @classmethod
    def unpack(cls, text: str) -> Content:
        """Return what `pack` wrote."""
        return cls.model_validate_json(text)


def product(row: Mapping[str, Any]) -> Product:
    """Return an offer's row as a product."""
    fields = {name: row.get(name) for name in Product.model_fields}
    return Product(
        **{
            name: value[:LONGEST]
            if isinstance(value, str) and name not in ("url", "image")
            else value
            for name, value in fields.items()
        }
    )


def web_address(text: str | None) -> str | None:
    """Return an address if it is absolute, of http or https, and names a host; else None.

    Scraped addresses are hostile: ``javascript:`` runs, ``data:`` hides, ``file:`` asks this
    machine, and credentials in front of a host lie about where it leads.
    """
    if not text or len(text) > 2000 or any(ord(c) <= 32 or ord(c) == 127 for c in text):
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return text if port is None or port > 0 else None
