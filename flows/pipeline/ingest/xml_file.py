"""XML: the elements that repeat are the products, also where the file is slightly broken.

Each becomes a record of its attributes and children; name spaces are left out. Documents that
declare a document type or entities are refused: a price file needs none, and a small one can
unpack to something enormous or name a file of this machine. A bare ``&`` is mended before the
parser sees it, since a parser that recovers from it loses what follows. Where the file breaks
off, the element at its end may be half and is set aside.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

from lxml import etree

from flows.pipeline.ingest.decompress import too_large
from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.records import MOST_DEPTH, Records
from flows.pipeline.ingest.rows import SHOWN, BadRow

LARGEST: Final = 128 << 20
"""Bytes of a document; its tree takes some six times as much memory."""
_BARE: Final = re.compile(rb"&(?!(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")
_HEAD: Final = 1 << 16
"""Bytes in which a document type is declared, if it is."""


def read_xml(data: bytes, name: str, *, items: str | None = None) -> Records:
    """Return the records of an XML file.

    Args:
        data: of the file.
        name: of the file.
        items: the element of one product; None for the one that repeats most.

    Raises:
        UnreadableFile: it is a web page, declares a document type, is too large, or is no XML.
    """
    _refuse(data, name)
    if b"\0" not in data[:4]:  # not in UTF-16, where an ampersand is two bytes
        data = _BARE.sub(b"&amp;", data)
    parser = etree.XMLParser(
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    root = etree.fromstring(data, parser)
    damage = next(
        (f"it is no XML from line {e.line} on ({e.message})" for e in parser.error_log), ""
    )
    if root is None:
        raise UnreadableFile(
            f"file {name}: {damage or 'it is no XML'}", "Ask for the file again.", file=name
        )
    found = _items(root, items)
    records = [_record(element) for element in found]
    numbers, bad = list(range(1, len(records) + 1)), []
    if damage and records and _is_last(found[-1]):
        # The parser closed by itself what was open at the end: it may be half a product.
        shown = str(records[-1])[:SHOWN]
        bad = [BadRow(len(records), shown, "the file breaks off in this record")]
        del records[-1], numbers[-1]
    context = _context(found[0]) if found else {}
    return Records(records, numbers, context, bad, damage, "utf-8")


def _refuse(data: bytes, name: str) -> None:
    head = data[:_HEAD].replace(b"\0", b"").lower()
    if b"<html" in head or b"<!doctype html" in head:
        raise UnreadableFile(
            f"file {name} is a web page, not a price file",
            "Its source answered with a page, such as an error or a sign-in: ask for the file.",
            file=name,
        )
    if b"<!doctype" in head or b"<!entity" in head:
        raise UnreadableFile(
            f"file {name} declares a document type",
            "Ask for it without <!DOCTYPE>: entities are not read.",
            file=name,
        )
    if len(data) > LARGEST:
        raise too_large(name, LARGEST)


def _items(root: Any, items: str | None) -> list[Any]:
    """Return the elements that are the products, in their order."""
    if items is not None:
        return [element for element in root.iter("{*}*") if _local(element) == items.lower()]
    counted: Counter[tuple[Any, str]] = Counter()
    for element in root.iter("{*}*"):
        parent = element.getparent()
        # A product has parts; what repeats without any is a list of texts.
        if parent is not None and (len(element) or element.attrib):
            counted[parent, element.tag] += 1
    if not counted:
        return []
    # Of equally many, the outermost: a product's own list may be as long as that of the products.
    # Of one alone, the innermost: what is around it is there once, too.
    most = max(counted.values())
    depths = {pair: _depth(pair[0]) for pair, count in counted.items() if count == most}
    parent, tag = (min if most > 1 else max)(depths, key=lambda pair: depths[pair])
    return [child for child in parent if child.tag == tag]


def _depth(element: Any) -> int:
    return sum(1 for _ in element.iterancestors())


def _is_last(element: Any) -> bool:
    """Say whether nothing but the ends of what is around it follows an element."""
    return element.getnext() is None and all(
        above.getnext() is None for above in element.iterancestors()
    )


def _context(element: Any) -> dict[str, str]:
    """Return the texts and attributes of what is around an element, by path."""
    context: dict[str, str] = {}
    above = list(element.iterancestors())[::-1]
    path = ""
    for one in above:
        path = f"{path}/{_local(one, keep_case=True)}" if one.getparent() is not None else ""
        for key, value in one.attrib.items():
            context.setdefault(f"{path}/{key}", value)
        for child in one:
            text = (child.text or "").strip()
            if not len(child) and text and child is not element:
                context.setdefault(f"{path}/{_local(child, keep_case=True)}", text)
    return context


def _record(element: Any, depth: int = 0) -> dict[str, Any]:
    record: dict[str, Any] = {_plain(name): value for name, value in element.attrib.items()}
    counted: Counter[str] = Counter()
    for child in element:
        name = _local(child, keep_case=True)
        counted[name] += 1
        # The first goes by its name alone: most elements that may repeat do not.
        name = name if counted[name] == 1 else f"{name}[{counted[name] - 1}]"
        if len(child) and depth < MOST_DEPTH:
            record[name] = _record(child, depth + 1)
            continue
        record[name] = (child.text or "").strip() or None
        for key, text in child.attrib.items():  # <price currency="EUR">4.90</price>
            record.setdefault(f"{name}.{_plain(key)}", text)
    return record


def _local(element: Any, *, keep_case: bool = False) -> str:
    name = _plain(str(element.tag))
    return name if keep_case else name.lower()


def _plain(name: str) -> str:
    return name.rpartition("}")[2]
