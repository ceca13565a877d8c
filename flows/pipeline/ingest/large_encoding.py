"""The encoding of a text too large for memory: judged as `decode` does, in passes over the file.

The first pass only asks whether all of it decodes, which is quick and mostly the end of it. Where
it does not, a second one counts the lines that are lost. A text whose lines cannot be told apart
in bytes (UTF-16, or lines that end in a carriage return) is written anew, in UTF-8.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from flows.pipeline.ingest.blocks import BLOCK, LONGEST_LINE, blocks
from flows.pipeline.ingest.contents import Scratch
from flows.pipeline.ingest.decode import BLANK, HEADER_BYTES, LOST, WIDE, best_reading
from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.fit import Fit
from flows.pipeline.ingest.layout import Layout

PASSED_OVER = b"\r\x1a"
"""What a line may consist of that is no row."""
_LOST = LOST.encode()


@dataclass(frozen=True)
class LargeText:
    """A large text, read in one encoding; a `decode.Reading`.

    Attributes:
        file: its bytes, lines ended by a line feed.
        name: of the file.
        layout: of the file.
        header: its fields.
        encoding: that the file is in.
        stored: the encoding of `file`, which may have been written anew.
        start: the place of the first byte below the header.
        lossless: everything decoded when it was written anew, so that U+FFFD stands for itself.
    """

    file: BinaryIO
    name: str
    layout: Layout
    header: list[str]
    encoding: str
    stored: str
    start: int
    lossless: bool = True

    @property
    def lost(self) -> int:
        """How many lines did not decode."""
        return 0 if self.whole else self._counted[0]

    @property
    def kept(self) -> int:
        """How many lines there are."""
        return self._counted[1]

    @property
    def written(self) -> int:
        """How many lines that did decode have characters beyond ASCII."""
        return self._counted[2]

    @cached_property
    def whole(self) -> bool:
        """Whether all of it decodes."""
        try:
            for block in self.blocks():
                block.decode(self.stored)
        except UnicodeDecodeError:
            return False
        return self.lossless

    @cached_property
    def _counted(self) -> tuple[int, int, int]:
        lost = kept = written = 0
        for block in self.blocks():
            text, damaged = self.utf8(block)
            places = set(damaged)
            for place, line in enumerate(text.split(b"\n")):
                if line.strip(PASSED_OVER):
                    kept += 1
                    lost += place in places
                    written += place not in places and not line.isascii()
        return lost, kept, written

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes below the header."""
        return blocks(self.file, self.name, self.start)

    def utf8(self, block: bytes) -> tuple[bytes, list[int]]:
        """Return a block as UTF-8, and the places of its lines that did not decode."""
        if self.whole:
            return (block if self.stored == "utf-8" else block.decode(self.stored).encode()), []
        if self.stored != self.encoding.removesuffix("-sig"):
            lines = block.split(b"\n") if _LOST in block else []
            return block, [place for place, line in enumerate(lines) if _LOST in line]
        text = block.decode(self.stored, "replace")
        if LOST not in text:
            return text.encode(), []
        lines = block.split(b"\n")
        return text.encode(), [place for place, line in enumerate(lines) if not self._decodes(line)]

    def _decodes(self, line: bytes) -> bool:
        try:
            line.decode(self.stored)
        except UnicodeDecodeError:
            return False
        return True


def with_header(
    file: BinaryIO, layouts: Sequence[Layout], name: str, scratch: Scratch
) -> LargeText:
    """Return a text that has a header.

    Args:
        file: that can be read from its beginning.
        layouts: that it may be of.
        name: of the file.
        scratch: holds it where it is written anew.

    Raises:
        IngestError: as `decode.decode` does.
    """

    def read(encoding: str, fit: Fit) -> LargeText:
        lines, stored, lossless = _in_lines(file, encoding, scratch)
        lines.seek(0)
        while line := lines.readline(LONGEST_LINE):
            if line.decode(stored, "replace").strip(BLANK):
                break
        return LargeText(
            lines, name, fit.layout, fit.header, encoding, stored, lines.tell(), lossless
        )

    def where() -> str:
        rows, start = 0, 0
        for block in blocks(file, name):
            try:
                block.decode()
            except UnicodeDecodeError as error:
                rows += block.count(b"\n", 0, error.start)
                row = "the header" if not rows else f"row {rows:,}"
                return f"byte {start + error.start:,} ({row})"
            rows, start = rows + block.count(b"\n"), start + len(block)
        return "its first bytes"

    file.seek(0)
    return best_reading(file.read(HEADER_BYTES), layouts, name, read=read, where=where)


def headless(file: BinaryIO, layout: Layout, name: str) -> LargeText:
    """Return a text without a header; see `text_file`.

    Raises:
        UnreadableFile: it decodes in no encoding of its layout.
    """
    file.seek(0)
    marked = file.read(3) == codecs.BOM_UTF8
    for encoding in ("utf-8", *layout.encodings):
        start = 3 if marked and encoding == "utf-8" else 0
        header = list(layout.widths or layout.header)
        text = LargeText(file, name, layout, header, encoding, encoding, start)
        if text.whole:
            return text
    raise UnreadableFile(
        f"file {name} is neither UTF-8 nor in an encoding of layout {layout.name}",
        "Declare its encoding in the layout, or have it delivered as UTF-8.",
        file=name,
    )


def _in_lines(file: BinaryIO, encoding: str, scratch: Scratch) -> tuple[BinaryIO, str, bool]:
    """Return a file whose lines end in line feeds, its encoding, and whether nothing was lost."""
    stored, lossless = encoding.removesuffix("-sig"), True
    if encoding == "utf-16" or encoding in WIDE:
        file, lossless = _rewritten(file, encoding, scratch)
        stored = "utf-8"
    file.seek(0)
    if any(b"\n" in block for block in iter(lambda: file.read(BLOCK), b"")):
        return file, stored, lossless
    file.seek(0)
    anew = scratch.file()
    while block := file.read(BLOCK):
        anew.write(block.replace(b"\r", b"\n"))
    return anew, stored, lossless


def _rewritten(file: BinaryIO, encoding: str, scratch: Scratch) -> tuple[BinaryIO, bool]:
    anew = scratch.file()
    lenient, strict = (codecs.getincrementaldecoder(encoding)(how) for how in ("replace", "strict"))
    lossless = True
    file.seek(0)
    while True:
        block = file.read(BLOCK)
        anew.write(lenient.decode(block, not block).encode())
        if lossless:
            try:
                strict.decode(block, not block)
            except UnicodeDecodeError:
                lossless = False
        if not block:
            return anew, lossless
