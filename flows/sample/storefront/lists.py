"""How a shop's products are found: its home page, lists in pages, sitemaps, robots.txt, feeds."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from datetime import date
from html import escape
from typing import Any

from flows.sample.storefront.articles import DEPARTMENTS, Article, Standing, slug_of
from flows.sample.storefront.page import frame
from flows.sample.storefront.shops import Shop

Listed = Sequence[tuple[Article, Standing]]
PER_SITEMAP = 15
"""Addresses in each sitemap of an index: few, so that small shops have several."""
FEED_PATHS = {
    "feed_csv": "/export/products.csv",
    "feed_xml": "/export/products.xml",
    "feed_json": "/api/products.json",
    "feed_merchant": "/feeds/merchant.xml",
}
ROBOTS_DELAY = 2.0
"""Seconds that a shop asks for that would rather not be asked at all."""


def home_page(shop: Shop) -> str:
    """Return the home page: links to all shelves."""
    shelves = "".join(
        f'<li><a href="/c/{slug_of(shelf)}">{escape(shelf)}</a></li>' for _, shelf in DEPARTMENTS
    )
    return frame(shop, shop.title, "", f'<ul class="{shop.theme}shelves">{shelves}</ul>\n')


def list_page(shop: Shop, shelf: str, listed: Listed, number: int, endless: bool) -> str | None:
    """Return a page of a shelf, None where there is none.

    Args:
        shop: whose list it is.
        shelf: in the form of an address.
        listed: all products of the day.
        number: of the page, from 1.
        endless: there is always another page; beyond the last it shows the last again.
    """
    own = [one for one in listed if slug_of(one[0].shelf[1]) == shelf]
    pages = max(1, -(-len(own) // shop.page_length))
    if shelf not in {slug_of(name) for _, name in DEPARTMENTS}:
        return None
    if number > pages and not endless:
        return None
    start = (min(number, pages) - 1) * shop.page_length
    cards = "".join(
        f'<li class="{shop.theme}entry"><a class="{shop.theme}link" href="{escape(article.path)}">'
        f"{escape(article.name)}</a> "
        f"<span>{'' if now.price is None else now.locale.write(now.price)}</span></li>\n"
        for article, now in own[start : start + shop.page_length]
    )
    following = ""
    if number < pages or endless:
        words = shop.locale.words
        following = (
            f'<a rel="next" class="{shop.theme}next" href="/c/{shelf}?page={number + 1}">'
            f"{words.following}</a>\n"
        )
    head = f'<link rel="canonical" href="/c/{shelf}?page={number}">\n'
    return frame(shop, shelf, head, f'<ul class="{shop.theme}list">\n{cards}</ul>\n{following}')


def robots(shop: Shop, base: str, kinds: frozenset[str]) -> str | None:
    """Return the robots.txt; None where the shop has none."""
    if "robots_forbids" in kinds:
        return "User-agent: *\nDisallow: /\n"
    if shop.number % 9 == 8 and "robots_delays" not in kinds:
        return None
    lines = ["User-agent: *", "Disallow: /search", "Disallow: /cart"]
    delay = ROBOTS_DELAY if "robots_delays" in kinds else shop.crawl_delay
    if delay is not None:
        lines.append(f"Crawl-delay: {delay:g}")
    if shop.way.startswith("sitemap"):
        lines.append(f"Sitemap: {base}{sitemap_path(shop)}")
    return "\n".join(lines) + "\n"


def sitemap_path(shop: Shop) -> str:
    """Return where the shop's sitemap is, or its index."""
    return {"sitemap_index": "/sitemap_index.xml", "sitemap_gz": "/sitemap.xml.gz"}.get(
        shop.way, "/sitemap.xml"
    )


