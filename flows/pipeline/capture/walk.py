"""The texts of a page in reading order, as far as somebody wants them.

Walking all nodes of a page costs as much as parsing it, and most of a page stands far behind the
product: menus, other products, terms. So the walk stops behind the product's box and goes on only
when it is asked for the rest.
"""

from __future__ import annotations

from typing import Final

from selectolax.lexbor import LexborNode

from flows.pipeline.capture.price_text import LONGEST
from flows.pipeline.capture.surroundings import UNSEEN

MOST_NODES: Final = 200_000


class Walk:
    """A walk over the nodes below one element.

    Args:
        body: the element.
        heading: the heading that names the product, None where there is none.

    Attributes:
        found: place, node and text of every text so far that is no prose and no script.
        heading: the place of the heading, None until it is met.
    """

    def __init__(self, body: LexborNode, heading: LexborNode | None) -> None:
        self._nodes = enumerate(body.traverse(include_text=True, skip_empty=True))
        self._heading_id = None if heading is None else heading.mem_id
        self._skip = False
        self.found: list[tuple[int, LexborNode, str]] = []
        self.heading: int | None = None

    def go(self, beyond: int | None = None) -> None:
        """Walk on, to the end or until so many nodes behind the heading."""
        stop = MOST_NODES
        if beyond is not None and self.heading is not None:
            stop = self.heading + beyond
        skip, found = self._skip, self.found
        for place, node in self._nodes:
            if node.is_text_node:
                if skip:  # the text of a script, which is the larger part of many pages
                    skip = False
                elif (text := node.text_content) is not None and len(text) <= 2 * LONGEST:
                    found.append((place, node, text))
            else:
                tag = node.tag
                if tag in UNSEEN:
                    skip = node.first_child is not None
                elif tag == "h1" and node.mem_id == self._heading_id:
                    self.heading = place
                    stop = MOST_NODES if beyond is None else place + beyond
            if place >= stop:
                break
        self._skip = skip

    def texts(self) -> list[str]:
        """Return the texts of all the page."""
        self.go()
        return [text for _, _, text in self.found]
