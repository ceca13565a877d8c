"""What journal and archive need of a storage root; the platform's storage has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Listed(Protocol):
    """One object of a listing."""

    @property
    def path(self) -> str:
        """Its path below the root."""


class Folder(Protocol):
    """A storage root: a folder, or an object store with the same promises.

    ``put`` makes an object appear whole or not at all.
    """

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""

    def locate(self, path: str) -> str:
        """Return the full path or URL of a path below the root."""

    def read(self, path: str) -> bytes:
        """Return an object's bytes; FileNotFoundError if there is none."""

    def size(self, path: str) -> int | None:
        """Return an object's size; None if there is none."""

    def names(self, folder: str) -> list[str]:
        """Return the names directly below a folder, sorted."""

    def entries(self, folder: str = "") -> Sequence[Listed]:
        """Return every object below a folder."""

    def put(self, path: str, data: bytes) -> None:
        """Make an object appear whole."""

    def put_if_absent(self, path: str, data: bytes) -> bool:
        """Make an object appear whole where none is; return whether it is ours."""

    def delete(self, path: str) -> None:
        """Remove an object."""
