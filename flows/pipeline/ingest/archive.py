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
from typing import Final

from flows.pipeline.ingest.decompress import LARGEST, too_large
from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.members import STEP

MOST_MEMBERS: Final = 10_000
"""Members of an archive; more is no delivery of a day."""
MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")


def is_workbook(data: bytes) -> bool:
    """Say whether a zip archive is a workbook, by what is in it."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile:
        return False
    return "[Content_Types].xml" in names or {"mimetype", "content.xml"} <= names


def members(data: bytes, name: str, *, largest: int = LARGEST) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an archive: ``<archive>/<member>`` and its bytes.

    Hidden members and what systems leave in archives are passed over.

    Raises:
        UnreadableFile: the archive or a member is damaged, encrypted, of an unknown method, or
            they hold more than `largest` bytes together.
    """
    again = "Ask for the file again: it was not written whole."
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
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
                content = _read(archive, entry, left)
                if content is None:
                    raise too_large(name, largest)
                left -= len(content)
                yield whole, content
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
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


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes | None:
    """Return a member's bytes; None if they are more than that."""
    blocks: list[bytes] = []
    with archive.open(entry) as file:
        while block := file.read(STEP):
            left -= len(block)
            if left < 0:
                return None
            blocks.append(block)
    return b"".join(blocks)
