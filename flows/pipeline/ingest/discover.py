"""Which files there are: by day, from a folder or any URL that fsspec opens.

A file belongs to the day that its name carries (``prices_2026-08-15.csv.gz``, ``20260815.csv``,
``202608150300.csv``), or that of the folder it lies in. Files with no day in either are not price
files and are left alone; so are hidden and half-written ones. What lies beside a day's files and
is of a kind that is not read (a PDF, a rar archive) is found too, so that reading it can say so.
"""

from __future__ import annotations

import errno
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileOpener

from flows.pipeline.ingest.contents import Scratch
from flows.pipeline.ingest.decompress import READ
from flows.pipeline.ingest.errors import (
    NoFilesForDay,
    NoRoom,
    SourceMissing,
    SourceUnavailable,
    SourceUnreadable,
    UnreadableFile,
)

_DAY = re.compile(
    r"(?<!\d)(20\d{2})([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])"
    r"(?:([01]\d|2[0-3])[0-5]\d([0-5]\d)?)?(?!\d)"  # a time of day may follow
)
_READ = re.compile(
    r"\.(csv|tsv|txt|json|jsonl|ndjson|xml|xlsx|xlsm|xls|ods|parquet|zip)(\.(gz|bz2|xz|zst|br))?$",
    re.IGNORECASE,
)
_NOT_READ = re.compile(r"\.(7z|rar|z|tar|tgz|pdf|doc|docx)$", re.IGNORECASE)
_PASSING = frozenset({errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.ESTALE})
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source.

    Attributes:
        url: what opens it.
        name: below the source, for people.
        day: of its data.
        size: in bytes.
    """

    url: str
    name: str
    day: date
    size: int

    def read(self) -> bytes:
        """Return its bytes.

        Raises:
            SourceUnreadable: it cannot be read.
            SourceUnavailable: it cannot be read at the moment.
            UnreadableFile: it is of a kind that is not read.
        """
        if _NOT_READ.search(self.name):
            raise UnreadableFile(
                f"file {self.name} is of a kind that is not read",
                f"Deliver it as {READ}.",
                file=self.name,
            )
        with _explained(f"file {self.name} cannot be read", self.name):
            with fsspec.open(self.url, "rb") as file:
                data: bytes = file.read()
            return data

    @contextmanager
    def opened(self, scratch: Path | None = None) -> Iterator[BinaryIO]:
        """Open it, to be read more than once: where it lies, or fetched to this machine.

        Whatever reading it raises of the file system's errors comes as one of these.

        Args:
            scratch: folder of temporary files.

        Raises:
            SourceUnreadable: it cannot be read.
            SourceUnavailable: it cannot be read at the moment, or there is no room for it.
            UnreadableFile: it is of a kind that is not read.
        """
        if _NOT_READ.search(self.name):
            raise UnreadableFile(
                f"file {self.name} is of a kind that is not read",
                f"Deliver it as {READ}.",
                file=self.name,
            )
        with (
            _explained(f"file {self.name} cannot be read", self.name),
            fsspec.open(self.url, "rb") as file,
        ):
            if isinstance(file, LocalFileOpener):
                yield file.f
                return
            with Scratch(scratch) as room:
                copy = room.file()
                while block := file.read(_BLOCK):
                    copy.write(block)
                copy.seek(0)
                yield copy

    def fingerprint(self) -> str:
        """Return the SHA-256 of its bytes, streamed; 32 hex digits are enough to tell files.

        Raises:
            SourceUnreadable: it cannot be read.
            SourceUnavailable: it cannot be read at the moment.
        """
        total = hashlib.sha256()
        with (
            _explained(f"file {self.name} cannot be read", self.name),
            fsspec.open(self.url, "rb") as file,
        ):
            while block := file.read(_BLOCK):
                total.update(block)
        return total.hexdigest()[:32]


@contextmanager
def _explained(problem: str, file: str = "") -> Iterator[None]:
    """Turn what the file system raises into ingest's errors."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            # Reading takes no room: it is what is unpacked, or was fetched, that found none.
            raise NoRoom(
                f"{problem}: no space left for temporary files",
                "Free space, or give another storage root or TMPDIR; then run again.",
                file=file,
            ) from error
        if isinstance(error, TimeoutError | ConnectionError) or error.errno in _PASSING:
            raise SourceUnavailable(
                f"{problem} at the moment: {error}",
                "See whether the source is reachable, then run again.",
                file=file,
            ) from error
        raise SourceUnreadable(
            f"{problem}: {error}",
            "See whether it is still there and may be read, then run again.",
            file=file,
        ) from error


