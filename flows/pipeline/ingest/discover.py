"""Which files there are: by day, from a folder or any URL that fsspec opens.

A file belongs to the day that its name carries (``prices_2026-08-15.csv.gz``, ``20260815.csv``),
or that of the folder it lies in. Files with no day in either are not price files and are left
alone; so are hidden and half-written ones.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import fsspec

from flows.pipeline.ingest.errors import NoFilesForDay, SourceMissing, SourceUnreadable

_DAY = re.compile(r"(?<!\d)(20\d{2})([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
_TABULAR = re.compile(r"\.(csv|tsv|txt)(\.(gz|bz2|xz))?$", re.IGNORECASE)
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
        """
        try:
            with fsspec.open(self.url, "rb") as file:
                data: bytes = file.read()
                return data
        except OSError as error:
            raise SourceUnreadable(
                f"file {self.name} cannot be read: {error}",
                "See whether it is still there and may be read, then run again.",
                file=self.name,
            ) from error

    def fingerprint(self) -> str:
        """Return the SHA-256 of its bytes, streamed; 32 hex digits are enough to tell files.

        Raises:
            SourceUnreadable: it cannot be read.
        """
        total = hashlib.sha256()
        try:
            with fsspec.open(self.url, "rb") as file:
                while block := file.read(_BLOCK):
                    total.update(block)
        except OSError as error:
            raise SourceUnreadable(
                f"file {self.name} cannot be read: {error}",
                "See whether it is still there and may be read, then run again.",
                file=self.name,
            ) from error
        return total.hexdigest()[:32]


def discover(source: str) -> dict[date, list[SourceFile]]:
    """Return the files of a source by day, days ascending, files by name.

    Args:
        source: a folder, a single file, or a URL of either.

    Raises:
        SourceMissing: nothing is there, or nothing with a day in its name.
        SourceUnreadable: it cannot be listed.
    """
    root, found = _list(source)
    by_day: dict[date, list[SourceFile]] = defaultdict(list)
    for url, path, size in found:
        name = path[len(root) :].lstrip("/") or path.rsplit("/", 1)[-1]
        day = _day_of(name)
        hidden = any(part.startswith((".", "_")) for part in name.split("/"))
        if day is not None and not hidden and _TABULAR.search(name):
            by_day[day].append(SourceFile(url, name, day, size))
    if not by_day:
        raise SourceMissing(
            f"source {source} holds no price files",
            "Expected are files such as prices_2026-08-15.csv.gz: a day in the name, and csv, tsv"
            " or txt, plain or compressed (gz, bz2, xz).",
        )
    return {day: sorted(by_day[day], key=lambda file: file.name) for day in sorted(by_day)}


def _list(source: str) -> tuple[str, list[tuple[str, str, int]]]:
    if "://" not in source:
        source = str(Path(source).expanduser())
    try:
        filesystem, root = fsspec.url_to_fs(source)
        if not filesystem.exists(root):
            raise SourceMissing(
                f"source {source} does not exist",
                "Give a folder or URL that holds the daily price files.",
            )
        if filesystem.isfile(root):
            details: dict[str, Any] = {root: filesystem.info(root)}
            root = root.rsplit("/", 1)[0]
        else:
            details = filesystem.find(root, detail=True)
    except (ImportError, ValueError) as error:
        if isinstance(error, SourceMissing):
            raise
        raise SourceUnreadable(
            f"source {source} cannot be opened: {error}",
            "Give a folder, or a URL whose fsspec driver is installed.",
        ) from error
    except OSError as error:
        raise SourceUnreadable(
            f"source {source} cannot be listed: {error}",
            "See whether it is reachable and may be read, then run again.",
        ) from error
    return root, [
        (filesystem.unstrip_protocol(path), path, int(info.get("size") or 0))
        for path, info in details.items()
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
