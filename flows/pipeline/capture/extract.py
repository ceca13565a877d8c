"""From the bytes of a page to its product.

The cascade: site rules, JSON-LD, microdata, meta tags; the embedded state where these leave the
price open; the layout where that does too. Every format is read into ``Reading`` values, those of
the page's own product are kept (``identity``), and each field is taken from the most trusted
source that knows it, except the price, which is weighed against what the page shows (``choice``).

Promised: any bytes give a ``Product``; what cannot be told is None; nothing here knows a shop.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, Final

from flows.pipeline.capture.choice import Claim, choose_price, choose_regular
from flows.pipeline.capture.decimal_sign import reread, settled
from flows.pipeline.capture.decode import decode_page
from flows.pipeline.capture.displayed import look
from flows.pipeline.capture.embedded_state import read_state
from flows.pipeline.capture.identity import (
    code_in_address,
    fit,
    matches_query,
    own_readings,
)
from flows.pipeline.capture.json_ld import read_json_ld
from flows.pipeline.capture.labels import agreed
from flows.pipeline.capture.meta_tags import read_meta
from flows.pipeline.capture.microdata import read_microdata
from flows.pipeline.capture.page import Page, line
from flows.pipeline.capture.product import Evidence, Offer, Product, Variant
from flows.pipeline.capture.reading import META, SHOWN, Reading
from flows.pipeline.capture.site import Site
from flows.pipeline.capture.site_rules import read_rules
from flows.pipeline.capture.stock import SOLD_OUT, choose_availability, is_near

_SINGLE: Final = ("name", "sku", "gtin", "mpn", "brand", "description")
_ADDRESS: Final = 0.5
"""Confidence of a code that stands in the address: it names the page, not always the article."""
_TITLE: Final = 0.5
"""Confidence of a name that is merely the page's heading."""


def extract_product(
    body: bytes, url: str, content_type: str | None = None, site: Site | None = None
) -> Product:
    """Return what a page says of its main product.

    Args:
        body: of the answer, decompressed.
        url: the address that was asked for; relative links and the page's identity stand on it.
        content_type: the header of that name.
        site: the site file, with its conventions and rules.
    """
    page = Page(decode_page(body, content_type, site.locale if site else None), url, site)
    readings = _own(page)
    claimed = {amount for reading in readings for amount in reading.amounts()}
    showing = look(page, claimed=bool(claimed))
    showing = reread(showing, settled(showing, page.place, claimed))
    state: list[Reading] = []

    def more() -> list[Reading]:
        state.extend(own_state(page))
        return state

    chosen = choose_price(readings, showing, page, more)
    readings += [one for one in state if chosen is not None and one is chosen.reading]
    known = _Known()
    for reading in readings:
        known.take(reading, readings, page)
    if chosen is not None:
        source, confidence = chosen.offer.source, chosen.confidence
        known.put("price", chosen.amount, source, confidence)
        known.put("currency", chosen.offer.currency, source, confidence)
        known.put("offers", _offers(chosen), source, confidence)
        if (regular := choose_regular(chosen, readings, showing)) is not None:
            known.put("regular_price", *regular)
        asked = chosen.offer.availability
        if asked in SOLD_OUT and matches_query(chosen.offer.url, page):
            # The address names a variant: that others can be bought does not help its visitor.
            known.put("availability", asked, source, confidence)
    if (stock := choose_availability(readings, showing)) is not None:
        known.put("availability", *stock)
    # A page without a heading has no near: there the one GTIN that it labels is good enough.
    adrift = showing.heading is None
    codes = [
        code
        for code in showing.codes
        if is_near(code[0], showing) or (adrift and code[1] == "gtin")
    ]
    for name, value in agreed(codes, set(known.values)).items():
        known.put(name, value, "page:label", SHOWN)
    if chosen is not None:
        known.put("sku", code_in_address(url), "address", _ADDRESS)
    if readings or chosen is not None:
        known.put("name", _heading(page), "page:heading", _TITLE)
    return Product(url=url, evidence=MappingProxyType(known.evidence), **known.values)


class _Known:
    """The fields that are known so far: the first source that knows a field gives it."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.evidence: dict[str, Evidence] = {}

    def put(self, name: str, value: Any, source: str, confidence: float) -> None:
        """Note a value, unless it is none or the field is known."""
        if value is not None and value != () and name not in self.values:
            self.values[name] = value
            self.evidence[name] = Evidence(source, round(confidence, 2))

    def take(self, reading: Reading, readings: list[Reading], page: Page) -> None:
        """Note what a reading says besides price and availability."""
        source, trust = reading.source, reading.trust
        for name in _SINGLE:
            self.put(name, getattr(reading, name), source, trust)
        if "images" not in self.values:
            self.put("images", _images(reading, page), source, trust)
        self.put("breadcrumbs", tuple(reading.breadcrumbs), source, trust)
        if "variants" not in self.values:
            self.put("variants", _variants(reading, readings), source, trust)


def _own(page: Page) -> list[Reading]:
    """Return the readings of the page's own product, the most trusted first."""
    found = read_rules(page)
    for read in (read_json_ld, read_microdata):
        found += own_readings(read(page), page)
    return found + read_meta(page)


def own_state(page: Page) -> list[Reading]:
    """Return the objects of the embedded state that fit the page, best first."""
    scored = [
        (fit(reading, page), place, reading) for place, reading in enumerate(read_state(page))
    ]
    fitting = [one for one in scored if one[0] >= 2.0]
    return [reading for _, _, reading in sorted(fitting, key=lambda one: (-one[0], one[1]))]


def _heading(page: Page) -> str | None:
    headings = [line(node.text(separator=" ")) for node in page.headings[:2]]
    return next((text[:400] for text in [*headings, *page.names] if text), None)


def _images(reading: Reading, page: Page) -> tuple[str, ...]:
    links = (page.absolute(link) for link in reading.images)
    return tuple(dict.fromkeys(link for link in links if link))


def _variants(reading: Reading, readings: Iterable[Reading]) -> tuple[Variant, ...]:
    """Return a reading's variants: its own, its sibling nodes, or its offers by code or address."""
    if reading.variants:
        return tuple(reading.variants)
    family = reading.source.partition("[")[0]
    siblings = [one for one in readings if one.source.partition("[")[0] == family]
    if len(siblings) > 1 and reading.trust > META:
        return tuple(
            Variant(one.name, one.sku, one.gtin, one.url, next(iter(one.priced()), None))
            for one in siblings
        )
    by_code = [offer for offer in reading.offers if offer.sku]
    if len({offer.sku for offer in by_code}) > 1:
        return tuple(Variant(sku=offer.sku, url=offer.url, offer=offer) for offer in by_code)
    return ()


def _offers(chosen: Claim) -> tuple[Offer, ...]:
    return tuple(chosen.reading.offers) if chosen.reading is not None else (chosen.offer,)
