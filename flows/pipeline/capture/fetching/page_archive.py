"""The archive of pages: bodies by the hash of their content, compressed.

A page that did not change from one day to the next is there once. What is in the archive never
changes, so it is written without asking who else writes it. A body is hashed again when it is
read: a damaged one is no page, and the visit that names it is made again.
"""

from __future__ import annotations

import hashlib
from typing import Final

import pyarrow as pa

from flows.pipeline.capture.fetching.folder import Folder

FOLDER: Final = "_pages"
_LEVEL: Final = 6
"""Of zstd: pages shrink to a sixth in half a millisecond; higher levels gain little."""


class PageArchive:
    """The pages of a customer's captures.

    Args:
        folder: the storage root.
        customer: whose.
    """

    def __init__(self, folder: Folder, customer: str) -> None:
        self._folder = folder
        self._base = f"{customer}/{FOLDER}"

    def path(self, page: str) -> str:
        """Return where a page is, below the root."""
        return f"{self._base}/{page[:2]}/{page}.zst"

    def put(self, body: bytes) -> str:
        """Keep a body; return its name."""
        page = hashlib.sha256(body).hexdigest()
        path = self.path(page)
        if not self._folder.size(path):
            packed = pa.Codec("zstd", _LEVEL).compress(body, asbytes=True)
            self._folder.put(path, packed)
        return page

    def get(self, page: str) -> bytes | None:
        """Return a body; None if it is gone or damaged."""
        try:
            packed = self._folder.read(self.path(page))
            with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
                body: bytes = stream.read()
        except (FileNotFoundError, OSError, pa.ArrowException):
            return None
        return body if hashlib.sha256(body).hexdigest() == page else None

    def holds(self, page: str) -> bool:
        """Say whether a page is there."""
        return bool(self._folder.size(self.path(page)))

    def pages(self) -> list[str]:
        """Return the names of all pages."""
        names = (entry.path.rsplit("/", 1)[-1] for entry in self._folder.entries(self._base))
        return sorted(name.removesuffix(".zst") for name in names if name.endswith(".zst"))

    def remove(self, page: str) -> None:
        """Remove a page."""
        self._folder.delete(self.path(page))
