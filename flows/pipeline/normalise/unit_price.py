"""Unit prices in text: ``(0,99 €/100 g)``, ``€ 4.50 / kg``, ``1 l = 2,58 €``.

Sources get unit prices wrong, so offers recompute theirs from price and pack; what a source says
is read for comparison. An amount per one base unit (kg, l, m, piece) comes out, exact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from flows.pipeline.normalise.price import parse_money
from flows.pipeline.normalise.units import QUANTITY_DECIMALS, parse_pack

_PER: Final = re.compile(
    r"^(?P<money>[^/]*?)\s?(?:/|\b(?:per|pro|je|par|por|al|za|ל-?)\s)\s?(?P<basis>[^/]+)$",
    re.IGNORECASE,
)
_EQUALS: Final = re.compile(r"^(?P<basis>[^=]+?)\s?=\s?(?P<money>[^=]+)$")
LONGEST: Final = 60


@dataclass(frozen=True)
class UnitPrice:
    """What one kg, l, m or piece costs."""

    amount: Decimal
    unit: str


def parse_unit_price(
    text: str, *, decimal: str | None = None, currency: str | None = None
) -> UnitPrice | None:
    """Return the unit price in a text, None if it is not exactly one.

    Args:
        text: one unit price; brackets around it do not count.
        decimal: the decimal sign of the locale.
        currency: ISO 4217, as for ``parse_money``.

    Raises:
        ValueError: ``decimal`` is neither a point nor a comma.
    """
    text = " ".join(text.split()).strip("()[] ")
    found = (_EQUALS.match(text) or _PER.match(text)) if len(text) <= LONGEST else None
    if found is None:
        return None
    amount = parse_money(found["money"], decimal=decimal, currency=currency)
    basis = found["basis"].strip()
    pack = parse_pack(basis if basis[:1].isdigit() else f"1 {basis}")
    if amount is None or pack is None or amount <= 0:
        return None
    held = Decimal(repr(pack.total))
    return UnitPrice((amount / held).quantize(Decimal(1).scaleb(-QUANTITY_DECIMALS)), pack.unit)
