"""Kinds of files: told by what they begin with, never by their names, and read accordingly."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import replace

from flows.pipeline.ingest import archive
from flows.pipeline.ingest.decompress import Unpacked, unpack
from flows.pipeline.ingest.errors import IngestError, UnreadableFile
from flows.pipeline.ingest.json_file import read_json
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.parquet_file import read_parquet
from flows.pipeline.ingest.records import Records, table_of
from flows.pipeline.ingest.table import Table
from flows.pipeline.ingest.text_file import read_text
from flows.pipeline.ingest.workbook import read_workbook
from flows.pipeline.ingest.xml_file import read_xml

_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_BLANK = b" \t\r\n"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def read_tables(
    data: bytes, layouts: Sequence[Layout], name: str
) -> Iterator[Table | tuple[str, IngestError]]:
    """Yield the tables of a file; of one of several members that cannot be used, its error.

    Args:
        data: of the file, as it was delivered.
        layouts: all that are known.
        name: of the file.

    Raises:
        IngestError: nothing of it can be used.
    """
    if not data.startswith(archive.MAGIC) or archive.is_workbook(data):
        yield from _tables(unpack(data, name), layouts, name)
        return
    refused: list[tuple[str, IngestError]] = []
    used = False
    for member, content in archive.members(data, name):
        try:
            if content.startswith(archive.MAGIC) and not archive.is_workbook(content):
                raise UnreadableFile(
                    f"file {member} is an archive in an archive",
                    "Pack the files once.",
                    file=member,
                )
            for table in _tables(unpack(content, member), layouts, member):
                used = True
                yield table
        except IngestError as error:
            refused.append((member, error))
    if not used:
        raise refused[0][1]
    yield from refused


def _tables(unpacked: Unpacked, layouts: Sequence[Layout], name: str) -> Iterator[Table]:
    allowed = [layout for layout in layouts if layout.takes(name)]
    for table in _read(unpacked, allowed, name):
        damage = "; ".join(part for part in (unpacked.damage, table.damage) if part)
        yield replace(table, damage=damage)


def _read(unpacked: Unpacked, layouts: Sequence[Layout], name: str) -> Iterator[Table]:
    data = unpacked.data
    first = data.removeprefix(codecs.BOM_UTF8).lstrip(_BLANK)[:1]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        first = data[2:6].replace(b"\0", b"").lstrip(_BLANK)[:1]
    if data.startswith((*archive.MAGIC, _OLD_WORKBOOK)):
        yield from read_workbook(data, layouts, name)
    elif data.startswith(b"PAR1"):
        yield read_parquet(data, layouts, name)
    elif first == b"<":
        yield table_of(read_xml(data, name, items=_items(layouts)), layouts, name)
    elif first in (b"[", b"{"):
        yield table_of(_json(unpacked, layouts, name), layouts, name)
    else:
        yield read_text(data, layouts, name, cut_short=unpacked.cut_short)


def _items(layouts: Sequence[Layout]) -> str | None:
    """Return where the products are, if a layout for files of this name says so."""
    return next((one.items for one in layouts if one.items and one.files is not None), None)


def _json(unpacked: Unpacked, layouts: Sequence[Layout], name: str) -> Records:
    data, encoding = unpacked.data, "utf-8"
    for mark, other in _BOMS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], other
            break
    try:
        # What was cut may end in half a character; elsewhere that is damage (RFC 8259: UTF-8).
        text = data.decode(encoding, "ignore" if unpacked.cut_short else "strict")
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"file {name} is not in {encoding}: byte {error.start:,} does not decode",
            "Have it delivered as UTF-8, as JSON is written.",
            file=name,
        ) from error
    records = read_json(text, name, items=_items(layouts), cut_short=unpacked.cut_short)
    return replace(records, encoding=encoding)
