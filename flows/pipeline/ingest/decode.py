"""From bytes to text, in the encoding that a layout declares, never by guessing.

UTF-8 comes first, since text in another encoding is hardly ever valid UTF-8. A legacy encoding
decodes any bytes into *something*: it is used only where the header, read in it, is one of the
layout that declares it, and where the file is not evidently UTF-8 with a few damaged lines.
Lines that do not decode are marked, and cost no other line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.fit import Fit, ambiguous_header, best_fit, unknown_layout
from flows.pipeline.ingest.layout import Layout

_HEADER_BYTES = 1 << 16
"""Where the header is looked for: a longer one is none, and the csv module refuses it."""
_UTF = ("utf-8-sig", "utf-16")
"""Encodings in which text of another hardly ever decodes."""
_WIDE = ("utf-16-le", "utf-16-be")
_LOST = "\ufffd"
_BLANK = " \t\r\0\x1a\ufeff"
_BLANK_BYTES = b" \t\r\n\0\x1a\xef\xbb\xbf\xff\xfe"
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Decoded:
    """A file's text and how it is to be read.

    Attributes:
        layout: of the file.
        header: its fields.
        lines: everything below the header but blank lines, each with its line end (the last may
            have none); what does not decode is U+FFFD.
        undecodable: the places, in `lines`, of those that did not decode.
        encoding: that was used.
    """

    layout: Layout
    header: list[str]
    lines: list[str]
    undecodable: frozenset[int]
    encoding: str


def decode(data: bytes, layouts: Sequence[Layout], name: str) -> Decoded:
    """Return a file's text.

    Raises:
        UnknownLayout: the header is of no known layout, in any encoding that one declares.
        AmbiguousHeader: a column that is needed is there twice.
        UnreadableFile: the file is empty, or most of its lines do not decode.
    """
    if not data.strip(_BLANK_BYTES):
        raise UnreadableFile(
            f"file {name} is empty", "Ask for the file again: it was not written.", file=name
        )
    fits = list(_fits(data, layouts))
    complete = [(encoding, fit) for encoding, fit in fits if not fit.missing]
    readable: list[Decoded] = []
    for encoding, fit in complete:
        if ambiguous := ambiguous_header(fit, name):
            raise ambiguous
        decoded = _decoded(data, encoding, fit)
        if _certain(decoded, data):
            return decoded
        if 2 * len(decoded.undecodable) <= len(decoded.lines):
            # Another encoding that the layout declares may decode all of it.
            readable.append(decoded)
    if readable:
        return min(readable, key=lambda one: len(one.undecodable))
    closest = max((fit for _, fit in fits), key=lambda fit: fit.known, default=None)
    if not complete and (closest is None or closest.known or fits[0][0] in _UTF):
        raise unknown_layout(closest, name)
    raise _undecodable(data, layouts, name)


def _fits(data: bytes, layouts: Sequence[Layout]) -> Iterator[tuple[str, Fit]]:
    """Yield each encoding in which the header decodes, with the layout that fits it best."""
    for encoding in _candidates(data, layouts):
        first = _first_line(data, encoding)
        allowed = [item for item in layouts if encoding in (*_UTF, *_WIDE, *item.encodings)]
        fit = None if first is None else best_fit(first, allowed)
        if fit is not None:
            yield encoding, fit


def _candidates(data: bytes, layouts: Sequence[Layout]) -> Iterator[str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield "utf-16"
        return
    yield "utf-8-sig"
    if b"\0" in data[:_HEADER_BYTES].split(b"\n", 1)[0]:
        # Text in one byte a character has no NUL in its header; UTF-16 without a mark has.
        yield from _WIDE
    yield from dict.fromkeys(encoding for layout in layouts for encoding in layout.encodings)


def _first_line(data: bytes, encoding: str) -> str | None:
    """Return the first line that is not blank, or None if it does not decode."""
    # The cut may go through a character: that is at the end, far below any header.
    text = data[:_HEADER_BYTES].decode(encoding, "replace")
    for line in _LINE_END.split(text):
        if line.strip(_BLANK):
            return None if _LOST in line else line
    return None


def _decoded(data: bytes, encoding: str, fit: Fit) -> Decoded:
    text = data.decode(encoding, "replace")
    # Only \n ends a line: other separators of Unicode stand in product names.
    end = "\n" if "\n" in text else "\r"
    parts = text.split(end)
    header = next(place for place, part in enumerate(parts) if part.strip(_BLANK))
    below = range(header + 1, len(parts))
    kept = [place for place in below if parts[place].strip("\r\x1a")]
    lines = [parts[place] + "\n" * (place + 1 < len(parts)) for place in kept]
    doubtful = [place for place, line in enumerate(lines) if _LOST in line]
    if doubtful and encoding not in (*_WIDE, "utf-16"):
        raw = data.split(end.encode())
        doubtful = [place for place in doubtful if not _decodes(raw[kept[place]], encoding)]
    elif doubtful and _decodes(data, encoding):
        doubtful = []
    return Decoded(fit.layout, fit.header, lines, frozenset(doubtful), encoding)


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _certain(decoded: Decoded, data: bytes) -> bool:
    """Say whether the encoding is beyond doubt, so that damaged lines are just that."""
    lost = len(decoded.undecodable)
    if not lost or decoded.encoding == "utf-16":
        return True
    if decoded.encoding not in _UTF:
        return False
    if data.startswith(b"\xef\xbb\xbf") or not "".join(decoded.header).isascii():
        return True
    written = (
        line
        for place, line in enumerate(decoded.lines)
        if place not in decoded.undecodable and not line.isascii()
    )
    return sum(1 for _ in written) >= lost


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
