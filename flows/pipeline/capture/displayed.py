"""The amounts that a page shows, each with where it stands and what it is.

One walk over the text nodes. It serves three ends: to confirm or refuse what structured data
claims, to settle how the page writes thousands (``24.990``), and, where nothing else names a
price, to find it. An amount is set aside as not the price by the words around it, by what the
elements above it say (struck, per unit, postage), because it stands in a list of other products
(the same place in the tree three times over), or inside a link.

The walk also notes the lines that state an availability, and the codes beside their labels.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import replace
from decimal import Decimal
from operator import itemgetter
from typing import Final

from selectolax.lexbor import LexborNode

from flows.pipeline.capture.amount_nodes import amounts_at
from flows.pipeline.capture.availability import BY_LINE, LONGEST_LINE
from flows.pipeline.capture.currency import Place
from flows.pipeline.capture.discounts import percent_in, without_discounted
from flows.pipeline.capture.labels import BY_LABEL, Labelled, label_of, labelled
from flows.pipeline.capture.notices import BY_NOTICE, LONGEST_NOTICE, Notice
from flows.pipeline.capture.page import Page, line
from flows.pipeline.capture.price_text import LONGEST
from flows.pipeline.capture.price_words import LONGEST_LABEL, Role, role_behind, role_of_label
from flows.pipeline.capture.product import Availability
from flows.pipeline.capture.showing import AFTER, BEFORE, Showing, Shown
from flows.pipeline.capture.surroundings import Elements
from flows.pipeline.capture.walk import Walk

MOST_AMOUNTS: Final = 600
"""Amounts of a page that are looked at: a long list has some hundreds."""
_LIST: Final = 3
"""Different amounts in the same place of the tree that make a list: one product has one price,
perhaps shown twice."""
_WORDS_REACH: Final = 3
"""Nodes between a text such as "was" in an element of its own and the amount that it is about."""
_LABEL_REACH: Final = 8
"""Nodes between a label and its code, in a table or a list."""
_BEHIND_REACH: Final = 4
"""Nodes between an amount and a text such as "per month" in the next element."""
_HEADINGS: Final = frozenset(("h2", "h3", "h4", "h5", "h6"))
_SECTION_UP: Final = 3
_OTHERS_UP: Final = 12
"""Elements above an amount among which the section of other products is looked for."""
_DIGIT: Final = re.compile(r"\d")
AROUND: Final = " .!:#*-–✓✔✕✗×\u00a0"
STATED: Final[dict[str, Availability | Labelled | Notice]] = {
    **BY_LABEL,
    **BY_LINE,
    **BY_NOTICE,
}
"""Whole lines that state an availability, announce a code, or say what follows or is missing."""
_LONGEST_LINE: Final = max(LONGEST_LINE, LONGEST_NOTICE)


def look(page: Page, claimed: bool = False) -> Showing:
    """Return what a page shows.

    Args:
        page: the page.
        claimed: structured data names a price, so that the amounts far from the heading are not
            needed to find one.
    """
    showing = Showing()
    body = page.tree.body
    if body is None:
        return showing
    walk = showing.walk = Walk(body, _heading(page))
    walk.go(AFTER)
    showing.heading = walk.heading
    _read(walk, showing, page.place, everywhere=not claimed)
    return showing


def _read(walk: Walk, showing: Showing, where: Place, *, everywhere: bool) -> None:
    """Read the texts near the heading; where no price stands there, those of all the page."""
    reader = _Reader(where, showing)
    first, last = 0, len(walk.found)
    if showing.heading is not None:
        first = bisect_left(walk.found, showing.heading - BEFORE, key=itemgetter(0))
    for one in walk.found[first:last]:
        reader.read(*one)
    listed = _without_lists(showing.amounts)
    if everywhere and not any(one.is_price() for one in listed):
        walk.go()
        for one in (*walk.found[:first], *walk.found[last:]):
            reader.read(*one)
        showing.amounts.sort(key=lambda shown: shown.place)
        listed = _without_lists(showing.amounts)
    showing.amounts = without_discounted(listed, reader.percents)


class _Reader:
    """Reads one text after the other into what a page shows."""

    def __init__(self, where: Place, showing: Showing) -> None:
        self._where = where
        self._showing = showing
        self._elements = Elements()
        self._seen: set[int] = set()
        self._others: set[int] = set()
        self._label: tuple[int, Labelled] | None = None
        self.percents: list[tuple[int, int]] = []
        self._before: tuple[int, str] = (-_LABEL_REACH, "")

    def read(self, place: int, node: LexborNode, text: str) -> None:
        """Note what one text says: an amount, a code behind its label, an availability."""
        text = text.strip()
        if self._label is not None and self._label[1] == "brand" and text not in ("", ":"):
            if place - self._label[0] <= _LABEL_REACH and len(text) <= LONGEST_LABEL:
                self._showing.codes.append((place, "brand", text))
            self._label = None
        if _DIGIT.search(text) is not None:
            if "%" in text and (percent := percent_in(text)) is not None:
                self.percents.append((place, percent))
            if len(text) <= LONGEST:
                self._read_code(text, place)
                self._read_amount(node, text, place)
            return
        self._read_behind(text, place)
        if 2 <= len(text) <= _LONGEST_LINE:
            if len(text) <= LONGEST_LABEL:
                self._before = (place, text)
            self._note(STATED.get(text.strip(AROUND).lower()), node, place)

    def _note(
        self, stated: Availability | Labelled | Notice | None, node: LexborNode, place: int
    ) -> None:
        """Note what a whole line states, if anything."""
        if isinstance(stated, Availability):
            if self._states(node.parent):
                self._showing.lines.append((place, stated))
        elif stated is Notice.ON_REQUEST:
            self._showing.on_request.append(place)
        elif stated is Notice.OTHERS:
            self._open_others(node)
        elif stated is not None:
            self._label = (place, stated)

    def _states(self, element: LexborNode | None) -> bool:
        """Say whether a line in an element is seen, and not of another product."""
        seen = element is not None and self._elements.around(element) is not None
        return seen and not self._is_of_others(element)

    def _read_behind(self, text: str, place: int) -> None:
        """Take back what the text just behind an amount says is no price: "per month"."""
        amounts = self._showing.amounts
        if not amounts or place - amounts[-1].place > _BEHIND_REACH:
            return
        if amounts[-1].role is Role.PRICE and (role := role_behind(text)) is not None:
            amounts[-1] = replace(amounts[-1], role=role)

    def _open_others(self, node: LexborNode) -> None:
        """Note the section that a heading such as "related products" opens.

        It is the smallest element around the heading that holds more than it, unless that holds
        the product's own heading too.
        """
        own = node.parent
        if own is not None and own.tag not in _HEADINGS:
            own = own.parent  # a heading that holds a link or a span
        if own is None or own.tag not in _HEADINGS:
            return
        section = own.parent
        for _ in range(_SECTION_UP):
            if section is None or section.tag in ("body", "html", "main"):
                return
            if len(section.text()) > 2 * _LONGEST_LINE or _DIGIT.search(section.text()):
                break
            section = section.parent
        if section is not None and section.css_first("h1") is None:
            self._others.add(section.mem_id)

    def _is_of_others(self, element: LexborNode | None) -> bool:
        current = element
        for _ in range(_OTHERS_UP if self._others else 0):
            if current is None:
                break
            if current.mem_id in self._others:
                return True
            current = current.parent
        return False

    def _read_code(self, text: str, place: int) -> None:
        if self._label is not None:
            if place - self._label[0] <= _LABEL_REACH:
                self._showing.codes.append((place, self._label[1], text))
            self._label = None
        elif (code := labelled(text)) is not None:
            self._showing.codes.append((place, *code))
        elif (label := label_of(text)) is not None:  # one with a digit in it: "ISBN-13"
            self._label = (place, label)

    def _read_amount(self, node: LexborNode, text: str, place: int) -> None:
        if len(self._showing.amounts) >= MOST_AMOUNTS:
            return
        found, element = amounts_at(node, text, self._where, self._seen, self._elements)
        around = self._elements.around(element) if found and element is not None else None
        if around is None:
            return
        elsewhere = around.elsewhere or self._is_of_others(element)
        for number, one in enumerate(found):
            struck = around.role is Role.STRUCK
            role = around.role if around.role and (struck or one.role is Role.PRICE) else one.role
            if role is Role.PRICE and number == 0 and place - self._before[0] <= _WORDS_REACH:
                role = role_of_label(self._before[1])
            self._showing.amounts.append(
                Shown(
                    text=one,
                    role=role,
                    place=place,
                    elsewhere=elsewhere,
                    labelled=around.labelled,
                    current=around.current,
                    marked_up=around.marked_up,
                    signature=around.signature,
                )
            )


def _heading(page: Page) -> LexborNode | None:
    """Return the h1 that shares most words with the title, None where no h1 has a text."""
    titles = set(" ".join(page.names[:2]).lower().split())
    best, most = None, -1
    for node in page.headings[:40]:
        words = set(line(node.text(separator=" ")).lower().split())
        shared = len(words & titles)
        if words and shared > most:
            best, most = node, shared
    return best


def _without_lists(amounts: list[Shown]) -> list[Shown]:
    """Return the amounts, those that stand in a list of products marked as elsewhere."""
    by_signature: dict[str, set[tuple[Decimal, ...]]] = {}
    for one in amounts:
        if one.role in (Role.PRICE, Role.PIECE):
            by_signature.setdefault(one.signature, set()).add(one.text.readings)
    lists = {key for key, found in by_signature.items() if len(found) >= _LIST}
    return [replace(one, elsewhere=True) if one.signature in lists else one for one in amounts]
