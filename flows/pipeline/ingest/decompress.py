"""Decompression that gives what was written, and no more than that.

A compressed file that ends early still gives all that comes before: every byte of it is right,
and the caller is told that the last line may be half a line. A file whose *content* is damaged
is another matter: a flipped bit shows as a wrong digit long before the checksum tells, so only
members whose checksum holds are used. What comes out is bounded at every step: a small file that
unpacks to something enormous is refused, not unpacked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.members import BROTLI, ERRORS, OPENERS, STEP, Member

LARGEST = 512 << 20
"""Bytes of a file, unpacked. Some fifty times a large chain's day; reading it takes several
times as much memory, so that beyond it a machine would fail without saying why."""

COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".br")
"""How names of compressed files end."""
READ = (
    "csv, tsv, txt, json, xml, xlsx, xls, ods or parquet, plain, in a zip, or compressed with"
    " gzip, bzip2, xz, zstd or brotli"
)
"""What is read, in words."""

_FOREIGN = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a rar archive"),
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
                f"Deliver it as {READ}.",
                file=name,
            )
    for magic, opener in OPENERS:
        if data.startswith(magic):
            return _unpack(data, name, magic, opener, largest)
    if data and name.lower().endswith(".br"):
        return _unpack(data, name, b"", BROTLI, largest)
    if data and name.lower().endswith(COMPRESSED):
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
    data: bytes, name: str, magic: bytes, opener: Callable[[], Member], largest: int
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
                fed = data[place : place + STEP] if member.needs_input else b""
                if member.needs_input and not fed:
                    damage, cut_short = "the compressed file ends early", True
                    break
                place += len(fed)
                block = member.decompress(fed, STEP)
                out.append(block)
                size += len(block)
                if size > largest:
                    raise too_large(name, largest)
        except ERRORS as error:
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
