"""A folder of this machine as a `Folder`, for what is thrown away: trials, and notebooks."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LocalEntry:
    """One file of a listing."""

    path: str


@dataclass(frozen=True)
class LocalFolder:
    """A folder; see `Folder`. What it writes is not flushed to disk."""

    root: Path
    is_local: bool = True

    def locate(self, path: str) -> str:
        """Return the full path of a path below the root."""
        return str(self.root / path)

    def read(self, path: str) -> bytes:
        """Return a file's bytes; FileNotFoundError if there is none."""
        return (self.root / path).read_bytes()

    def size(self, path: str) -> int | None:
        """Return a file's size; None if there is none."""
        target = self.root / path
        return target.stat().st_size if target.is_file() else None

    def names(self, folder: str) -> list[str]:
        """Return the names directly below a folder, sorted."""
        target = self.root / folder
        return sorted(path.name for path in target.iterdir()) if target.is_dir() else []

    def entries(self, folder: str = "") -> list[LocalEntry]:
        """Return every file below a folder."""
        found = sorted(path for path in (self.root / folder).rglob("*") if path.is_file())
        return [LocalEntry(path.relative_to(self.root).as_posix()) for path in found]

    def put(self, path: str, data: bytes) -> None:
        """Make a file appear whole."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = target.with_name(f".{target.name}.new")
        staged.write_bytes(data)
        staged.replace(target)

    def put_if_absent(self, path: str, data: bytes) -> bool:
        """Make a file appear whole where none is; return whether it is ours."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        staged.write_bytes(data)
        try:
            os.link(staged, target)
        except FileExistsError:
            return False
        finally:
            staged.unlink()
        return True

    def delete(self, path: str) -> None:
        """Remove a file."""
        (self.root / path).unlink(missing_ok=True)