def sitemap(shop: Shop, path: str, listed: Listed, base: str) -> bytes | None:
    """Return the sitemap at a path, None where there is none."""
    if path == "/sitemap_index.xml" and shop.way == "sitemap_index":
        parts = range(-(-len(listed) // PER_SITEMAP))
        entries = "".join(
            f"<sitemap><loc>{base}/sitemaps/products-{part}.xml{'.gz' * (part % 2)}</loc></sitemap>"
            for part in parts
        )
        return _xml("sitemapindex", entries)
    if path.startswith("/sitemaps/products-") and shop.way == "sitemap_index":
        number = path.removeprefix("/sitemaps/products-").partition(".")[0]
        if not number.isascii() or not number.isdigit():
            return None
        start = int(number) * PER_SITEMAP
        data = _urls(listed[start : start + PER_SITEMAP], base)
        return gzip.compress(data, 6, mtime=0) if path.endswith(".gz") else data
    if path == sitemap_path(shop) and shop.way in ("sitemap", "sitemap_gz"):
        data = _urls(listed, base)
        return gzip.compress(data, 6, mtime=0) if shop.way == "sitemap_gz" else data
    return None


def _urls(listed: Listed, base: str) -> bytes:
    entries = "".join(
        f"<url><loc>{escape(base + article.path)}</loc><lastmod>{now.changed}</lastmod></url>\n"
        for article, now in listed
    )
    return _xml("urlset", entries)


def _xml(root: str, entries: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</{root}>\n'
    ).encode()


def feed(shop: Shop, listed: Listed, base: str, day: date) -> tuple[bytes, str]:
    """Return the shop's feed and its content type."""
    rows = [_row(article, now, base) for article, now in listed]
    if shop.way == "feed_json":
        value = {"generated": day.isoformat(), "data": {"products": rows}}
        return json.dumps(value, ensure_ascii=False).encode(), "application/json"
    if shop.way == "feed_csv":
        text = io.StringIO()
        delimiter = ";" if shop.locale.decimal == "," else ","
        writer = csv.DictWriter(text, list(_row(*listed[0], base)) if listed else ["id", "title"],
                                delimiter=delimiter, lineterminator="\r\n")  # fmt: skip
        writer.writeheader()
        for row in rows:
            comma = shop.locale.decimal == ","  # as a spreadsheet of that country would write it
            prices = {name: row[name].replace(".", ",") for name in ("price", "list_price")}
            writer.writerow({**row, **prices} if comma else row)
        return text.getvalue().encode(shop.charset, "replace"), f"text/csv; charset={shop.charset}"
    if shop.way == "feed_xml":
        items = "".join(f"<product>{_elements(row)}</product>\n" for row in rows)
        return _document(f"<catalogue>\n{items}</catalogue>"), "application/xml"
    items = "".join(f"<item>{_merchant(one, base)}</item>\n" for one in listed)
    channel = f"<channel><title>{shop.title}</title>\n{items}</channel>"
    root = f'<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0">{channel}</rss>'
    return _document(root), "application/rss+xml"


def _document(root: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'.encode()


def _row(article: Article, now: Standing, base: str) -> dict[str, Any]:
    return {
        "id": article.sku,
        "title": article.name,
        "link": base + article.path,
        "brand": article.brand,
        "gtin": article.gtin,
        "price": "" if now.price is None else str(now.price),
        "list_price": "" if now.regular is None else str(now.regular),
        "currency": now.locale.currency,
        "availability": now.availability.replace("_", " "),
        "product_type": " > ".join(article.shelf),
        "image_link": f"{base}/images/{article.sku}-1.jpg",
    }


def _merchant(one: tuple[Article, Standing], base: str) -> str:
    article, now = one
    row = _row(article, now, base)
    full, currency = now.regular or now.price, row.pop("currency")
    row["price"] = "" if full is None else f"{full} {currency}"
    del row["list_price"]
    if now.regular is not None:
        row["sale_price"] = f"{now.price} {currency}"
    return _elements(row, "g:")


def _elements(row: dict[str, Any], prefix: str = "") -> str:
    return "".join(
        f"<{prefix}{name}>{escape(str(value))}</{prefix}{name}>" for name, value in row.items()
    )
