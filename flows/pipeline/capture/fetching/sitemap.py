"""Sitemaps, as sitemaps.org describes them: lists of addresses, and lists of such lists.

Read with expat, piece by piece. A document type is refused before anything in it is: entities
are how XML reads files and grows without end, and no sitemap needs one. What breaks off gives
what stood before the break.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from flows.pipeline.capture.fetching.body import BadEncoding, TooLarge, unzip

MOST_BYTES: Final = 52_428_800
"""Of a sitemap, decompressed: the protocol's limit."""
MOST_ADDRESSES: Final = 50_000
"""In one sitemap: the protocol's limit."""


@dataclass
class Sitemap:
    """What a sitemap says.

    Attributes:
        sitemaps: addresses of further sitemaps.
        pages: addresses of pages.
        problem: why it is not whole, None if it is.
    """

    sitemaps: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    problem: str | None = None


class _Refused(Exception):
    pass


def read_sitemap(body: bytes) -> Sitemap:
    """Return what a sitemap says: XML, plain text with an address on each line, or gzip of these.

    Args:
        body: as the site sent it, its Content-Encoding undone.
    """
    if body.startswith(b"\x1f\x8b"):
        try:
            body = unzip(body, MOST_BYTES)
        except (TooLarge, BadEncoding) as error:
            return Sitemap(problem=str(error))
    start = body[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        return _text(body)
    return _xml(body)


def _text(body: bytes) -> Sitemap:
    lines = body.decode("utf-8", "replace").removeprefix("\ufeff").split()
    pages = [line for line in lines if line.startswith(("http://", "https://"))]
    problem = None if pages or not lines else "it holds no addresses"
    return Sitemap(pages=pages[:MOST_ADDRESSES], problem=problem)


def _xml(body: bytes) -> Sitemap:
    found = Sitemap()
    path: list[str] = []
    text: list[str] = []

    def begin(name: str, attributes: object) -> None:
        path.append(name.rpartition(":")[2].lower())
        text.clear()

    def end(name: str) -> None:
        if path[-2:] == ["url", "loc"] and len(found.pages) < MOST_ADDRESSES:
            found.pages.append("".join(text).strip())
        elif path[-2:] == ["sitemap", "loc"] and len(found.sitemaps) < MOST_ADDRESSES:
            found.sitemaps.append("".join(text).strip())
        path.pop()

    def refuse(*_: object) -> None:
        raise _Refused

    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except _Refused:
        return Sitemap(problem="it declares a document type, which no sitemap needs")
    except expat.ExpatError as error:
        found.problem = f"it is no XML from line {error.lineno} on"
    if not (found.pages or found.sitemaps) and found.problem is None:
        found.problem = "it holds no addresses"
    return found
