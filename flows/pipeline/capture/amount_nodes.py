"""From a text node to the amounts of money at it.

Shops set the sign, the units and the cents of one price in elements of their own
(``<b>19</b><sup>99</sup> <i>€</i>``). A bare number is therefore read together with the smallest
elements around it, as long as these are no longer than a price is.
"""

from __future__ import annotations

import re
from typing import Final

from selectolax.lexbor import LexborNode

from flows.pipeline.capture.currency import Place
from flows.pipeline.capture.price_text import PriceText, has_marker, price_texts
from flows.pipeline.capture.surroundings import UNSEEN, Elements

_BARE: Final = re.compile(r"[\s\d.,'’\-–]{1,20}")
_WIDEST: Final = 40
"""Characters of an element that is a price and nothing else: "Now only 1 299,00 EUR incl. VAT"."""
_UP: Final = 3
"""Elements around a number that can be one price."""
_MOST_JOINED: Final = 240
"""The same with the blanks that a template leaves; more text is no price, and is not looked at."""
_BREAK: Final = "\x1f"
"""Stands between the texts of two elements: a control character that no page shows."""
_TWO_DIGITS: Final = re.compile(r"\d\d")


def amounts_at(
    node: LexborNode, text: str, where: Place, seen: set[int], elements: Elements
) -> tuple[list[PriceText], LexborNode | None]:
    """Return the amounts of money at a text node, and the element that holds them.

    Args:
        node: the text node.
        text: its text, stripped.
        where: the page's conventions.
        seen: elements whose amounts were given before; added to.
        elements: the page's elements.
    """
    element = node.parent
    if element is None or element.tag in UNSEEN:
        return [], None
    if _BARE.fullmatch(text):
        return _widened(element, where, seen, elements)
    return price_texts(text, where, bare=False), element


def _widened(
    element: LexborNode, where: Place, seen: set[int], elements: Elements
) -> tuple[list[PriceText], LexborNode]:
    """Return the amounts in the smallest element around a bare number in which it is money."""
    current: LexborNode | None = element
    above: list[LexborNode] = []
    for _ in range(_UP):
        if current is None:
            break
        parts = current.text(separator=_BREAK)
        if len(parts) > _MOST_JOINED:
            break
        if has_marker(parts):
            joined = _joined(parts)
            if current.mem_id in seen or len(joined) > _WIDEST:
                return [], element
            seen.add(current.mem_id)
            return _with_cents(price_texts(joined, where, bare=False), current, where, seen)
        above.append(current)
        current = current.parent
    if element.mem_id in seen or not any(map(elements.is_labelled, above)):
        return [], element
    seen.add(element.mem_id)
    return price_texts(joined_text(element), where), element


def _with_cents(
    found: list[PriceText], element: LexborNode, where: Place, seen: set[int]
) -> tuple[list[PriceText], LexborNode]:
    """Return the amount of the element above, where that has the same one with cents behind it."""
    above = element.parent
    if len(found) != 1 or above is None or above.mem_id in seen:
        return found, element
    joined = joined_text(above)
    if not 0 < len(joined) <= _WIDEST:
        return found, element
    longer = price_texts(joined, where, bare=False)
    if len(longer) == 1 and longer[0].raw != found[0].raw and _begins(longer[0], found[0]):
        seen.add(above.mem_id)
        return longer, above
    return found, element


def _begins(longer: PriceText, shorter: PriceText) -> bool:
    return longer.raw[:-3] == shorter.raw and longer.raw[-3] in ".,"


def joined_text(element: LexborNode) -> str:
    """Return an element's text, cents that stand in an element of their own joined by a point.

    Empty for an element with more text than a price has.
    """
    whole = element.text(separator=_BREAK)
    return _joined(whole) if len(whole) <= _MOST_JOINED else ""


def _joined(whole: str) -> str:
    joined = ""
    for part in (one.strip() for one in whole.split(_BREAK)):
        if not part:
            continue
        if not joined:
            joined = part
        elif joined[-1].isdigit() and _TWO_DIGITS.fullmatch(part):
            # "19" "99": the sign between them is drawn, not written.
            last = re.split(r"[^\d.,]", joined)[-1]
            joined += f" {part}" if last[-3:-2] in (".", ",") else f".{part}"
        elif (joined[-1] in ".," or part[0] in ".,") and (part[-1].isdigit() or part in ".,"):
            joined += part
        else:
            joined += f" {part}"
    return joined
