"""The rules of a site file, applied to a page.

A rule that finds nothing leaves the field to the other sources; the trial says so. A rule for the
price is read as the price it names, currency included: from the text itself, else from the rule
for the currency, else from the site file.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flows.pipeline.capture.availability import from_code
from flows.pipeline.capture.currency import currency_code
from flows.pipeline.capture.json_path import follow, parts
from flows.pipeline.capture.json_text import read_objects
from flows.pipeline.capture.page import Page, line
from flows.pipeline.capture.price_text import price_texts
from flows.pipeline.capture.product import Availability, Offer
from flows.pipeline.capture.reading import RULES, Reading
from flows.pipeline.capture.schema_org import listed, machine_amount, words
from flows.pipeline.capture.site import FieldRule, Site
from flows.pipeline.normalise.gtin import gtin14


def read_rules(page: Page) -> list[Reading]:
    """Return what the site's rules find on a page: one reading, or none without rules."""
    site = page.site
    if site is None or not site.rules:
        return []
    found: dict[str, Any] = {
        str(name): value
        for name, rule in site.rules.items()
        if (value := _find(page, rule, many=name in ("images", "breadcrumbs"))) is not None
    }
    reading = Reading(
        source="site-rules",
        trust=RULES,
        name=words(found.get("name")),
        sku=words(found.get("sku")),
        gtin=gtin14(words(found.get("gtin"))),
        mpn=words(found.get("mpn")),
        brand=words(found.get("brand")),
        description=words(found.get("description")),
        images=[one for one in listed(found.get("images")) if isinstance(one, str)],
        breadcrumbs=[text for one in listed(found.get("breadcrumbs")) if (text := words(one))],
    )
    offer = _offer(page, site, found)
    if offer.price is not None or offer.availability is not Availability.UNKNOWN:
        reading.offers = [offer]
    return [reading]


def _offer(page: Page, site: Site, found: dict[str, Any]) -> Offer:
    said = currency_code(words(found.get("currency")), page.place) or site.currency
    price, currency = _money(page, found.get("price"), said)
    regular, regular_currency = _money(page, found.get("regular_price"), said)
    if price is None or regular is None or regular <= price or regular_currency != currency:
        regular = None
    return Offer(
        price=price,
        currency=currency if price is not None else None,
        regular_price=regular,
        availability=from_code(found.get("availability")),
        source="site-rules:price" if price is not None else "site-rules",
    )


def _money(page: Page, value: Any, currency: str | None) -> tuple[Decimal | None, str | None]:
    texts = price_texts(value, page.place) if isinstance(value, str) else []
    marked = [one for one in texts if one.markers and one.amount is not None]
    if len(marked) == 1:
        return marked[0].amount, marked[0].currency or currency
    return machine_amount(value, currency, page.place), currency


def _find(page: Page, rule: FieldRule, *, many: bool) -> Any:
    if rule.css is not None:
        values = []
        for element in page.tree.css(rule.css)[:50]:
            if rule.attribute is not None:
                value = element.attributes.get(rule.attribute)
            else:
                value = line(element.text(separator=" "))
            if value and value.strip():
                values.append(value)
        return (values if many else values[0]) if values else None
    path = parts(rule.json_path or "")
    chosen = rule.script or "script"
    for element in page.tree.css(chosen)[:200]:
        for value in read_objects(element.text()):
            found = follow(value, path)
            if found is not None:
                return found
    return None
