"""State that a page carries for its own programs: Next, Nuxt, Apollo, data layers, plain variables.

There is no common vocabulary, so products are known by shape: an object with a name that the page
also calls itself, or a code that stands in its address, and a price under a key that says so.
Prices in cents look like prices; what is found here is therefore a claim with little trust that
the rest of the page must confirm (see ``choice``).

Read only where structured data left the price open: it is the largest part of many pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from flows.pipeline.capture.availability import from_code
from flows.pipeline.capture.currency import currency_code
from flows.pipeline.capture.json_text import MOST_DEPTH, loads, read_objects
from flows.pipeline.capture.page import Page, Script
from flows.pipeline.capture.product import Availability, Offer
from flows.pipeline.capture.reading import STATE, Reading
from flows.pipeline.capture.schema_org import machine_amount, words
from flows.pipeline.normalise.gtin import gtin14

MOST_OBJECTS: Final = 20_000
"""Objects of one page that are looked at: a state of a megabyte has about as many."""
MOST_TOLERANT: Final = 150_000
"""Characters of a script that is JavaScript and no JSON given to the tolerant reader."""
_NAMES: Final = ("name", "title", "productname", "displayname", "producttitle", "longname")
_PRICES: Final = (
    "saleprice", "specialprice", "finalprice", "currentprice", "sellingprice", "offerprice",
    "discountedprice", "priceamount", "pricevalue", "price", "prices", "pricing",
)  # fmt: skip
_REGULAR: Final = (
    "listprice", "originalprice", "oldprice", "regularprice", "wasprice", "msrp", "rrp",
    "compareatprice", "strikeprice",
)  # fmt: skip
_SKUS: Final = ("sku", "productid", "articlenumber", "itemnumber", "id", "code")
_GTINS: Final = ("gtin", "gtin13", "ean", "ean13", "barcode", "upc", "isbn")
_CURRENCIES: Final = ("currency", "currencycode", "pricecurrency", "currencyiso")
_STOCKS: Final = ("availability", "stockstatus", "availabilitystatus", "instock", "isinstock")
_ASSIGNED: Final = re.compile(
    r"(?:^|[\s;{(])(?:window\.|var |let |const )?[\w.$]{2,60}\s?=\s?(?=[{\[])"
)
_PARSED: Final = re.compile(r"JSON\.parse\(\s?(\"(?:[^\"\\]|\\.)*\")\s?\)")
_PRICED: Final = re.compile(r"[Pp]rice[\"']?\s?[:\]]|[Pp]rice\\\"")


def read_state(page: Page) -> list[Reading]:
    """Return the objects in a page's scripts that look like products, in their order."""
    found: list[Reading] = []
    budget = [MOST_OBJECTS]
    for number, script in enumerate(page.scripts):
        if "ld+json" in script.type:
            continue
        text = script.text
        if not _PRICED.search(text):
            continue
        label = script.id or f"script[{number}]"
        for value in _values(script, text):
            _walk(value, page, f"state:{label}", found, budget, 0)
    return found


def _values(script: Script, text: str) -> Iterator[Any]:
    if "json" in script.type or script.id.startswith("__"):
        yield from read_objects(text)
        return
    decoder = json.JSONDecoder(strict=False)
    read_up_to, strict = 0, 0
    for assigned in _ASSIGNED.finditer(text):
        if assigned.end() < read_up_to:
            continue
        try:
            value, read_up_to = decoder.raw_decode(text, assigned.end())
        except (ValueError, RecursionError):
            continue
        strict += 1
        yield value
    for parsed in _PARSED.finditer(text):
        inner = loads(parsed[1])
        if isinstance(inner, str):
            yield loads(inner)
            strict += 1
    if not strict and len(text) <= MOST_TOLERANT:
        yield from read_objects(text)


def _walk(
    value: Any, page: Page, source: str, found: list[Reading], budget: list[int], depth: int
) -> None:
    if depth > MOST_DEPTH or budget[0] <= 0:
        return
    if isinstance(value, list):
        for one in value:
            if isinstance(one, dict | list):
                _walk(one, page, source, found, budget, depth + 1)
    elif isinstance(value, dict):
        budget[0] -= 1
        reading = _reading(value, page, source)
        if reading is not None:
            found.append(reading)
        for one in value.values():
            if isinstance(one, dict | list):
                _walk(one, page, source, found, budget, depth + 1)


def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()


def _reading(value: dict[str, Any], page: Page, source: str) -> Reading | None:
    if len(value) < 2:
        return None
    node: dict[str, Any] = {}
    for key, one in value.items():
        node.setdefault(_plain(str(key)), one)
    names = [node[key] for key in _NAMES if isinstance(node.get(key), str)]
    priced = [key for key in _PRICES if node.get(key) not in (None, "", 0, [], {})]
    if not names or not priced:
        return None
    offer = _offer(node, priced, page, source)
    if offer is None:
        return None
    return Reading(
        source=source,
        trust=STATE,
        name=words(names[0]),
        url=words(node.get("url")),
        sku=next((text for key in _SKUS if (text := words(node.get(key)))), None),
        gtin=next((gtin for key in _GTINS if (gtin := gtin14(words(node.get(key))))), None),
        brand=words(node.get("brand") or node.get("brandname") or node.get("manufacturer")),
        offers=[offer],
    )


def _offer(node: dict[str, Any], priced: list[str], page: Page, source: str) -> Offer | None:
    inner = node[priced[0]]
    if isinstance(inner, dict):
        inner = {_plain(str(key)): one for key, one in inner.items()}
    said = next((node[key] for key in _CURRENCIES if isinstance(node.get(key), str)), None)
    if said is None and isinstance(inner, dict):
        said = next((inner[key] for key in _CURRENCIES if isinstance(inner.get(key), str)), None)
    currency = currency_code(said, page.place)
    if isinstance(inner, dict):
        keys = [key for key in (*_PRICES, "value", "amount", "current") if key in inner]
        inner = next((inner[key] for key in keys), None)
    price = machine_amount(inner, currency, page.place)
    if price is None:
        return None
    regulars = [machine_amount(node.get(key), currency, page.place) for key in _REGULAR]
    stated = [from_code(node.get(key)) for key in _STOCKS]
    return Offer(
        price=price,
        currency=currency,
        regular_price=next((one for one in regulars if one is not None and one > price), None),
        availability=next((one for one in stated if one is not Availability.UNKNOWN),
                          Availability.UNKNOWN),
        source=f"{source}.{priced[0]}",
    )  # fmt: skip
