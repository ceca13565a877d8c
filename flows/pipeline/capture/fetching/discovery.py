"""What an answer leads to: further addresses, by the kind of what was asked for.

A page that says by its markup that it is a product is not followed: its links are other products,
which the listings name anyway.
"""

from __future__ import annotations

import re
from typing import Final

from flows.pipeline.capture.decode import decode_page
from flows.pipeline.capture.fetching.frontier import Frontier
from flows.pipeline.capture.fetching.links import canonical, host_of, read_links, within
from flows.pipeline.capture.fetching.sitemap import read_sitemap
from flows.pipeline.capture.fetching.visit import Found
from flows.pipeline.capture.site import Site

_PRODUCT_NODE: Final = re.compile(rb'"@type"\s*:\s*\[?\s*"Product(?:Group)?"')
_PRODUCT_META: Final = re.compile(
    rb"""property=["']og:type["'][^>]*content=["'](?:og:)?product["']"""
    rb"""|content=["'](?:og:)?product["'][^>]*property=["']og:type["']""",
    re.I,
)
_PRODUCT_ITEM: Final = re.compile(rb"""itemtype=["']https?://schema\.org/Product["']""", re.I)
_SITEMAPS_DEEP: Final = 3


class Discovery:
    """What the answers of one site lead to.

    Args:
        site: with its rule for product addresses.
        hosts: of the site.
    """

    def __init__(self, site: Site, hosts: frozenset[str]) -> None:
        self._hosts = hosts
        self._products = re.compile(site.product_urls) if site.product_urls else None
        self._follows = bool(site.start_urls)

    def found(
        self, asked: Found, body: bytes, url: str, content_type: str | None, frontier: Frontier
    ) -> tuple[tuple[Found, ...], str | None]:
        """Return the new addresses that an answer leads to, and what is wrong with it.

        They are in the frontier afterwards.

        Args:
            asked: what was visited.
            body: decompressed.
            url: after redirects.
            content_type: the header of that name.
            frontier: knows what is new.
        """
        if asked.kind == "sitemap":
            return self._of_sitemap(asked, body, frontier)
        if asked.kind == "listing" or (asked.kind == "page" and self._leads_on(asked, body)):
            return self._of_listing(asked, body, url, content_type, frontier), None
        return (), None

    def _of_sitemap(
        self, asked: Found, body: bytes, frontier: Frontier
    ) -> tuple[tuple[Found, ...], str | None]:
        sitemap = read_sitemap(body)
        further: list[Found] = []
        if asked.depth < _SITEMAPS_DEEP:
            further = [
                Found(one, "sitemap", asked.depth + 1) for one in self._own(sitemap.sitemaps)
            ]
        pages = [Found(one, "page") for one in self._own(sitemap.pages) if self._may_be(one)]
        return frontier.add([*further, *pages]), sitemap.problem

    def _of_listing(
        self, asked: Found, body: bytes, url: str, content_type: str | None, frontier: Frontier
    ) -> tuple[Found, ...]:
        links = read_links(decode_page(body, content_type), url, self._hosts)
        pages = frontier.add(Found(one, "page", asked.depth + 1) for one in links.pages)
        if links.following is None:
            return pages
        barren = 0 if pages else asked.barren + 1
        following = Found(links.following, "listing", asked.depth, asked.chain + 1, barren)
        return pages + frontier.add([following])

    def _leads_on(self, asked: Found, body: bytes) -> bool:
        """Say whether a page is followed: it was found by links, and is no product itself."""
        if not self._follows:
            return False
        if self._products is not None:
            return not self._products.search(asked.url)
        return not looks_like_product(body)

    def _own(self, urls: list[str]) -> list[str]:
        known = (canonical(url) for url in urls)
        return [url for url in known if url is not None and within(host_of(url), self._hosts)]

    def _may_be(self, url: str) -> bool:
        return self._products is None or bool(self._products.search(url))


def looks_like_product(body: bytes) -> bool:
    """Say whether a page's markup says that it is one product.

    A listing may describe all of its products; a product describes itself, and maybe a few more.
    """
    if _PRODUCT_META.search(body):
        return True
    if b"ItemList" in body or b"CollectionPage" in body:
        return False
    nodes = len(_PRODUCT_NODE.findall(body)) or len(_PRODUCT_ITEM.findall(body))
    return 1 <= nodes <= 3
