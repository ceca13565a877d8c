"""A page, parsed once and asked many times.

Parsing is a third of the whole cost, so every reader works on the same tree, and what several of
them need (scripts, meta tags, headings, the canonical address) is gathered here once. The text
nodes are walked only by ``displayed``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from flows.pipeline.capture.currency import Place, country_currency, customary_decimal
from flows.pipeline.capture.site import Site

LONGEST_NAME: Final = 400
"""A heading beyond it is a page that forgot to close a tag."""
MOST_META: Final = 400


@dataclass(frozen=True)
class Script:
    """A script element: what its tag says, and its text when it is asked for."""

    id: str
    type: str
    node: LexborNode

    @property
    def text(self) -> str:
        """The script's text, copied out of the tree at each call."""
        return self.node.text()


class Page:
    """One page.

    Args:
        text: valid UTF-8, as ``decode_page`` gives it.
        url: the address that was asked for.
        site: the site file, where there is one.
    """

    def __init__(self, text: bytes, url: str, site: Site | None = None) -> None:
        self.url = url
        self.site = site
        self.tree = LexborHTMLParser(text or b" ")
        # Looking for a word in the bytes is a tenth of looking for an element in the tree.
        self.has_microdata = b"itemprop" in text
        self.has_json_ld = b"ld+json" in text
        self.has_h1 = b"<h1" in text or b"<H1" in text

    @cached_property
    def scripts(self) -> list[Script]:
        """All scripts with a text of their own."""
        found = []
        for node in self.tree.css("script"):
            if node.first_child is not None:
                attributes = node.attributes
                kind = (attributes.get("type") or "").lower()
                found.append(Script(attributes.get("id") or "", kind, node))
        return found

    @cached_property
    def _marked(self) -> list[LexborNode]:
        """The h1 elements and the JSON-LD scripts: one search of the tree for both."""
        wanted = ["h1"] if self.has_h1 else []
        wanted += ['script[type*="ld+json" i]'] if self.has_json_ld else []
        return self.tree.css(", ".join(wanted)) if wanted else []

    @cached_property
    def json_ld(self) -> list[str]:
        """The texts of the scripts that are JSON-LD."""
        return [node.text() for node in self._marked if node.tag == "script"]

    def _of_head(self, selector: str) -> list[LexborNode]:
        """Return elements of the head; of all the page where the head has none.

        A stray element ends the head early and leaves the rest of it in the body.
        """
        head = self.tree.head
        return (head.css(selector) if head is not None else []) or self.tree.css(selector)

    @cached_property
    def meta(self) -> dict[str, list[str]]:
        """Meta tags: name, property or itemprop in lower case → their contents."""
        found: dict[str, list[str]] = {}
        for node in self._of_head("meta")[:MOST_META]:
            attributes = node.attributes
            content = (attributes.get("content") or "").strip()
            name = attributes.get("property") or attributes.get("name")
            if content and name:
                found.setdefault(name.strip().lower(), []).append(content)
        return found

    @cached_property
    def headings(self) -> list[LexborNode]:
        """The h1 elements."""
        return [node for node in self._marked if node.tag == "h1"]

    @cached_property
    def names(self) -> list[str]:
        """What the page calls itself: og:title, title, and the h1 that goes with them, if any."""
        titles = self._of_head("title")
        found = [*self.meta.get("og:title", [])[:1], *self.meta.get("twitter:title", [])[:1]]
        found += [line(title.text()) for title in titles[:1]]
        found += [line(node.text(separator=" ")) for node in self.headings[:3]]
        return [name[:LONGEST_NAME] for name in found if name]

    @cached_property
    def canonical(self) -> str | None:
        """The address that the page gives itself, absolute."""
        nodes = self._of_head('link[rel="canonical"]')
        href = nodes[0].attributes.get("href") if nodes else None
        return self.absolute(href) if href and href.strip() else None

    @cached_property
    def place(self) -> Place:
        """The conventions for money, as far as address, language and site file tell."""
        root = self.tree.root
        language = None if root is None else root.attributes.get("lang")
        site = self.site
        if site and site.locale:
            language = site.locale
        return Place(
            country_currency=country_currency(self.url, language),
            customary=customary_decimal(self.url, language),
            site_currency=site.currency if site else None,
            decimal=site.decimal if site else None,
        )

    def absolute(self, link: str) -> str | None:
        """Return a link of the page as an absolute http(s) address, None if it is none."""
        try:
            found = urljoin(self.url, link.strip())
            return found if urlsplit(found).scheme in ("http", "https") else None
        except ValueError:
            return None


def line(text: str) -> str:
    """Return a text with its white space collapsed."""
    return " ".join(text.split())
