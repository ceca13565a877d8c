"""From bytes to text, in the encoding that a layout declares, never by guessing.

UTF-8 comes first, since text in another encoding is hardly ever valid UTF-8. A legacy encoding
decodes any bytes into *something*: it is used only where the header, read in it, is one of the
layout that declares it. Where a few lines of an otherwise good file do not decode, only those
lines are lost.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flows.pipeline.ingest.errors import UnknownLayout, UnreadableFile
from flows.pipeline.ingest.layout import Layout, detect

FEW = 0.001
"""The share of undecodable lines up to which they are accidents and not another encoding."""


@dataclass(frozen=True)
class Decoded:
    """A file's text and how it is to be read.

    Attributes:
        layout: of the file.
        header: its fields.
        lines: everything below the header, line ends kept; a line that does not decode is None.
        encoding: that was used.
    """

    layout: Layout
    header: list[str]
    lines: list[str | None]
    encoding: str


def decode(data: bytes, layouts: Sequence[Layout], name: str) -> Decoded:
    """Return a file's text.

    Raises:
        UnknownLayout: the header is of no known layout, in any encoding that one declares.
        UnreadableFile: the file is empty, or does not decode.
    """
    if not data.strip():
        raise UnreadableFile(
            f"file {name} is empty", "Ask for the file again: it was not written.", file=name
        )
    refusal: UnknownLayout | None = None
    for encoding in _candidates(data, layouts):
        text = data.split(b"\n", 1)[0] if encoding != "utf-16" else data
        try:
            first = text.decode(encoding).splitlines()[0]
        except (UnicodeDecodeError, IndexError):
            continue
        try:
            layout, header = _layout_of(first, layouts, encoding, name)
        except UnknownLayout as error:
            refusal = refusal or error
            continue
        lines = _lines(data, encoding)
        if lines is not None:
            return Decoded(layout, header, lines, encoding)
    if refusal is not None and _is_utf8(data):
        raise refusal
    raise _undecodable(data, layouts, name) from refusal


def _candidates(data: bytes, layouts: Sequence[Layout]) -> Iterator[str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield "utf-16"
        return
    yield "utf-8-sig"
    yield from dict.fromkeys(encoding for layout in layouts for encoding in layout.encodings)


def _layout_of(
    line: str, layouts: Sequence[Layout], encoding: str, name: str
) -> tuple[Layout, list[str]]:
    allowed = [
        layout for layout in layouts if encoding in ("utf-8-sig", "utf-16", *layout.encodings)
    ]
    headers = {
        delimiter: next(csv.reader([line], delimiter=delimiter), [])
        for delimiter in dict.fromkeys(layout.delimiter for layout in allowed)
    }
    fitting = [layout for layout in allowed if not layout.missing(headers[layout.delimiter])]
    if fitting:
        layout = max(
            fitting, key=lambda item: (len(item.matched(headers[item.delimiter])), item.name)
        )
        return layout, headers[layout.delimiter]
    header = max(headers.values(), key=len, default=[])
    return detect(header, allowed, name), header


def _lines(data: bytes, encoding: str) -> list[str | None] | None:
    """Return the lines below the header, or None if the file is not in this encoding."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding == "utf-16":
            return None
        return _lines_one_by_one(data, encoding)
    # Only \n ends a line: other separators of Unicode stand in product names.
    return [line + "\n" for line in text.split("\n")[1:] if line.strip("\r\x1a")]


def _lines_one_by_one(data: bytes, encoding: str) -> list[str | None] | None:
    lines: list[str | None] = []
    bad = 0
    for raw in data.split(b"\n")[1:]:
        if not raw.strip(b"\r\x1a"):
            continue
        try:
            lines.append(raw.decode(encoding.removesuffix("-sig")) + "\n")
        except UnicodeDecodeError:
            lines.append(None)
            bad += 1
    return lines if bad <= max(1, FEW * len(lines)) else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _undecodable(data: bytes, layouts: Sequence[Layout], name: str) -> UnreadableFile:
    where = "its first bytes"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start)
        where = f"byte {error.start:,} ({'the header' if not row else f'row {row:,}'})"
    declared = sorted({encoding for layout in layouts for encoding in layout.encodings})
    return UnreadableFile(
        f"file {name} is neither UTF-8 nor of a layout that declares its encoding"
        f" ({', '.join(declared)}): {where} does not decode",
        "Declare its encoding in the file's layout in flows/pipeline/ingest/layouts/, or have it"
        " delivered as UTF-8.",
        file=name,
    )
