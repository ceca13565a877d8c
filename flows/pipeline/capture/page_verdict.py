"""What an answer of a site is: a product, a page that is gone, a block page, or nothing usable.

A block page and a "not found" page often come with status 200, and the word "captcha" stands on a
fifth of ordinary product pages, so neither status nor words decide. Two things do:

- **Structure.** Pages of one site share a skeleton (the elements and classes of header, menu,
  footer). A block page has none of it; a soft 404 has all of it and no product.
- **Comparison.** Products differ from each other. The same text under several addresses, or the
  text that the site gives for an address that cannot exist (a probe), is no product.

Blocked, out of stock and delisted are three things: a page that was not seen says nothing of the
product (its last value is carried), a page that says "sold out" says so, and only a page that is
gone on ``RUNS_TO_DELIST`` runs in a row takes the product off the list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from flows.pipeline.capture.page import Page
from flows.pipeline.capture.product import Availability, Product

RUNS_TO_DELIST: Final = 2
"""Runs in a row on which a page must be gone: one may be an error of the shop's."""
UNLIKE: Final = 0.15
"""Share of the site's skeleton below which a page is none of the site's own: pages of one site
share over half of it, pages of two sites next to nothing."""
FEW_WORDS: Final = 150
"""A page that explains why it shows nothing is short."""
MOST_PARTS: Final = 4_000


class Verdict(StrEnum):
    """What an answer is."""

    PRODUCT = "product"
    GONE = "gone"  # the server says so
    SOFT_404 = "soft_404"  # the page says so, with status 200
    BLOCKED = "blocked"
    EMPTY = "empty"  # of the site, no product found, nothing to compare it with
    ERROR = "error"


class Listing(StrEnum):
    """What is known of a product after a run."""

    LISTED = "listed"
    OUT_OF_STOCK = "out_of_stock"
    MISSING = "missing"  # gone for the first time
    DELISTED = "delisted"
    UNSEEN = "unseen"  # blocked or failed: nothing was learnt


@dataclass(frozen=True)
class Shape:
    """The skeleton and the text of a page, as far as comparison needs them.

    Attributes:
        parts: elements with their first class, each once.
        text: a hash of the words.
        words: how many there are.
    """

    parts: frozenset[str]
    text: str
    words: int


@dataclass(frozen=True)
class Baseline:
    """What is known of a site's answers.

    Attributes:
        parts: what most of its product pages share; empty while nothing is known.
        probe: the text hash of its answer to an address that cannot exist, None if not asked.
    """

    parts: frozenset[str] = frozenset()
    probe: str | None = None


def shape_of(page: Page) -> Shape:
    """Return the shape of a page."""
    parts = set()
    for element in page.tree.css("body *")[:MOST_PARTS]:
        classes = (element.attributes.get("class") or "").split()
        parts.add(f"{element.tag}.{classes[0]}" if classes else str(element.tag))
    body = page.tree.body
    words = (body.text(separator=" ") if body is not None else "").split()
    digest = hashlib.sha256(" ".join(words).encode()).hexdigest()
    return Shape(frozenset(parts), digest, len(words))


def baseline_of(shapes: Sequence[Shape], probe: str | None = None) -> Baseline:
    """Return what at least half of a site's product pages share."""
    counts: dict[str, int] = {}
    for shape in shapes:
        for part in shape.parts:
            counts[part] = counts.get(part, 0) + 1
    common = frozenset(part for part, count in counts.items() if 2 * count >= len(shapes))
    return Baseline(common if shapes else frozenset(), probe)


def likeness(shape: Shape, baseline: Baseline) -> float:
    """Return the share of the site's skeleton that a page has, from 0 to 1; 1 if none is known."""
    if not baseline.parts:
        return 1.0
    return len(shape.parts & baseline.parts) / len(baseline.parts)


def judge(
    status: int,
    product: Product | None,
    shape: Shape | None,
    baseline: Baseline,
    repeated: Collection[str] = (),
) -> Verdict:
    """Return what an answer is.

    Args:
        status: of HTTP, after redirects; 0 where there was no answer.
        product: what was extracted, None where there was no body.
        shape: of the page, None where there was no body.
        baseline: of the site.
        repeated: text hashes that this run met under several addresses.
    """
    if status in (404, 410):
        return Verdict.GONE
    if status in (401, 403, 407, 429, 451):
        return Verdict.BLOCKED
    if status == 0 or status >= 400 or shape is None or product is None:
        return Verdict.ERROR
    same = shape.text == baseline.probe or shape.text in repeated
    foreign = bool(baseline.parts) and likeness(shape, baseline) < UNLIKE
    if foreign and (same or product.price is None):
        return Verdict.BLOCKED
    if same:
        return Verdict.SOFT_404
    if product.price is not None or _states_stock(product):
        return Verdict.PRODUCT
    # Of the site's own skeleton, short and without a product: an apology.
    if baseline.parts and shape.words < FEW_WORDS:
        return Verdict.SOFT_404
    return Verdict.EMPTY


def _states_stock(product: Product) -> bool:
    return product.name is not None and product.availability is not Availability.UNKNOWN


def listing(verdicts: Sequence[Verdict], availability: Availability) -> Listing:
    """Return what is known of a product after its last runs.

    Args:
        verdicts: of its page, the oldest first, the last one today's; not empty.
        availability: as today's page states it.
    """
    gone = (Verdict.GONE, Verdict.SOFT_404)
    today = verdicts[-1]
    if today is Verdict.PRODUCT:
        out = (Availability.OUT_OF_STOCK, Availability.DISCONTINUED)
        return Listing.OUT_OF_STOCK if availability in out else Listing.LISTED
    if today not in gone:
        return Listing.UNSEEN
    seen = [verdict for verdict in verdicts if verdict in gone or verdict is Verdict.PRODUCT]
    in_a_row = seen[-RUNS_TO_DELIST:]
    delisted = len(in_a_row) == RUNS_TO_DELIST and all(verdict in gone for verdict in in_a_row)
    return Listing.DELISTED if delisted else Listing.MISSING
