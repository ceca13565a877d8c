"""Microdata, read into the same nested nodes as JSON-LD.

One selection of everything that carries ``itemscope`` or ``itemprop``; each property goes to the
nearest scope above it. That is the part of the standard that shops use: ``itemref`` is not
followed. A price whose element shows two amounts (the new and the struck one) is left to what the
page shows.
"""

from __future__ import annotations

from typing import Any, Final

from selectolax.lexbor import LexborNode

from flows.pipeline.capture.json_ld import breadcrumbs
from flows.pipeline.capture.page import Page, line
from flows.pipeline.capture.reading import MICRODATA, Reading
from flows.pipeline.capture.schema_org import PRODUCT_TYPES, Node, lowered, reading_of, types

MOST_PROPERTIES: Final = 5_000
_LONGEST_VALUE: Final = 5_000
_LINKS: Final = {
    **dict.fromkeys(("a", "link", "area"), "href"),
    **dict.fromkeys(("img", "source", "iframe"), "src"),
    "object": "data",
    "data": "value",
    "time": "datetime",
}
"""Element to the attribute that is its value, as the HTML standard has it."""


def read_microdata(page: Page) -> list[Reading]:
    """Return what the microdata of a page says, in its order."""
    if not page.has_microdata:
        return []
    scopes: dict[int, Node] = {}
    tops: list[Node] = []
    for element in page.tree.css("[itemscope],[itemprop]")[:MOST_PROPERTIES]:
        attributes = element.attributes
        is_scope = "itemscope" in attributes
        if is_scope and element.mem_id in scopes:
            continue  # found by both selectors
        parent = _scope_above(element, scopes)
        value: Any = None
        if is_scope:
            kinds = (attributes.get("itemtype") or "").split()
            value = scopes[element.mem_id] = {"@type": kinds}
        names = (attributes.get("itemprop") or "").split()
        if parent is None or not names:
            if is_scope:
                tops.append(value)
            continue
        if not is_scope:
            value = _value(element, attributes)
        for name in names[:5]:
            parent.setdefault(name, []).append(value)
    found: list[Reading] = []
    crumbs: list[str] = []
    for number, node in enumerate(tops):
        _collect(node, page, number, found, crumbs)
    for reading in found:
        reading.breadcrumbs = crumbs
    return found


def _scope_above(element: LexborNode, scopes: dict[int, Node]) -> Node | None:
    parent = element.parent
    for _ in range(200):
        if parent is None:
            return None
        scope = scopes.get(parent.mem_id)
        if scope is not None:
            return scope
        parent = parent.parent
    return None


def _value(element: LexborNode, attributes: dict[str, str | None]) -> str | None:
    content = attributes.get("content")
    if content is not None:
        return content
    link = _LINKS.get(element.tag or "")
    if link is not None and attributes.get(link):
        return attributes.get(link)
    return line(element.text(separator=" ")[:_LONGEST_VALUE])


def _collect(node: Node, page: Page, number: int, found: list[Reading], crumbs: list[str]) -> None:
    """Read a scope that is no property of another, and products that a web page holds."""
    kinds = types(node)
    if PRODUCT_TYPES & set(kinds):
        found.append(
            reading_of(lowered(node), page.place, f"microdata[{number}]:product", MICRODATA)
        )
    elif "breadcrumblist" in kinds:
        crumbs.extend(breadcrumbs(lowered(node)))
    else:
        for key in ("mainEntity", "mainEntityOfPage", "itemOffered", "breadcrumb"):
            for inner in node.get(key, []):
                if isinstance(inner, dict):
                    _collect(inner, page, number, found, crumbs)
