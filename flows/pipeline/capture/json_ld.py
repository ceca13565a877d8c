"""JSON-LD: every statement of a product in it, whatever graph, list or page it is wrapped in.

Products that a page merely mentions (related, similar, accessories, lists of others, subjects of
reviews) are left out here, by the property that leads to them. A node without a product's type
that has a name and offers (an event, a classified advertisement) counts, as ``typed=False``.
"""

from __future__ import annotations

from typing import Any, Final

from flows.pipeline.capture.json_text import MOST_DEPTH, read_objects
from flows.pipeline.capture.page import Page
from flows.pipeline.capture.reading import JSON_LD, Reading
from flows.pipeline.capture.schema_org import (
    PRODUCT_TYPES,
    Node,
    listed,
    lowered,
    reading_of,
    types,
    words,
)

_MENTIONED: Final = frozenset(
    (
        "isrelatedto", "issimilarto", "isaccessoryorsparepartfor", "isconsumablefor", "review",
        "reviews", "itemlistelement", "itemreviewed", "hasoffercatalog", "offers",
        "hasvariant", "isvariantof", "predecessorof", "successorof", "seller", "makesoffer",
    )
)  # fmt: skip
"""Properties that lead away from the page's own product."""


def read_json_ld(page: Page) -> list[Reading]:
    """Return what the JSON-LD of a page says, in its order."""
    found: list[Reading] = []
    crumbs: list[str] = []
    for number, text in enumerate(page.json_ld):
        for value in read_objects(text):
            _walk(value, page, f"json-ld[{number}]", found, crumbs, 0)
    for reading in found:
        reading.breadcrumbs = reading.breadcrumbs or crumbs
    return found


def _walk(
    value: Any, page: Page, source: str, found: list[Reading], crumbs: list[str], depth: int
) -> None:
    if depth > MOST_DEPTH:
        return
    if isinstance(value, list):
        for one in value:
            _walk(one, page, source, found, crumbs, depth + 1)
        return
    if not isinstance(value, dict):
        return
    node = lowered(value)
    kinds = types(node)
    if "breadcrumblist" in kinds:
        crumbs.extend(crumb for crumb in breadcrumbs(node) if not crumbs or crumb not in crumbs)
        return
    is_product = bool(PRODUCT_TYPES & set(kinds))
    if is_product or (node.get("offers") and node.get("name")):
        kind = next((k for k in kinds if k in PRODUCT_TYPES), kinds[0] if kinds else "node")
        found.append(reading_of(node, page.place, f"{source}:{kind}", JSON_LD))
        return
    for key, one in node.items():
        if key not in _MENTIONED and isinstance(one, dict | list):
            _walk(one, page, source, found, crumbs, depth + 1)


def breadcrumbs(node: Node) -> list[str]:
    """Return the names of a BreadcrumbList in the order of their positions."""
    items = []
    for place, one in enumerate(listed(node.get("itemlistelement"))[:30]):
        inner = lowered(one)
        name = words(inner.get("name")) or words(inner.get("item"))
        position = str(inner.get("position"))
        rank = int(position) if position.isdecimal() and len(position) < 6 else place
        if name:
            items.append((rank, place, name))
    return [name for _, _, name in sorted(items)]
