"""What a schema.org node says of a product, whichever syntax it was written in.

JSON-LD and microdata both become nested dictionaries (``@type``, then properties); here they turn
into ``Reading``. Properties are matched without regard to case, and values are taken in the many
shapes in which shops write them: a brand as text or node, one offer or many, a price inside a
specification, a list where one value is meant.

What is not the price: unit prices (a specification with a reference quantity), list and
strikethrough prices (they become the regular price), prices for members of a tier, instalments
(a billing duration), and nought, which shops write where they know no price.
"""

from __future__ import annotations

import html
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from flows.pipeline.capture.availability import from_code
from flows.pipeline.capture.currency import Place, currency_code
from flows.pipeline.capture.price_text import MOST_AMOUNT, price_texts
from flows.pipeline.capture.price_words import Role
from flows.pipeline.capture.product import Availability, Offer, Variant
from flows.pipeline.capture.reading import Reading
from flows.pipeline.normalise.gtin import gtin14
from flows.pipeline.normalise.price import decimals_of

Node: TypeAlias = dict[str, Any]

PRODUCT_TYPES: Final = frozenset(
    ("product", "productgroup", "productmodel", "individualproduct", "someproducts", "vehicle")
)
_GTIN_KEYS: Final = ("gtin", "gtin13", "gtin14", "gtin12", "gtin8", "ean", "isbn", "upc")
_REGULAR_TYPES: Final = ("listprice", "strikethroughprice", "msrp", "srp", "regularprice")
_AMOUNT_KEYS: Final = ("value", "price", "amount", "decimalprice", "sales", "sale", "current")
MOST_OFFERS: Final = 200
"""Of one product: a shirt in twenty sizes and ten colours."""
MOST_TEXT: Final = 5_000


def lowered(node: Any) -> Node:
    """Return a node with its keys in lower case; of two that then agree, the first."""
    found: Node = {}
    if isinstance(node, dict):
        for key, value in node.items():
            found.setdefault(str(key).lower().rpartition(":")[2] or str(key), value)
    return found


def types(node: Node) -> list[str]:
    """Return a node's types in lower case, without their vocabulary's address."""
    return [
        kind.rstrip("/").rpartition("/")[2].rpartition("#")[2].rpartition(":")[2].lower()
        for kind in listed(node.get("@type"))
        if isinstance(kind, str)
    ]


def listed(value: Any) -> list[Any]:
    """Return a value as a list: itself, a list of it, or nothing for None."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def words(value: Any) -> str | None:
    """Return the text of a value (of a node, its name), None if it has none."""
    for one in listed(value):
        if isinstance(one, dict):
            inner = lowered(one)
            one = inner.get("name") or inner.get("@value") or inner.get("value")
        if isinstance(one, int | float) and not isinstance(one, bool):
            one = str(one)
        if isinstance(one, str):
            text = " ".join(html.unescape(one[:MOST_TEXT]).split())
            if text and text.lower() not in ("null", "none", "undefined", "n/a", "-"):
                return text
    return None


def machine_amount(value: Any, currency: str | None, place: Place) -> Decimal | None:
    """Return the amount in a field that is meant for machines, None if it is none or undecided.

    A number is what it says. A text is read with a decimal point, as schema.org wants it, unless
    it cannot be meant so: ``24.990`` pesos, which have no cents, are some thousands, and ``1.299``
    euro has two readings and gives none.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, dict):
        inner = lowered(value)
        for key in _AMOUNT_KEYS:
            found = machine_amount(inner.get(key), currency, place)
            if found is not None:
                return found
        return None
    if isinstance(value, list):
        return machine_amount(value[0], currency, place) if len(value) == 1 else None
    if isinstance(value, int | float):
        return _positive(repr(value))
    if not isinstance(value, str) or len(value) > 200:
        return None
    return _text_amount(value.strip(), currency, place)


def _text_amount(text: str, currency: str | None, place: Place) -> Decimal | None:
    whole, point, fraction = text.partition(".")
    if whole.isascii() and whole.isdigit() and (fraction.isdigit() or not point):
        if len(fraction) != 3 or len(whole) > 3 or whole == "0":
            return _positive(text)
        exponent = decimals_of(currency) if currency else None
        if exponent == 0:
            return _positive(whole + fraction)
        return _positive(text) if exponent == 3 or place.decimal == "." else None
    found = price_texts(text, place)
    prices = [one for one in found if one.role is Role.PRICE]
    if len(prices) == 1 and len(found) == 1:
        agrees = prices[0].currency in (None, currency) or currency is None
        return prices[0].amount if agrees and prices[0].amount else None
    return None


