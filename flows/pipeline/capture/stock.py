"""Whether the product can be bought: what structured data states, held against what stands there.

Structured data is often written by a template that always says "in stock". A line near the
heading that says "sold out", with nothing near it that sells, goes before that. Such a line among
other products, or one of many (a size in a list), says nothing of the page's product.
"""

from __future__ import annotations

from typing import Final

from flows.pipeline.capture.availability import combined
from flows.pipeline.capture.product import Availability
from flows.pipeline.capture.reading import Reading
from flows.pipeline.capture.showing import AFTER, BEFORE, Showing

_LINE: Final = 0.6
"""Confidence of a line of the page."""
_SELLING: Final = {Availability.IN_STOCK, Availability.PREORDER, Availability.BACKORDER}
SOLD_OUT: Final = (Availability.OUT_OF_STOCK, Availability.DISCONTINUED)
"""What cannot be bought now."""


def near_lines(showing: Showing) -> set[Availability]:
    """Return what the lines near the product's heading, or near its price, state."""
    return {stated for place, stated in showing.lines if is_near(place, showing)}


def is_near(place: int, showing: Showing) -> bool:
    """Say whether a place of the page is near the product's heading or its first price."""
    anchors = [showing.heading] if showing.heading is not None else []
    anchors += [one.place for one in showing.amounts if one.is_price() and one.labelled][:1]
    return any(-BEFORE <= place - anchor <= AFTER for anchor in anchors)


def choose_availability(
    readings: list[Reading], showing: Showing
) -> tuple[Availability, str, float] | None:
    """Return the availability with its source and confidence, None where nothing states one.

    Args:
        readings: of the page's own product, the most trusted first.
        showing: what the page shows.
    """
    lines = near_lines(showing)
    sells = bool(lines & _SELLING)
    shown = next((one for one in SOLD_OUT if one in lines), None)
    for reading in readings:
        stated = combined([offer.availability for offer in reading.offers])
        if stated is Availability.UNKNOWN:
            continue
        if stated is Availability.IN_STOCK and shown is not None and not sells:
            return shown, "page:line", _LINE
        if stated is Availability.OUT_OF_STOCK and lines == {Availability.PREORDER}:
            return Availability.PREORDER, "page:line", _LINE  # "not in stock" of what is to come
        return stated, reading.source, reading.trust
    if shown is not None and not sells:
        return shown, "page:line", _LINE
    if sells and shown is None:
        found = combined(list(lines))
        return found, "page:line", _LINE
    return None
