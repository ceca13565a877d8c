"""JSON lines too large for memory: as `json_file` and `records` read them, in two passes.

The first pass collects the paths of all records, since the layout depends on all of them; the
second makes a table of each block.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from flows.pipeline.ingest.blocks import and_last, blocks
from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.json_file import read_lines
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.records import Records, Steps, add_paths, no_records, texts_at
from flows.pipeline.ingest.rows import BadRow
from flows.pipeline.ingest.table import Cells, LargeTable, Table, chosen

_BOM = b"\xef\xbb\xbf"


def is_json_lines(head: bytes) -> bool:
    """Say whether a file is one record on each line, by its first bytes."""
    first, end, _ = head.removeprefix(_BOM).lstrip(b" \t\r\n").partition(b"\n")
    try:
        return bool(end) and isinstance(json.loads(first, strict=False), Mapping)
    except (ValueError, RecursionError):
        return False


def read_large_json(
    file: BinaryIO, layouts: Sequence[Layout], name: str, *, cut_short: bool = False
) -> LargeTable:
    """Return the table of a file of JSON lines.

    Args:
        file: that can be read again.
        layouts: those that its name allows.
        name: of the file.
        cut_short: the file ends early, so that its last line may be half a line.

    Raises:
        UnreadableFile: it is not in UTF-8, a line has no end, or there are no records.
        UnknownLayout: their paths are the headers of no known layout.
        AmbiguousHeader: two paths that are needed read alike.
    """
    header: dict[str, Steps] = {}
    for records in _records(file, name, cut_short):
        add_paths(header, records.items, name)
    if not header:
        raise no_records(name)
    paths = list(header)
    fit = chosen(paths, layouts, name)
    pieces = _pieces(file, name, cut_short, fit.layout, header)
    return LargeTable(name, fit.layout, paths, pieces, "utf-8")


def _pieces(
    file: BinaryIO, name: str, cut_short: bool, layout: Layout, header: Mapping[str, Steps]
) -> Iterator[Table]:
    paths = list(header)
    for records in _records(file, name, cut_short):
        items = records.items

        def column(place: int, items: Sequence[Mapping[str, Any]] = items) -> Cells:
            return texts_at(items, header[paths[place]])

        yield Table(name, layout, paths, column, records.numbers, records.bad)


def _records(file: BinaryIO, name: str, cut_short: bool) -> Iterator[Records]:
    file.seek(0)
    start = len(_BOM) if file.read(len(_BOM)) == _BOM else 0
    number = 0
    for block, last in and_last(blocks(file, name, start)):
        cut = cut_short and last
        try:
            text = block.decode("utf-8", "ignore" if cut else "strict")
        except UnicodeDecodeError as error:
            raise UnreadableFile(
                f"file {name} is not in utf-8: byte {start + error.start:,} does not decode",
                "Have it delivered as UTF-8, as JSON is written.",
                file=name,
            ) from error
        start += len(block)
        found = read_lines(text, cut)
        numbers = [number + one for one in found.numbers]
        bad = [BadRow(number + one.number, one.text, one.problem, one.field) for one in found.bad]
        number += len(numbers) + len(bad)
        yield Records(found.items, numbers, {}, bad)
