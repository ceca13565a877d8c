"""Decompression that gives what was written, and no more than that.

A compressed file that ends early still gives all that comes before: every byte of it is right,
and the caller is told that the last line may be half a line. A file whose *content* is damaged
is another matter: a flipped bit shows as a wrong digit long before the checksum tells, so only
members whose checksum holds are used. What comes out is bounded at every step: a small file that
unpacks to something enormous is refused, not unpacked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.members import BROTLI, ERRORS, OPENERS, STEP, Member

LARGEST = 512 << 20
"""Bytes of a file, unpacked, that has to be in memory whole. Some fifty times a large chain's day;
reading it takes several times as much memory, so that beyond it a machine would fail without
saying why. Texts are read block by block and may be larger."""
MOST = 64 << 30
"""Bytes of any file, unpacked: what a disk for temporary files can be expected to hold."""
_RATIO = 100
"""How often larger than itself a compressed file may be, beyond `LARGEST`. Price files are packed
to a tenth or a fiftieth; a bomb to a thousandth."""

HEAD = 1 << 16
"""Bytes that tell what kind of file it is."""

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


def allowance(size: int) -> int:
    """Return to how many bytes a compressed file of a size may unpack."""
    return min(MOST, max(LARGEST, _RATIO * size))


def unpack(data: bytes, name: str, *, largest: int | None = None) -> Unpacked:
    """Return a file's bytes, decompressed by what they are rather than by the file's name.

    Raises:
        UnreadableFile: nothing of it can be relied on, it is of a kind that is not read, or it
            is or unpacks to more than `largest` bytes (by default `LARGEST`).
    """
    largest = LARGEST if largest is None else largest
    out = BytesIO()
    found = unpack_into(BytesIO(data), out, name, largest=largest)
    if found is not None:
        return Unpacked(out.getvalue(), *found)
    if len(data) > largest:
        raise too_large(name, largest)
    return Unpacked(data)


def unpack_into(
    source: BinaryIO, out: BinaryIO, name: str, *, largest: int
) -> tuple[str, bool] | None:
    """Decompress a file into another; None if it is not compressed, and nothing was written.

    Args:
        source: from its beginning.
        out: takes its bytes, or those that can be relied on.
        name: of the file.
        largest: bytes that are unpacked.

    Returns:
        Its damage, and whether it is cut short, as in `Unpacked`.

    Raises:
        UnreadableFile: as `unpack`.
    """
    head = source.read(HEAD)
    source.seek(0)
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise UnreadableFile(
                f"file {name} is {what}",
                f"Deliver it as {READ}.",
                file=name,
            )
    for magic, opener in OPENERS:
        if head.startswith(magic):
            return _unpack(source, out, name, magic, opener, largest)
    if head and name.lower().endswith(".br"):
        return _unpack(source, out, name, b"", BROTLI, largest)
    if head and name.lower().endswith(COMPRESSED):
        size = source.seek(0, 2)
        raise UnreadableFile(
            f"file {name} is not compressed as its name says ({size:,} bytes)",
            "Ask for the file again: it was not written whole.",
            file=name,
        )
    return None


def too_large(name: str, largest: int = LARGEST) -> UnreadableFile:
    """Return the error for a file of too many bytes."""
    return UnreadableFile(
        f"file {name} holds more than {largest:,} bytes",
        "Deliver it in several files, or raise the limit if it is meant.",
        file=name,
    )


def too_many(name: str, most: int) -> UnreadableFile:
    """Return the error for a file of too many cells."""
    return UnreadableFile(
        f"file {name} holds more than {most:,} cells",
        "Remove what stands far from the table, or deliver it as csv, which is read in pieces.",
        file=name,
    )


def _unpack(
    source: BinaryIO,
    out: BinaryIO,
    name: str,
    magic: bytes,
    opener: Callable[[], Member],
    largest: int,
) -> tuple[str, bool]:
    size = checked = 0  # bytes; and those of members that came to their end, where a checksum is
    damage, cut_short = "", False
    given = source.read(STEP)
    while given and not damage:
        if len(given) < len(magic):
            given += source.read(STEP)
        if not magic.startswith(given[: len(magic)]):
            # Tapes and some tools pad with zeros.
            if given.strip(b"\0") or any(rest.strip(b"\0") for rest in _rest(source)):
                damage = "bytes that are no part of it follow the compressed data"
            break
        member = opener()
        while not member.eof:
            fed = b""
            if member.needs_input:
                fed, given = given or source.read(STEP), b""
                if not fed:
                    damage, cut_short = "the compressed file ends early", True
                    break
            try:
                block = member.decompress(fed, STEP)
            except ERRORS as error:
                damage, cut_short = f"the compressed file is damaged ({error})", True
                size = out.seek(checked)
                out.truncate()
                break
            out.write(block)
            size += len(block)
            if size > largest:
                raise too_large(name, largest)
        else:
            given = member.unused_data + given or source.read(STEP)
            checked = size
    if damage and not size:
        raise UnreadableFile(
            f"file {name} cannot be unpacked: {damage}",
            "Ask for the file again: nothing of it can be relied on.",
            file=name,
        )
    return damage, cut_short


def _rest(source: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: source.read(STEP), b"")
