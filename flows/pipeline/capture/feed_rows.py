"""The rows of a feed, whatever its format: each a mapping of names to values.

XML is read piece by piece, so that a feed of a hundred megabytes does not become a tree; document
types and entities are refused. Names are left as the feed writes them, except in XML and Google
Merchant, where they are in lower case and without name spaces.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from w3lib.encoding import html_to_unicode, read_bom

from flows.pipeline.capture.errors import BadFeed
from flows.pipeline.capture.json_path import follow, parts
from flows.pipeline.capture.site import Feed, Site

_ITEM_ELEMENTS: Final = ("item", "entry", "product", "offer", "shopitem")


def _text(body: bytes, content_type: str | None) -> str:
    return html_to_unicode(content_type or "text/plain; charset=utf-8", body)[1]


def csv_rows(body: bytes, feed: Feed, site: Site, content_type: str | None) -> Iterator[Any]:
    """Yield the rows of a text with columns.

    Raises:
        BadFeed: the feed is not so written.
    """
    text = _text(body, content_type).replace("\x00", "")
    head = text[: text.find("\n") + 1] or text
    delimiter = feed.delimiter or max(",;\t|", key=lambda sign: (head.count(sign), -ord(sign)))
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [name.strip() for name in reader.fieldnames or () if name and name.strip()]
    if len(names) < 2:
        raise BadFeed(
            f"site {site.name}: the feed has no header of columns divided by {delimiter!r}",
            "Give feed.delimiter, or correct feed.format.",
            field="feed",
        )
    try:
        yield from reader
    except csv.Error as error:
        raise BadFeed(
            f"site {site.name}: the feed breaks off at line {reader.line_num}: {error}",
            "Ask for it again; if it stays, correct feed.delimiter.",
            line=reader.line_num,
            field="feed",
        ) from error


def json_rows(body: bytes, feed: Feed, site: Site, content_type: str | None) -> Iterator[Any]:
    """Yield the objects of a JSON list, or of one object on each line.

    Raises:
        BadFeed: the feed is not so written.
    """
    text = _text(body, content_type)
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        try:  # one object on each line
            value = [json.loads(line, strict=False) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError) as error:
            raise BadFeed(
                f"site {site.name}: the feed is no JSON: {str(error)[:120]}",
                "Correct feed.format.",
                field="feed",
            ) from error
    rows = follow(value, parts(feed.items)) if feed.items else value
    if isinstance(rows, dict):
        lists = [one for one in rows.values() if isinstance(one, list)]
        rows = max(lists, key=len, default=None)
    if not isinstance(rows, list):
        raise BadFeed(
            f"site {site.name}: the feed has no list of products at {feed.items or 'its top'}",
            "Give the path to it as feed.items.",
            field="feed.items",
        )
    yield from rows


def merchant_rows(body: bytes, feed: Feed, site: Site, content_type: str | None) -> Iterator[Any]:
    """Yield the products of a Google Merchant feed, XML or tab-separated.

    Raises:
        BadFeed: the feed is not so written.
    """
    is_xml = body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    rows = (xml_rows if is_xml else csv_rows)(body, feed, site, content_type)
    for row in rows:
        row = {
            str(key).strip().lower().replace(" ", "_"): value for key, value in row.items() if key
        }
        sale = row.get("sale_price")
        if sale and str(sale).strip():
            row["regular_price"], row["price"] = row.get("price"), sale
        yield row


def xml_rows(body: bytes, feed: Feed, site: Site, content_type: str | None) -> Iterator[Any]:
    """Yield the elements that are products, each as its attributes and children.

    Raises:
        BadFeed: the feed is not so written.
    """
    encoding = read_bom(body)[0]
    data = body.decode(encoding).encode() if encoding and encoding != "utf-8" else body
    if b"<!DOCTYPE" in data[:10_000] or b"<!ENTITY" in data[:10_000]:
        raise BadFeed(
            f"site {site.name}: the feed declares a document type",
            "Feeds with entities are not read; ask the shop for one without.",
            field="feed",
        )
    wanted = (feed.items.lower(),) if feed.items else _ITEM_ELEMENTS
    parser: XMLPullParser[Any] = XMLPullParser(("end",))
    found = False
    try:
        for start in range(0, len(data), 1 << 16):
            parser.feed(data[start : start + (1 << 16)])
            events: Iterator[Any] = parser.read_events()
            for _, element in events:
                if _local(element.tag) in wanted:
                    yield _row(element)
                    found = True
                    element.clear()
    except ParseError as error:
        line = error.position[0]
        raise BadFeed(
            f"site {site.name}: the feed is no XML from line {line} on",
            "Ask for it again; if it stays, correct feed.format.",
            line=line,
            field="feed",
        ) from error
    if not found:
        raise BadFeed(
            f"site {site.name}: the feed has no elements {' or '.join(wanted)}",
            "Give the element of one product as feed.items.",
            field="feed.items",
        )


def _local(tag: str) -> str:
    return tag.rpartition("}")[2].lower()


def _row(element: Element) -> dict[str, Any]:
    row: dict[str, Any] = {name.lower(): value for name, value in element.attrib.items()}
    for child in element:
        value = (child.text or "").strip() or child.get("href") or ""
        if value:
            row.setdefault(_local(child.tag), value)
    return row
