"""Which of the products on a page is the page's own.

A product page names others: carousels, lists, accessories, "seen before". The page's own product
is the one whose address is the page's, whose name is the heading's, or whose code stands in the
address. Where several are named and none of them fits, the page is a list and has no product.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from rapidfuzz import fuzz

from flows.pipeline.capture.page import Page
from flows.pipeline.capture.reading import Reading

SAME_NAME: Final = 85.0
"""Share of common words (token set ratio) above which two names are held to be one: headings add
or leave out a brand and a colour."""
LIKE_NAME: Final = 60.0
_URL_CODE: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{0,3}[0-9]{5,20}(?![A-Za-z0-9])")
_ID_PARAMETERS: Final = frozenset(
    (
        "id",
        "pid",
        "sku",
        "item",
        "itemid",
        "item_id",
        "product",
        "productid",
        "product_id",
        "article",
    )
)
_SHORTEST_CODE: Final = 4
"""Digits and letters of a code that is looked for in an address: shorter ones are everywhere."""


def address_key(url: str | None) -> str:
    """Return what of an address names a page: its path, without an ending slash, and no host."""
    if not url:
        return ""
    try:
        return unquote(urlsplit(url).path).rstrip("/").lower()
    except ValueError:
        return ""


def _codes(reading: Reading) -> list[str]:
    stated = [reading.sku, reading.mpn, reading.gtin.lstrip("0") if reading.gtin else None]
    return [code.lower() for code in stated if code and len(code) >= _SHORTEST_CODE]


def fit(reading: Reading, page: Page) -> float:
    """Return how well a reading fits the page: 0 where nothing says that it is the page's own."""
    score = 0.0
    own = {address_key(page.url), address_key(page.canonical)} - {""}
    links = [reading.url, *(offer.url for offer in reading.offers[:5])]
    if any(address_key(page.absolute(link)) in own for link in links if link):
        score += 3.0
    if reading.name and page.names:
        name = reading.name[:400].lower()
        best = max(fuzz.token_set_ratio(name, other.lower()) for other in page.names)
        score += 2.0 if best >= SAME_NAME else 1.0 if best >= LIKE_NAME else 0.0
    address = unquote(page.url).lower()
    if any(code in address for code in _codes(reading)):
        score += 1.5
    return score


def own_readings(readings: list[Reading], page: Page) -> list[Reading]:
    """Return the readings of one format that are of the page's own product, best first.

    Several remain where a format has one node for each variant. A single one that says it is a
    product needs no more proof; of several, only those that fit the page best.
    """
    typed = [reading for reading in readings if reading.typed]
    pool = typed or readings
    if len(pool) <= 1 and typed:
        return pool
    scored = [(fit(reading, page), reading) for reading in pool]
    best = max((score for score, _ in scored), default=0.0)
    if best < 1.0:
        return []
    return [reading for score, reading in scored if score == best]


def matches_query(url: str | None, page: Page) -> bool:
    """Say whether an address has the page's path and all of its own query in the page's address."""
    if not url:
        return False
    absolute = page.absolute(url)
    if absolute is None or address_key(absolute) != address_key(page.url):
        return False
    try:
        wanted = set(parse_qsl(urlsplit(absolute).query))
        given = urlsplit(page.url)
        return bool(wanted) and wanted <= set(parse_qsl(given.query) + parse_qsl(given.fragment))
    except ValueError:
        return False


def code_in_address(url: str) -> str | None:
    """Return the shop's own code in an address, None if none or several stand there.

    A word of at least five digits, with up to three letters before them, in the last part of the
    path, else in the path, else as the value of a query parameter that says id.
    """
    try:
        parts = urlsplit(url)
        path = unquote(parts.path)
        query = parse_qsl(parts.query)[:50]
    except ValueError:
        return None
    last = path.rstrip("/").rpartition("/")[2]
    named = " ".join(value for key, value in query if key.lower() in _ID_PARAMETERS)
    for text in (named, last, path):
        found = set(_URL_CODE.findall(text[-300:]))
        if found:
            return found.pop() if len(found) == 1 else None
    return None