def _positive(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 < amount < MOST_AMOUNT else None


def offer_of(value: Any, place: Place, source: str) -> list[Offer]:
    """Return the offers that an Offer or AggregateOffer node holds."""
    node = lowered(value)
    if not node:
        return []
    inner = [one for one in listed(node.get("offers")) if isinstance(one, dict)]
    if inner:
        found = [
            offer
            for number, one in enumerate(inner[:MOST_OFFERS])
            for offer in offer_of(one, place, f"{source}.offers[{number}]")
        ]
        if any(offer.price is not None for offer in found):
            return found
    currency = currency_code(words(node.get("pricecurrency") or node.get("currency")), place)
    low, high, regular = node.get("lowprice"), node.get("highprice"), None
    price = machine_amount(node.get("price"), currency, place)
    lowest = False
    if price is None and low is not None:
        currency = currency or _inner_currency(low, place)
        price = machine_amount(low, currency, place)
        top = machine_amount(high, currency, place)
        lowest = top is not None and top != price
    for one in listed(node.get("pricespecification")):
        amount, unit, struck = _specification(one, place, currency)
        if amount is None:
            continue
        if struck:
            regular = amount
        elif price is None:
            price, currency = amount, unit or currency
    if currency is None and price is not None:
        currency = _shown_currency(node.get("price") or low, place)
    return [
        Offer(
            price=price,
            currency=currency if price is not None else None,
            regular_price=regular if price is not None and regular and regular > price else None,
            availability=_availability(node.get("availability")),
            seller=words(node.get("seller") or node.get("offeredby")),
            sku=words(node.get("sku")),
            url=words(node.get("url")),
            lowest=lowest,
            source=source,
        )
    ]


def _availability(value: Any) -> Availability:
    for one in listed(value):
        inner = lowered(one)
        stated = from_code(inner.get("@id") or inner.get("name") if inner else one)
        if stated is not Availability.UNKNOWN:
            return stated
    return Availability.UNKNOWN


def _inner_currency(value: Any, place: Place) -> str | None:
    for inner in (lowered(value), *map(lowered, lowered(value).values())):
        found = currency_code(inner.get("currency"), place)
        if found:
            return found
    return None


def _shown_currency(value: Any, place: Place) -> str | None:
    found = price_texts(value, place) if isinstance(value, str) else []
    return found[0].currency if len(found) == 1 else place.site_currency


def _specification(
    value: Any, place: Place, currency: str | None
) -> tuple[Decimal | None, str | None, bool]:
    node = lowered(value)
    kind = (words(node.get("pricetype")) or "").rpartition("/")[2].lower()
    set_apart = ("referencequantity", "billingduration", "billingincrement", "validformembertier")
    if any(node.get(key) for key in set_apart) or "installment" in kind:
        return None, None, False
    own = currency_code(words(node.get("pricecurrency")), place) or currency
    return machine_amount(node.get("price"), own, place), own, kind in _REGULAR_TYPES


def reading_of(node: Node, place: Place, source: str, trust: float) -> Reading:
    """Return what a product's node (keys in lower case) says."""
    kinds = types(node)
    reading = Reading(
        source=source,
        trust=trust,
        typed=bool(PRODUCT_TYPES & set(kinds)),
        group="productgroup" in kinds,
        name=words(node.get("name")),
        url=words(node.get("url") or node.get("@id")),
        sku=words(node.get("sku") or node.get("productid")),
        gtin=next((g for k in _GTIN_KEYS if (g := gtin14(words(node.get(k))))), None),
        mpn=words(node.get("mpn")),
        brand=words(node.get("brand") or node.get("manufacturer")),
        description=words(node.get("description")),
        images=[link for one in listed(node.get("image"))[:30] if (link := _image(one))],
    )
    for number, one in enumerate(listed(node.get("offers"))[:MOST_OFFERS]):
        reading.offers += offer_of(one, place, f"{source}.offers[{number}]")
    for number, one in enumerate(listed(node.get("hasvariant"))[:MOST_OFFERS]):
        variant = reading_of(lowered(one), place, f"{source}.hasVariant[{number}]", trust)
        first = next(iter(variant.priced()), None)
        reading.variants.append(
            Variant(variant.name, variant.sku, variant.gtin, variant.url, first)
        )
        reading.offers += variant.offers
    return reading


def _image(value: Any) -> str | None:
    if isinstance(value, dict):
        inner = lowered(value)
        value = inner.get("url") or inner.get("contenturl") or inner.get("@id")
    return value if isinstance(value, str) and value.strip() else None
