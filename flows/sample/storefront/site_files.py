"""The shops' site files, as somebody would write them who looked at each shop once."""

from __future__ import annotations

from typing import Any

import yaml

from flows.sample.storefront.articles import DEPARTMENTS, slug_of
from flows.sample.storefront.lists import FEED_PATHS, sitemap_path
from flows.sample.storefront.shops import Shop

_FORMATS = {
    "feed_csv": "csv",
    "feed_xml": "xml",
    "feed_json": "json",
    "feed_merchant": "google_merchant",
}


def site_file(shop: Shop, base: str, rate: float, concurrency: int) -> str:
    """Return the YAML of a shop's site file.

    Args:
        shop: any.
        base: its address.
        rate: requests a second.
        concurrency: requests at the same time.
    """
    site: dict[str, Any] = {
        "name": shop.name,
        "locale": shop.locale.tag,
        "currency": shop.locale.currency,
        "rate": rate,
        "concurrency": concurrency,
        "expected_pages": len(shop.articles),
        "allow_private": True,
    }
    if shop.is_feed:
        site["driver"] = "feed"
        feed: dict[str, Any] = {"url": base + FEED_PATHS[shop.way], "format": _FORMATS[shop.way]}
        if shop.way == "feed_json":
            feed["items"] = "data.products"
        if shop.way == "feed_csv":
            site["decimal"] = shop.locale.decimal
        site["feed"] = feed
    else:
        site["decimal"] = shop.locale.decimal
        if shop.way == "categories":
            site["start_urls"] = [f"{base}/c/{slug_of(shelf)}" for _, shelf in DEPARTMENTS]
        else:
            site["sitemap"] = base + sitemap_path(shop)
        if shop.markup == "plain":
            site["rules"] = {
                "name": {"css": f"h1.{shop.theme}name"},
                "price": {"css": f".{shop.theme}price-now"},
                "regular_price": {"css": f".{shop.theme}price-old"},
                "availability": {"css": f".{shop.theme}stock"},
                "brand": {"css": f".{shop.theme}brand"},
                "sku": {"css": f".{shop.theme}sku"},
            }
    return yaml.safe_dump(site, allow_unicode=True, sort_keys=False)
