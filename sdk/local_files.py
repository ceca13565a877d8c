"""Local files that appear whole or not at all, and once.

A temporary file beside the target, flushed to disk, then renamed over it (`write_whole`) or
hard-linked where nothing may be (`write_new`): both are one step to every other process, on
POSIX file systems and NFS alike. The folder itself is not flushed: after a power cut a name may
be missing, never half a file under it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

TEMPORARY = ".tmp-"
"""How the names of files begin that nobody reads yet."""


def write_whole(target: Path, data: bytes) -> None:
    """Make a file appear whole, replacing what is there."""
    with _staged(target, data) as temporary:
        temporary.replace(target)


def copy_whole(target: Path, source: Path) -> None:
    """Make a file appear whole that has the bytes of another, which nobody may change any more.

    On one file system no byte is copied: both names are of one file then.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f"{TEMPORARY}{uuid.uuid4().hex}"
    try:
        try:
            os.link(source, temporary)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_new(target: Path, data: bytes) -> bool:
    """Make a file appear whole where none is; return whether it is ours."""
    with _staged(target, data) as temporary:
        try:
            os.link(temporary, target)
        except FileExistsError:
            # NFS may repeat a link whose answer was lost: two names for our file mean we won.
            return temporary.stat().st_nlink > 1
    return True


@contextlib.contextmanager
def _staged(target: Path, data: bytes) -> Iterator[Path]:
    temporary = target.parent / f"{TEMPORARY}{uuid.uuid4().hex}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        with contextlib.suppress(OSError):  # that it cannot be removed must hide no error
            temporary.unlink(missing_ok=True)
