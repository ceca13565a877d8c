"""Kinds of files: told by what they begin with, never by their names, and read accordingly."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from flows.pipeline.ingest import archive, decompress
from flows.pipeline.ingest.contents import SMALL, Contents, Scratch, contents_of, head_of
from flows.pipeline.ingest.decompress import Unpacked
from flows.pipeline.ingest.errors import IngestError, UnreadableFile
from flows.pipeline.ingest.json_file import read_json
from flows.pipeline.ingest.large_json import is_json_lines, read_large_json
from flows.pipeline.ingest.large_text import read_large_text
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.parquet_file import read_parquet
from flows.pipeline.ingest.records import Records, table_of
from flows.pipeline.ingest.table import LargeTable, Table
from flows.pipeline.ingest.text_file import read_text
from flows.pipeline.ingest.workbook import read_workbook
from flows.pipeline.ingest.xml_file import read_xml

Kind: TypeAlias = Literal["workbook", "parquet", "xml", "json", "text"]

_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_BLANK = b" \t\r\n"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def read_tables(
    data: bytes | BinaryIO,
    layouts: Sequence[Layout],
    name: str,
    *,
    scratch: Path | None = None,
    small: int = SMALL,
) -> Iterator[Table | LargeTable | tuple[str, IngestError]]:
    """Yield the tables of a file; of one of several members that cannot be used, its error.

    Args:
        data: of the file, as it was delivered; or the file, which can be read again.
        layouts: all that are known.
        name: of the file.
        scratch: folder of temporary files.
        small: bytes, unpacked, of a text that is read in memory; a larger one is read in pieces,
            before the next table is asked for.

    Raises:
        IngestError: nothing of it can be used.
        OSError: it cannot be read, or there is no room to unpack it.
    """
    source = BytesIO(data) if isinstance(data, bytes) else data
    if not head_of(source).startswith(archive.MAGIC) or archive.is_workbook(source):
        yield from _tables(source, layouts, name, scratch, small)
        return
    refused: list[tuple[str, IngestError]] = []
    used = False
    for member, file in archive.members(source, name, scratch=scratch):
        try:
            if isinstance(file, IngestError):
                raise file
            if head_of(file).startswith(archive.MAGIC) and not archive.is_workbook(file):
                raise UnreadableFile(
                    f"file {member} is an archive in an archive",
                    "Pack the files once.",
                    file=member,
                )
            for table in _tables(file, layouts, member, scratch, small):
                used = True
                yield table
        except IngestError as error:
            refused.append((member, error))
    if not used:
        raise refused[0][1]
    yield from refused


def _tables(
    file: BinaryIO,
    layouts: Sequence[Layout],
    name: str,
    folder: Path | None,
    small: int,
) -> Iterator[Table | LargeTable]:
    allowed = [layout for layout in layouts if layout.takes(name)]
    with Scratch(folder) as scratch:
        contents = contents_of(file, name, scratch)
        if _kind(contents.head) == "parquet":
            yield replace(read_parquet(contents.file, allowed, name), damage=contents.damage)
            return
        large = _large(contents, allowed, name, scratch) if contents.size > small else None
        if large is not None:
            yield replace(large, damage=contents.damage)
            return
        if contents.size > decompress.LARGEST:
            raise decompress.too_large(name, decompress.LARGEST)
        unpacked = contents.unpacked()
    for table in _read(unpacked, allowed, name):
        damage = "; ".join(part for part in (contents.damage, table.damage) if part)
        yield replace(table, damage=damage)


def _large(
    contents: Contents, layouts: Sequence[Layout], name: str, scratch: Scratch
) -> LargeTable | None:
    """Return the table of a file in pieces; None if it can only be read whole."""
    kind, file, cut_short = _kind(contents.head), contents.file, contents.cut_short
    if kind == "text":
        return read_large_text(file, layouts, name, cut_short=cut_short, scratch=scratch)
    if kind == "json" and is_json_lines(contents.head):
        return read_large_json(file, layouts, name, cut_short=cut_short)
    return None


def _kind(data: bytes) -> Kind:
    first = data[: decompress.HEAD].removeprefix(codecs.BOM_UTF8).lstrip(_BLANK)[:1]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        first = data[2:6].replace(b"\0", b"").lstrip(_BLANK)[:1]
    if data.startswith((*archive.MAGIC, _OLD_WORKBOOK)):
        return "workbook"
    if data.startswith(b"PAR1"):
        return "parquet"
    return "xml" if first == b"<" else "json" if first in (b"[", b"{") else "text"


def _read(unpacked: Unpacked, layouts: Sequence[Layout], name: str) -> Iterator[Table]:
    data, kind = unpacked.data, _kind(unpacked.data)
    if kind == "workbook":
        yield from read_workbook(data, layouts, name)
    elif kind == "xml":
        yield table_of(read_xml(data, name, items=_items(layouts)), layouts, name)
    elif kind == "json":
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
