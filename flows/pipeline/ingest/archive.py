"""Zip archives: each member that is a price file counts as a file of its own.

A member that cannot be read costs itself alone. Bounded as decompression is: what comes out of all
members together, not what the archive says of itself. An archive whose end is missing has lost
its table of contents: nothing of it is used, since what its members are called, and which there
are, is not known.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from flows.pipeline.ingest.contents import Scratch
from flows.pipeline.ingest.decompress import allowance, too_large
from flows.pipeline.ingest.errors import IngestError, UnreadableFile
from flows.pipeline.ingest.members import STEP

MOST_MEMBERS: Final = 10_000
"""Members of an archive; more is no delivery of a day."""
_AGAIN: Final = "Ask for the file again: it was not written whole."
UNREADABLE: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError
)  # fmt: skip
"""What reading a member raises; RuntimeError where it is encrypted or of an unknown method."""
MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")


def is_workbook(data: bytes | BinaryIO) -> bool:
    """Say whether a zip archive is a workbook, by what is in it."""
    try:
        with zipfile.ZipFile(_opened(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return False
    return "[Content_Types].xml" in names or {"mimetype", "content.xml"} <= names


def members(
    data: bytes | BinaryIO,
    name: str,
    *,
    largest: int | None = None,
    scratch: Path | None = None,
) -> Iterator[tuple[str, BinaryIO | IngestError]]:
    """Yield the files of an archive: ``<archive>/<member>`` and its bytes, in memory or a file.

    Of a member that is damaged, encrypted or of an unknown method, and of the one at which they
    hold more than `largest` bytes together, which is the last: why it cannot be read. Hidden
    members and what systems leave in archives are passed over.

    Raises:
        UnreadableFile: the archive is damaged or empty, before any member.
        OSError: there is no room for a member.
    """
    file = _opened(data)
    left = allowance(file.seek(0, 2)) if largest is None else largest
    most = left
    try:
        archive = zipfile.ZipFile(file)
    except UNREADABLE as error:
        if getattr(error, "errno", None) is not None:
            raise
        raise UnreadableFile(
            f"file {name} is a damaged zip archive: {error}", _AGAIN, file=name
        ) from error
    with archive:
        entries = [entry for entry in archive.infolist() if _counts(entry)]
        if not entries or len(entries) > MOST_MEMBERS:
            raise UnreadableFile(
                f"file {name} is an archive of {len(entries):,} files", _AGAIN, file=name
            )
        for entry in entries:
            whole = f"{name}/{entry.filename}"
            with Scratch(scratch) as room:
                content = room.file()
                try:
                    left -= _copied(archive, entry, content, left)
                except UNREADABLE as error:
                    yield whole, _why_not(whole, entry, error)
                    continue
                if left < 0:
                    yield whole, too_large(name, most)
                    return
                content.seek(0)
                yield whole, content


def _why_not(name: str, entry: zipfile.ZipInfo, error: Exception) -> IngestError:
    """Return the error of a member that cannot be read; a disk's goes on."""
    if getattr(error, "errno", None) is not None:
        raise error
    if entry.flag_bits & 1:
        return UnreadableFile(
            f"file {name} is encrypted", "Have it delivered without a password.", file=name
        )
    if isinstance(error, NotImplementedError):
        return UnreadableFile(
            f"file {name} is packed in a way that cannot be unpacked: {error}",
            "Have it packed by deflate, which every program reads.",
            file=name,
        )
    return UnreadableFile(f"file {name} is damaged in its archive: {error}", _AGAIN, file=name)


def _counts(entry: zipfile.ZipInfo) -> bool:
    parts = entry.filename.split("/")
    return not entry.is_dir() and not any(part.startswith((".", "__MACOSX")) for part in parts)


def _opened(data: bytes | BinaryIO) -> BinaryIO:
    return BytesIO(data) if isinstance(data, bytes) else data


def _copied(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, out: BinaryIO, left: int) -> int:
    """Return how many bytes of a member were copied: all, or more than are left."""
    size = 0
    with archive.open(entry) as file:
        while size <= left and (block := file.read(STEP)):
            out.write(block)
            size += len(block)
    return size
