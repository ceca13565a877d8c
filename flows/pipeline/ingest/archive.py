"""Zip archives: each member that is a price file counts as a file of its own.

Bounded as decompression is: what comes out of all members together, not what the archive says of
itself. An archive whose end is missing has lost its table of contents: nothing of it is used,
since what its members are called, and which there are, is not known.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from flows.pipeline.ingest.contents import Scratch
from flows.pipeline.ingest.decompress import allowance, too_large
from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.members import STEP

MOST_MEMBERS: Final = 10_000
"""Members of an archive; more is no delivery of a day."""
MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")


def is_workbook(data: bytes | BinaryIO) -> bool:
    """Say whether a zip archive is a workbook, by what is in it."""
    try:
        with zipfile.ZipFile(_opened(data)) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile:
        return False
    return "[Content_Types].xml" in names or {"mimetype", "content.xml"} <= names


def members(
    data: bytes | BinaryIO,
    name: str,
    *,
    largest: int | None = None,
    scratch: Path | None = None,
) -> Iterator[tuple[str, BinaryIO]]:
    """Yield the files of an archive: ``<archive>/<member>`` and its bytes, in memory or a file.

    Hidden members and what systems leave in archives are passed over.

    Raises:
        UnreadableFile: the archive or a member is damaged, encrypted, of an unknown method, or
            they hold more than `largest` bytes together.
        OSError: there is no room for a member.
    """
    file = _opened(data)
    if largest is None:
        largest = allowance(file.seek(0, 2))
    again = "Ask for the file again: it was not written whole."
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [entry for entry in archive.infolist() if _counts(entry)]
            if not entries or len(entries) > MOST_MEMBERS:
                raise UnreadableFile(
                    f"file {name} is an archive of {len(entries):,} files", again, file=name
                )
            left = largest
            for entry in entries:
                whole = f"{name}/{entry.filename}"
                if entry.flag_bits & 1:
                    raise UnreadableFile(
                        f"file {whole} is encrypted", "Have it delivered without a password.",
                        file=whole,
                    )  # fmt: skip
                with Scratch(scratch) as room:
                    content = room.file()
                    left -= _copied(archive, entry, content, left)
                    if left < 0:
                        raise too_large(name, largest)
                    content.seek(0)
                    yield whole, content
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        if getattr(error, "errno", None) is not None:
            raise  # of the disk, not of the archive
        raise UnreadableFile(
            f"file {name} is a damaged zip archive: {error}", again, file=name
        ) from error
    except NotImplementedError as error:
        raise UnreadableFile(
            f"file {name} is a zip archive that cannot be unpacked: {error}",
            "Have it packed by deflate, which every program reads.",
            file=name,
        ) from error


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
