"""Meta tags for social networks and advertising platforms: OpenGraph, product, twitter.

They name one product, the page's, which makes them good for its name and image. Their prices are
the least kept up of all structured data: ``product:price:amount`` is the price without tax in one
shop and before the discount in the next, so a sale price goes before it and a price that the page
does not show loses against one that it shows (see ``choice``).
"""

from __future__ import annotations

from decimal import Decimal

from flows.pipeline.capture.availability import from_code
from flows.pipeline.capture.currency import currency_code
from flows.pipeline.capture.page import Page
from flows.pipeline.capture.product import Availability, Offer
from flows.pipeline.capture.reading import META, Reading
from flows.pipeline.capture.schema_org import machine_amount, words
from flows.pipeline.normalise.gtin import gtin14

_PRICES = ("product:sale_price", "product:price", "og:price", "product:sale_price_amount")
_REGULAR = ("product:original_price", "product:price", "og:price:standard_amount")


def read_meta(page: Page) -> list[Reading]:
    """Return what the meta tags of a page say: one reading, or none where they say nothing."""
    meta = page.meta

    def first(*names: str) -> str | None:
        return next((text for name in names for text in meta.get(name, ()) if text.strip()), None)

    reading = Reading(
        source="meta",
        trust=META,
        typed=any(name.startswith("product:") for name in meta)
        or (first("og:type") or "").lower().endswith("product"),
        name=words(first("og:title", "twitter:title")),
        url=first("og:url"),
        sku=words(first("product:retailer_item_id", "product:retailer_part_no", "og:sku")),
        gtin=gtin14(first("product:ean", "product:gtin", "product:isbn", "product:upc", "og:ean")),
        mpn=words(first("product:mfr_part_no")),
        brand=words(first("product:brand", "og:brand")),
        description=words(first("og:description", "description", "twitter:description")),
        images=meta.get("og:image", [])[:10],
    )
    stated = from_code(first("product:availability", "og:availability", "availability"))
    offer = _offer(page, stated)
    if offer.price is not None or stated is not Availability.UNKNOWN:
        reading.offers = [offer]
    return [reading] if reading.name or reading.offers else []


def _offer(page: Page, stated: Availability) -> Offer:
    price, currency, name = _amount(page, _PRICES)
    regular, regular_currency, _ = _amount(page, _REGULAR)
    if price is None or regular is None or regular <= price or regular_currency != currency:
        regular = None
    return Offer(
        price=price,
        currency=currency,
        regular_price=regular,
        availability=stated,
        source=f"meta:{name}" if name else "meta",
    )


def _amount(page: Page, names: tuple[str, ...]) -> tuple[Decimal | None, str | None, str]:
    """Return the first amount under one of several names, with the currency of the same name."""
    for name in names:
        for key in (f"{name}:amount", name):
            for text in page.meta.get(key, ())[:1]:
                said = page.meta.get(f"{name}:currency", [None])[0]
                currency = currency_code(said, page.place)
                if said is None and name.endswith("sale_price"):
                    # The sale price is stated beside the price, whose currency is named once.
                    said = page.meta.get("product:price:currency", [None])[0]
                    currency = currency_code(said, page.place)
                amount = machine_amount(text, currency, page.place)
                if amount is not None:
                    return amount, currency or page.place.site_currency, key
    return None, None, ""
