"""Decompression that keeps what can be read.

A compressed file that ends early, or is damaged half way, still gives all that comes before:
the caller is told, so that it can leave out the last line, which may be half a line. What comes
out is bounded: a small file that unpacks to something enormous is refused, not unpacked.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from dataclasses import dataclass
from typing import Any

from flows.pipeline.ingest.errors import UnreadableFile

LARGEST = 4 << 30
"""Bytes of a file, unpacked: a thousand times a large chain's day."""
_STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The bytes of a file, and why they are not all of it (empty when they are)."""

    data: bytes
    damage: str = ""


def unpack(data: bytes, name: str, *, largest: int = LARGEST) -> Unpacked:
    """Return a file's bytes, decompressed by what they are rather than by the file's name.

    Raises:
        UnreadableFile: nothing can be read of it, or it unpacks to more than `largest` bytes.
    """
    if data.startswith(b"\x1f\x8b"):
        opener: Any = _gzip
    elif data.startswith(b"BZh"):
        opener = bz2.BZ2Decompressor
    elif data.startswith(b"\xfd7zXZ\x00"):
        opener = lzma.LZMADecompressor
    elif name.lower().endswith((".gz", ".bz2", ".xz")):
        raise UnreadableFile(
            f"file {name} is not compressed as its name says ({len(data):,} bytes)",
            "Ask for the file again: it was not written whole.",
            file=name,
        )
    else:
        return Unpacked(data)
    return _unpack(data, name, opener, largest)


def _gzip() -> Any:
    return zlib.decompressobj(wbits=31)


def _unpack(data: bytes, name: str, opener: Any, largest: int) -> Unpacked:
    out: list[bytes] = []
    size, damage, rest = 0, "", data
    try:
        while rest:
            member = opener()
            # Fed in steps: a bomb is seen when it has grown by one step, not when it is done.
            for start in range(0, len(rest), _STEP):
                block = member.decompress(rest[start : start + _STEP])
                out.append(block)
                size += len(block)
                if size > largest:
                    raise UnreadableFile(
                        f"file {name} unpacks to more than {largest:,} bytes",
                        "Deliver it in several files, or raise the limit if it is meant.",
                        file=name,
                    )
                if member.eof:
                    rest = member.unused_data + rest[start + _STEP :]
                    break
            else:
                damage = "the compressed file ends early"
                # zlib holds back what it could not yet complete; bz2 and lzma give all they have.
                out.append(member.flush() if hasattr(member, "flush") else b"")
                break
            if not rest.strip(b"\0"):
                break  # tapes and some tools pad with zeros
    except (zlib.error, OSError, lzma.LZMAError, EOFError) as error:
        damage = f"the compressed file is damaged ({error})"
    unpacked = b"".join(out)
    if damage and not unpacked:
        raise UnreadableFile(
            f"file {name} cannot be unpacked: {damage}",
            "Ask for the file again: nothing of it can be read.",
            file=name,
        )
    return Unpacked(unpacked, damage)
