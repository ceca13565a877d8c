"""Links of a page: which of them lead to products, and which to the next page of a listing.

Without a rule of the site file every link within the site may lead to a product; what surely does
not (baskets, accounts, files) is left out. The next page is known by ``rel=next``, by a label
that says so, or by an address that is the listing's own with another page number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode
from w3lib.url import canonicalize_url

MOST_LINKS: Final = 5_000
_LONGEST: Final = 2_000
"""Characters of an address; longer ones are sessions or traps."""
_NO_PAGE: Final = re.compile(
    r"\.(?:jpe?g|png|gif|webp|avif|svg|ico|css|js|mjs|woff2?|ttf|pdf|zip|gz|mp4|webm|mp3|json|xml"
    r"|txt|rss|docx?|xlsx?)$",
    re.I,
)
_NO_PRODUCT: Final = re.compile(
    r"/(?:cart|basket|bag|checkout|account|my-?account|login|log-?in|sign-?in|register|logout"
    r"|wishlist|compare|warenkorb|kasse|konto|anmelden|panier|compte|carrito|cuenta|cdn-cgi"
    r"|wp-admin|wp-login\.php|privacy|terms|impressum|datenschutz|contact|kontakt)(?:[/?#.]|$)",
    re.I,
)
_TRACKING: Final = re.compile(
    r"^(?:utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|_ga|sid|phpsessid)$", re.I
)
_PAGE_NAMES: Final = frozenset({"page", "p", "pg", "paged", "seite", "pagina", "start", "offset"})
_PAGE_PATH: Final = re.compile(r"/(?:page|seite|pagina)[/-]?(\d+)/?$", re.I)
_NEXT_WORDS: Final = re.compile(r"^\W*(?:next|weiter|nächste|suivant|siguiente|volgende)\b", re.I)


@dataclass(frozen=True)
class Links:
    """The links of one page that stay within the site.

    Attributes:
        pages: in the order of the page, each once.
        following: the next page of the listing that it is, None if it is no listing or the last.
    """

    pages: tuple[str, ...] = ()
    following: str | None = None


def host_of(url: str) -> str:
    """Return the host of an address, with its port where it has one; "" if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    name = (parts.hostname or "").rstrip(".")
    return f"{name}:{port}" if port not in (None, 80, 443) else name


def within(host: str, hosts: Collection[str]) -> bool:
    """Say whether a host belongs to a site: one of its hosts, one below, or ``www.`` or without."""
    bare = host.removeprefix("www.")
    return any(
        bare == own or bare.endswith(f".{own}")
        for own in (one.removeprefix("www.") for one in hosts)
    )


def canonical(url: str) -> str | None:
    """Return the one form of an address under which it is known; None if it is no web address.

    Fragment and tracking parameters are gone, the parameters sorted, the escapes uniform.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or len(url) > _LONGEST:
            return None
        if parts.query:
            kept = [
                (name, value)
                for name, value in parse_qsl(parts.query, keep_blank_values=True)
                if not _TRACKING.match(name)
            ]
            url = parts._replace(query=urlencode(kept)).geturl()
        return str(canonicalize_url(url))
    except (ValueError, UnicodeError):
        return None


def read_links(html: bytes, url: str, hosts: Collection[str]) -> Links:
    """Return the links of a page.

    Args:
        html: as UTF-8.
        url: of the page, after redirects.
        hosts: of the site.
    """
    tree = LexborHTMLParser(html)
    base = tree.css_first("base[href]")
    root = urljoin(url, base.attributes.get("href") or "") if base is not None else url
    own = canonical(url)
    pages: dict[str, None] = {}
    following: str | None = None
    for node, address in _addresses(tree, root):
        if address == own or not within(host_of(address), hosts):
            continue
        if _is_next(node) or _is_later_page(own or url, address):
            if following is None or _number(address) < _number(following):
                following = address
        elif not (_is_no_product(node, address) or _is_same_listing(own or url, address)):
            pages.setdefault(address)
    return Links(tuple(pages), following)


def _addresses(tree: LexborHTMLParser, root: str) -> Iterator[tuple[LexborNode, str]]:
    for node in tree.css("a[href], link[rel=next][href]")[:MOST_LINKS]:
        href = (node.attributes.get("href") or "").strip()
        if not href or href.startswith(("#", "javascript:", "mailto:", "tel:", "data:")):
            continue
        try:
            address = canonical(urljoin(root, href))
        except ValueError:
            continue
        if address is not None:
            yield node, address


def _is_no_product(node: LexborNode, address: str) -> bool:
    if "nofollow" in (node.attributes.get("rel") or "").lower().split():
        return True
    path = urlsplit(address).path
    return bool(_NO_PAGE.search(path) or _NO_PRODUCT.search(path + "/"))


def _is_next(node: LexborNode) -> bool:
    if "next" in (node.attributes.get("rel") or "").lower().split():
        return True
    label = node.attributes.get("aria-label") or node.text(strip=True)[:40]
    return bool(_NEXT_WORDS.match(label)) and _number(node.attributes.get("href") or "") > 0


def _number(address: str) -> int:
    """Return the page number in an address; 0 without one."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return 0
    for name, value in parse_qsl(parts.query):
        if name.lower() in _PAGE_NAMES and value.isascii() and value.isdigit():
            return int(value[:9])
    found = _PAGE_PATH.search(parts.path)
    return int(found[1][:9]) if found else 0


def _is_later_page(own: str, address: str) -> bool:
    """Say whether an address is the same listing with a larger page number."""
    return _number(address) > max(1, _number(own)) and _is_same_listing(own, address)


def _is_same_listing(own: str, address: str) -> bool:
    """Say whether two addresses differ by a page number alone."""
    return _without_number(own) == _without_number(address)


def _without_number(address: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    parts = urlsplit(address)
    query = [pair for pair in parse_qsl(parts.query) if pair[0].lower() not in _PAGE_NAMES]
    return parts.netloc, _PAGE_PATH.sub("", parts.path).rstrip("/"), tuple(sorted(query))
