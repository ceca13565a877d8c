"""Contents: a file's bytes, decompressed, in memory if they are few and in a file if not.

Such files are temporary and have no name: nothing of them is left when the process ends, however
it does.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from flows.pipeline.ingest.decompress import HEAD, Unpacked, allowance, unpack_into

SMALL = 64 << 20
"""Bytes of a file, unpacked, that is read in memory: what is made of it takes some ten times as
much. Far above the day of any chain."""


class Scratch(ExitStack):
    """Temporary files, in memory while they are small; they are gone when it is left.

    Args:
        folder: where they are when they are large; None for the system's.
    """

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__()
        self.folder = folder

    def file(self) -> BinaryIO:
        """Return a new one."""
        folder = None if self.folder is None else str(self.folder)
        made = SpooledTemporaryFile(max_size=SMALL, dir=folder)  # noqa: SIM115 - closed with us
        return cast(BinaryIO, self.enter_context(made))


@dataclass(frozen=True)
class Contents:
    """The bytes of a file.

    Attributes:
        file: they can be read from it, as often as need be.
        size: how many.
        damage: why they are not all of it; empty when they are.
        cut_short: whether the end is missing.
    """

    file: BinaryIO
    size: int
    damage: str = ""
    cut_short: bool = False

    @property
    def head(self) -> bytes:
        """The first bytes."""
        return head_of(self.file)

    def unpacked(self) -> Unpacked:
        """Return all bytes, in memory."""
        self.file.seek(0)
        return Unpacked(self.file.read(), self.damage, self.cut_short)


def contents_of(file: BinaryIO, name: str, scratch: Scratch) -> Contents:
    """Return a file's contents, decompressed by what they are rather than by the file's name.

    Args:
        file: as it was delivered.
        name: of the file.
        scratch: holds what is unpacked.

    Raises:
        UnreadableFile: nothing of it can be relied on, it is of a kind that is not read, or it
            unpacks to more than is believed.
        OSError: it cannot be read, or there is no room to unpack it.
    """
    size = file.seek(0, 2)
    file.seek(0)
    out = scratch.file()
    found = unpack_into(file, out, name, largest=allowance(size))
    if found is None:
        return Contents(file, size)
    return Contents(out, out.seek(0, 2), *found)


def head_of(file: BinaryIO) -> bytes:
    """Return the first bytes of a file, and go back to its beginning."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    return head
