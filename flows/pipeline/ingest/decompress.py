"""Decompression that gives what was written, and no more than that.

A compressed file that ends early still gives all that comes before: every byte of it is right,
and the caller is told that the last line may be half a line. A file whose *content* is damaged
is another matter: a flipped bit shows as a wrong digit long before the checksum tells, so only
members whose checksum holds are used. What comes out is bounded at every step: a small file that
unpacks to something enormous is refused, not unpacked.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from flows.pipeline.ingest.errors import UnreadableFile

LARGEST = 512 << 20
"""Bytes of a file, unpacked. Some fifty times a large chain's day; reading it takes several
times as much memory, so that beyond it a machine would fail without saying why."""

_STEP = 1 << 20
_LZMA_MEMORY = 256 << 20
"""Bytes of dictionary. The strongest preset of xz takes 65 MiB; a header may ask for 4 GiB."""

_FOREIGN = (
    (b"PK\x03\x04", "a zip archive or a workbook"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"\xd0\xcf\x11\xe0", "an old workbook"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF document"),
)
"""First bytes of what is delivered under the name of a price file and is none."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The bytes of a file.

    Attributes:
        data: its bytes, or those that can be relied on.
        damage: why they are not all of it; empty when they are.
        cut_short: whether the end is missing, so that the last line may be half a line.
    """

    data: bytes
    damage: str = ""
    cut_short: bool = False


class _Member(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """A gzip member with the interface of those of bz2 and lzma."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._full and not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        block = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        # zlib may hold more than it was allowed to give although it has taken all input.
        self._full = len(block) == max_length
        return block


_OPENERS: tuple[tuple[bytes, Callable[[], _Member]], ...] = (
    (b"\x1f\x8b", _Gzip),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)),
)


def unpack(data: bytes, name: str, *, largest: int = LARGEST) -> Unpacked:
    """Return a file's bytes, decompressed by what they are rather than by the file's name.

    Raises:
        UnreadableFile: nothing of it can be relied on, it is of a kind that is not read, or it
            is or unpacks to more than `largest` bytes.
    """
    for magic, what in _FOREIGN:
        if data.startswith(magic):
            raise UnreadableFile(
                f"file {name} is {what}",
                "Deliver it as csv, tsv or txt, plain or compressed with gzip, bzip2 or xz.",
                file=name,
            )
    for magic, opener in _OPENERS:
        if data.startswith(magic):
            return _unpack(data, name, magic, opener, largest)
    if data and name.lower().endswith((".gz", ".bz2", ".xz")):
        raise UnreadableFile(
            f"file {name} is not compressed as its name says ({len(data):,} bytes)",
            "Ask for the file again: it was not written whole.",
            file=name,
        )
    if len(data) > largest:
        raise too_large(name, largest)
    return Unpacked(data)


def too_large(name: str, largest: int = LARGEST) -> UnreadableFile:
    """Return the error for a file of too many bytes."""
    return UnreadableFile(
        f"file {name} holds more than {largest:,} bytes",
        "Deliver it in several files, or raise the limit if it is meant.",
        file=name,
    )


def _unpack(
    data: bytes, name: str, magic: bytes, opener: Callable[[], _Member], largest: int
) -> Unpacked:
    out: list[bytes] = []
    size = place = 0
    checked = 0  # blocks of members that came to their end, where their checksum is
    damage, cut_short = "", False
    while place < len(data):
        head = data[place : place + len(magic)]
        if not magic.startswith(head):
            if data.count(0, place) < len(data) - place:  # tapes and some tools pad with zeros
                damage = "bytes that are no part of it follow the compressed data"
            break
        member = opener()
        try:
            while not member.eof:
                fed = data[place : place + _STEP] if member.needs_input else b""
                if member.needs_input and not fed:
                    damage, cut_short = "the compressed file ends early", True
                    break
                place += len(fed)
                block = member.decompress(fed, _STEP)
                out.append(block)
                size += len(block)
                if size > largest:
                    raise too_large(name, largest)
        except (zlib.error, OSError, lzma.LZMAError, EOFError) as error:
            damage, cut_short = f"the compressed file is damaged ({error})", True
            del out[checked:]
            break
        place -= len(member.unused_data)
        checked = len(out)
    unpacked = b"".join(out)
    if damage and not unpacked:
        raise UnreadableFile(
            f"file {name} cannot be unpacked: {damage}",
            "Ask for the file again: nothing of it can be relied on.",
            file=name,
        )
    return Unpacked(unpacked, damage, cut_short)