def discover(source: str) -> dict[date, list[SourceFile]]:
    """Return the files of a source by day, days ascending, files by name.

    Args:
        source: a folder, a single file, a pattern (``…/catalog/*.csv.gz``), or a URL of these.

    Raises:
        SourceMissing: nothing is there, or nothing with a day in its name.
        SourceUnreadable: it cannot be listed.
        SourceUnavailable: it cannot be listed at the moment.
    """
    root, found = _list(source)
    by_day: dict[date, list[SourceFile]] = defaultdict(list)
    beside: list[SourceFile] = []
    for url, path, size in found:
        name = path[len(root) :].lstrip("/") or path.rsplit("/", 1)[-1]
        day = _day_of(name)
        if day is None or any(part.startswith((".", "_")) for part in name.split("/")):
            continue
        if _READ.search(name):
            by_day[day].append(SourceFile(url, name, day, size))
        elif _NOT_READ.search(name):
            beside.append(SourceFile(url, name, day, size))
    for file in beside:
        # A report that lies about makes no day; beside price files it may be one that is missed.
        if file.day in by_day:
            by_day[file.day].append(file)
    if not by_day:
        raise SourceMissing(
            f"source {source} holds no price files",
            f"Expected are files such as prices_2026-08-15.csv.gz: a day in the name, and {READ}.",
        )
    return {day: sorted(by_day[day], key=lambda file: file.name) for day in sorted(by_day)}


def beside(source: str, ending: str) -> list[SourceFile]:
    """Return the files in a source's own folder whose names end so, by name.

    Raises:
        SourceMissing: nothing is there.
        SourceUnreadable: it cannot be listed.
        SourceUnavailable: it cannot be listed at the moment.
    """
    root, found = _list(source)
    named = [(url, path[len(root) :].lstrip("/"), size) for url, path, size in found]
    return sorted(
        (
            SourceFile(url, name, date.min, size)
            for url, name, size in named
            if name.endswith(ending) and "/" not in name
        ),
        key=lambda file: file.name,
    )


def _list(source: str) -> tuple[str, list[tuple[str, str, int]]]:
    if "://" not in source:
        source = str(Path(source).expanduser())
    try:
        filesystem, root = fsspec.url_to_fs(source)
    except (ImportError, ValueError) as error:
        raise SourceUnreadable(
            f"source {source} cannot be opened: {error}",
            "Give a folder, or a URL whose fsspec driver is installed.",
        ) from error
    with _explained(f"source {source} cannot be listed"):
        if any(sign in root for sign in "*?["):
            details: dict[str, Any] = filesystem.glob(root, detail=True)
            root = re.split(r"[*?\[]", root)[0].rsplit("/", 1)[0]
        elif not filesystem.exists(root):
            raise SourceMissing(
                f"source {source} does not exist",
                "Give a folder or URL that holds the daily price files.",
            )
        elif filesystem.isfile(root):
            details = {root: filesystem.info(root)}
            root = root.rsplit("/", 1)[0]
        else:
            details = filesystem.find(root, detail=True)
    return root, [
        (filesystem.unstrip_protocol(path), path, int(info.get("size") or 0))
        for path, info in details.items()
        # Opening a pipe or a device would wait for ever.
        if info.get("type") == "file" or info.get("islink")
    ]


def _day_of(name: str) -> date | None:
    # The file's own name says more than the folder it happens to lie in.
    for part in reversed(name.split("/")):
        for match in _DAY.finditer(part):
            try:
                return date(int(match[1]), int(match[3]), int(match[4]))
            except ValueError:
                continue
    return None


def files_for(found: Mapping[date, list[SourceFile]], day: date, source: str) -> list[SourceFile]:
    """Return the files of a day.

    Raises:
        NoFilesForDay: there are none; names the nearest days that there are.
    """
    if day in found:
        return found[day]
    nearest = sorted(sorted(found, key=lambda other: (abs((other - day).days), other))[:4])
    raise NoFilesForDay(
        f"source {source} has no files for {day}",
        f"The nearest days that it has are {', '.join(str(other) for other in nearest)}.",
    )
