"""From bytes to text, in the encoding that a layout declares, never by guessing.

UTF-8 comes first, since text in another encoding is hardly ever valid UTF-8. A legacy encoding
decodes any bytes into *something*: it is used only where the header, read in it, is one of the
layout that declares it, and where the file is not evidently UTF-8 with a few damaged lines.
Lines that do not decode are marked, and cost no other line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.fit import Fit, ambiguous_header, best_fit, unknown_layout
from flows.pipeline.ingest.layout import Layout

HEADER_BYTES = 1 << 16
"""Where the header is looked for: a longer one is none, and the csv module refuses it."""
_UTF = ("utf-8-sig", "utf-16")
"""Encodings in which text of another hardly ever decodes."""
WIDE = ("utf-16-le", "utf-16-be")
"""Encodings of two bytes a character, whose lines cannot be told apart before decoding."""
LOST = "\ufffd"
"""Stands for what did not decode."""
BLANK = " \t\r\0\x1a\ufeff"
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

    @property
    def lost(self) -> int:
        """How many lines did not decode."""
        return len(self.undecodable)

    @property
    def kept(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    @property
    def written(self) -> int:
        """How many lines that did decode have characters beyond ASCII."""
        return sum(
            1
            for place, line in enumerate(self.lines)
            if place not in self.undecodable and not line.isascii()
        )


class Reading(Protocol):
    """A file read in one encoding: what decides between several."""

    @property
    def encoding(self) -> str:
        """That was used."""

    @property
    def header(self) -> list[str]:
        """Its fields."""

    @property
    def lost(self) -> int:
        """How many lines did not decode."""

    @property
    def kept(self) -> int:
        """How many lines there are."""

    @property
    def written(self) -> int:
        """How many lines that did decode have characters beyond ASCII."""


R = TypeVar("R", bound=Reading)


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

    def where() -> str:
        try:
            data.decode()
        except UnicodeDecodeError as error:
            row = data.count(b"\n", 0, error.start)
            return f"byte {error.start:,} ({'the header' if not row else f'row {row:,}'})"
        return "its first bytes"

    head = data[:HEADER_BYTES]
    return best_reading(
        head, layouts, name, read=lambda encoding, fit: _decoded(data, encoding, fit), where=where
    )


def best_reading(
    head: bytes,
    layouts: Sequence[Layout],
    name: str,
    *,
    read: Callable[[str, Fit], R],
    where: Callable[[], str],
) -> R:
    """Return the reading of a file in the encoding that is beyond doubt, or loses least.

    Args:
        head: the first bytes of the file.
        layouts: that it may be of.
        name: of the file.
        read: reads it in an encoding, by a layout.
        where: says where it does not decode.

    Raises:
        IngestError: as `decode` does.
    """
    fits = list(_fits(head, layouts))
    complete = [(encoding, fit) for encoding, fit in fits if not fit.missing]
    readable: list[R] = []
    for encoding, fit in complete:
        if ambiguous := ambiguous_header(fit, name):
            raise ambiguous
        reading = read(encoding, fit)
        if _certain(reading, head):
            return reading
        if 2 * reading.lost <= reading.kept:
            # Another encoding that the layout declares may decode all of it.
            readable.append(reading)
    if readable:
        return min(readable, key=lambda one: one.lost)
    closest = max((fit for _, fit in fits), key=lambda fit: fit.known, default=None)
    if not complete and (closest is None or closest.known or fits[0][0] in _UTF):
        raise unknown_layout(closest, name)
    raise _undecodable(where(), layouts, name)


def _fits(head: bytes, layouts: Sequence[Layout]) -> Iterator[tuple[str, Fit]]:
    """Yield each encoding in which the header decodes, with the layout that fits it best."""
    for encoding in _candidates(head, layouts):
        first = _first_line(head, encoding)
        allowed = [item for item in layouts if encoding in (*_UTF, *WIDE, *item.encodings)]
        fit = None if first is None else best_fit(first, allowed)
        if fit is not None:
            yield encoding, fit


def _candidates(data: bytes, layouts: Sequence[Layout]) -> Iterator[str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield "utf-16"
        return
    yield "utf-8-sig"
    if b"\0" in data[:HEADER_BYTES].split(b"\n", 1)[0]:
        # Text in one byte a character has no NUL in its header; UTF-16 without a mark has.
        yield from WIDE
    yield from dict.fromkeys(encoding for layout in layouts for encoding in layout.encodings)


def _first_line(data: bytes, encoding: str) -> str | None:
    """Return the first line that is not blank, or None if it does not decode."""
    # The cut may go through a character: that is at the end, far below any header.
    text = data[:HEADER_BYTES].decode(encoding, "replace")
    for line in _LINE_END.split(text):
        if line.strip(BLANK):
            return None if LOST in line else line
    return None


def _decoded(data: bytes, encoding: str, fit: Fit) -> Decoded:
    text = data.decode(encoding, "replace")
    # Only \n ends a line: other separators of Unicode stand in product names.
    end = "\n" if "\n" in text else "\r"
    parts = text.split(end)
    header = next(place for place, part in enumerate(parts) if part.strip(BLANK))
    below = range(header + 1, len(parts))
    kept = [place for place in below if parts[place].strip("\r\x1a")]
    lines = [parts[place] + "\n" * (place + 1 < len(parts)) for place in kept]
    doubtful = [place for place, line in enumerate(lines) if LOST in line]
    if doubtful and encoding not in (*WIDE, "utf-16"):
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


def _certain(reading: Reading, head: bytes) -> bool:
    """Say whether the encoding is beyond doubt, so that damaged lines are just that."""
    if not reading.lost or reading.encoding == "utf-16":
        return True
    if reading.encoding not in _UTF:
        return False
    if head.startswith(b"\xef\xbb\xbf") or not "".join(reading.header).isascii():
        return True
    return reading.written >= reading.lost


def _undecodable(where: str, layouts: Sequence[Layout], name: str) -> UnreadableFile:
    declared = sorted({encoding for layout in layouts for encoding in layout.encodings})
    return UnreadableFile(
        f"file {name} is neither UTF-8 nor of a layout that declares its encoding"
        f" ({', '.join(declared)}): {where} does not decode",
        "Declare its encoding in the file's layout in flows/pipeline/ingest/layouts/, or have it"
        " delivered as UTF-8.",
        file=name,
    )
