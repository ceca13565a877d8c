"""Feeds: lists of products that a shop writes for others (CSV, XML, JSON, Google Merchant).

A feed becomes the same ``Product`` as a page, its rows numbered from 1. A row that cannot be used
is a fault and loses nothing else; a feed that cannot be read at all is an error. Google Merchant
is the XML or tab-separated form of Google's product data specification: its ``price`` is the
regular price and ``sale_price``, where it is in effect, the price.

Feeds are written by machines: ``12.90 EUR`` has a decimal point, unless the site file says comma.
XML entities and external documents are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from flows.pipeline.capture.availability import from_code
from flows.pipeline.capture.currency import Place, country_currency, currency_code
from flows.pipeline.capture.errors import BadRow
from flows.pipeline.capture.feed_rows import csv_rows, json_rows, merchant_rows, xml_rows
from flows.pipeline.capture.json_path import follow, parts
from flows.pipeline.capture.price_text import price_texts
from flows.pipeline.capture.product import Availability, Evidence, Offer, Product
from flows.pipeline.capture.schema_org import listed, machine_amount, words
from flows.pipeline.capture.site import Feed, Site
from flows.pipeline.normalise.gtin import gtin14

_FEED: Final = 0.95
"""Confidence of a feed's value: written for machines, by the shop itself."""
_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "url": ("link", "url", "product_url", "deeplink", "aw_deep_link"),
    "name": ("title", "name", "product_name"),
    "sku": ("id", "sku", "product_id", "merchant_product_id", "article_number"),
    "gtin": ("gtin", "ean", "gtin13", "barcode", "upc", "isbn"),
    "mpn": ("mpn", "manufacturer_part_number"),
    "brand": ("brand", "brand_name", "manufacturer"),
    "description": ("description",),
    "price": ("price", "search_price", "current_price"),
    "regular_price": ("regular_price", "list_price", "rrp_price", "original_price"),
    "currency": ("currency", "price_currency", "currency_code"),
    "availability": ("availability", "in_stock", "stock_status"),
    "images": ("image_link", "image", "image_url"),
    "breadcrumbs": ("product_type", "category", "category_path", "google_product_category"),
}
"""Field to the names under which it usually comes, the most telling first."""


@dataclass(frozen=True)
class FeedRead:
    """What a feed held.

    Attributes:
        products: one for each row that could be used, in the feed's order.
        faults: one for each row that could not.
    """

    products: tuple[Product, ...]
    faults: tuple[BadRow, ...]


def read_feed(body: bytes, feed: Feed, site: Site, content_type: str | None = None) -> FeedRead:
    """Return the products of a feed.

    Args:
        body: decompressed.
        feed: how it is written.
        site: whose it is: its currency and decimal sign.
        content_type: the header of that name.

    Raises:
        BadFeed: it is not what the site file says it is.
    """
    place = Place(
        country_currency=country_currency(feed.url, site.locale),
        site_currency=site.currency,
        decimal=site.decimal or ".",
    )
    readers = {
        "csv": csv_rows,
        "json": json_rows,
        "xml": xml_rows,
        "google_merchant": merchant_rows,
    }
    products: list[Product] = []
    faults: list[BadRow] = []
    for number, row in enumerate(readers[feed.format](body, feed, site, content_type), 1):
        try:
            products.append(_product(row, feed, site, place, number))
        except BadRow as fault:
            faults.append(fault)
    return FeedRead(tuple(products), tuple(faults))


def _product(row: Any, feed: Feed, site: Site, place: Place, number: int) -> Product:
    if not isinstance(row, Mapping):
        raise BadRow(
            f"site {site.name}, row {number} of the feed is no product",
            "Correct feed.items if most rows are so.",
            line=number,
        )
    low = {str(key).strip().lower(): value for key, value in row.items() if key is not None}

    def value_of(name: str) -> Any:
        own = feed.columns.get(name)  # type: ignore[call-overload]
        if own is not None:
            found = low.get(own.lower())
            return found if found is not None else follow(row, parts(own))
        return next((low[key] for key in _COLUMNS[name] if low.get(key) not in (None, "")), None)

    source = f"feed[{number}]"
    price, currency = _money(value_of("price"), words(value_of("currency")), place)
    regular, regular_currency = _money(value_of("regular_price"), currency, place)
    name, sku, url = words(value_of("name")), words(value_of("sku")), words(value_of("url"))
    if not (name or sku or url):
        raise BadRow(
            f"site {site.name}, row {number} of the feed names no product",
            "Name the columns under feed.columns if most rows are so.",
            line=number,
            field="name",
        )
    if price is None or regular is None or regular <= price or regular_currency != currency:
        regular = None
    stated = from_code(value_of("availability"))
    values: dict[str, Any] = {
        "name": name,
        "price": price,
        "regular_price": regular,
        "currency": currency if price is not None else None,
        "sku": sku,
        "gtin": gtin14(words(value_of("gtin"))),
        "mpn": words(value_of("mpn")),
        "brand": words(value_of("brand")),
        "description": words(value_of("description")),
        "images": tuple(t for one in listed(value_of("images")) if (t := words(one))),
        "breadcrumbs": _crumbs(words(value_of("breadcrumbs"))),
    }
    if stated is not Availability.UNKNOWN:
        values["availability"] = stated
    if price is not None:
        values["offers"] = (Offer(price, currency, regular, stated, source=source),)
    known = {key: value for key, value in values.items() if value not in (None, ())}
    evidence = {key: Evidence(source, _FEED) for key in known}
    return Product(url=url or feed.url, evidence=MappingProxyType(evidence), **known)


def _crumbs(path: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in path.split(">") if part.strip()) if path else ()


def _money(value: Any, said: str | None, place: Place) -> tuple[Decimal | None, str | None]:
    """Return an amount with its currency: the one in its text, else the one beside it."""
    stated = currency_code(said, place) or place.site_currency
    texts = price_texts(value, place) if isinstance(value, str) else []
    if len(texts) == 1 and texts[0].markers:
        own = texts[0].currency
        if own is not None and stated is not None and said and own != stated:
            return None, None
        return texts[0].amount, own or stated
    if isinstance(value, str) and place.decimal == ",":
        return (texts[0].amount, stated) if len(texts) == 1 else (None, None)
    return machine_amount(value, stated, place), stated
