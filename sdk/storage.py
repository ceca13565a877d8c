"""Storage by URL: the few operations on which publication rests, with the promises it needs.

A root is a folder or any fsspec URL (``s3://bucket/prefix``, ``gs://``, ``az://``,
``memory://``). Two operations carry all the weight:

* `put` makes an object appear whole or not at all. Locally: a temporary file beside the target,
  flushed to disk, then renamed. Object stores do so by themselves.
* `put_if_absent` does so only where nothing is there yet, whoever else tries at the same moment.
  Locally by a hard link (it fails if the name exists; a rename would overwrite), elsewhere by
  the store's conditional put (``If-None-Match: *`` on S3, generation match on GCS).

A killed writer leaves at most a ``.tmp-…`` file, which no reader looks at and the garbage
collection removes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from sdk.errors import StorageError, Transient

TEMPORARY = ".tmp-"


class Storage:
    """One storage root.

    Args:
        url: folder or fsspec URL of the root.
        options: what the file system's constructor takes (endpoint, credentials).
    """

    def __init__(self, url: str, **options: Any) -> None:
        self.options = options
        if "://" not in url:
            url = Path(url).expanduser().resolve().as_posix()
        self.url = url.rstrip("/")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_storage, (self.url, tuple(sorted(self.options.items()))))

    @cached_property
    def _fs(self) -> Any:
        try:
            filesystem, _ = fsspec.url_to_fs(self.url, **self.options)
        except (ImportError, ValueError) as error:
            raise StorageError(
                f"storage {self.url}: {error}",
                "Give a folder, or a URL whose fsspec driver is installed.",
            ) from error
        return filesystem

    @cached_property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine (or mounted on it)."""
        return isinstance(self._fs, LocalFileSystem)

    @cached_property
    def _base(self) -> str:
        return str(self._fs._strip_protocol(self.url)).rstrip("/")

    def locate(self, path: str) -> str:
        """Return the full URL of a path below the root, for libraries that open URLs."""
        return f"{self.url}/{path}"

    def _full(self, path: str) -> str:
        return f"{self._base}/{path}"

    def read(self, path: str) -> bytes:
        """Return an object's bytes.

        Raises:
            FileNotFoundError: there is none.
            StorageError: it cannot be read.
        """
        with self._explained("read", path):
            data: bytes = self._fs.cat_file(self._full(path))
            return data

    def exists(self, path: str) -> bool:
        """Say whether there is an object at the path."""
        with self._explained("look for", path):
            return bool(self._fs.exists(self._full(path)))

    def size(self, path: str) -> int:
        """Return an object's size in bytes."""
        with self._explained("measure", path):
            return int(self._fs.size(self._full(path)))

    def names(self, folder: str) -> list[str]:
        """Return the names directly below a folder, sorted; none if there is no folder."""
        with self._explained("list", folder):
            # A listing that was cached before another process wrote would hide its manifest.
            self._fs.invalidate_cache(self._full(folder))
            try:
                found = self._fs.ls(self._full(folder), detail=False)
            except FileNotFoundError:
                return []
        names = (str(path).rstrip("/").rsplit("/", 1)[-1] for path in found)
        return sorted(name for name in names if not name.startswith(TEMPORARY))

    def put(self, path: str, data: bytes) -> None:
        """Make an object appear whole, replacing what is there."""
        with self._explained("write", path):
            if not self.is_local:
                self._fs.pipe_file(self._full(path), data)
                return
            with self._staged(path, data) as temporary:
                temporary.replace(self._full(path))

    def put_if_absent(self, path: str, data: bytes) -> bool:
        """Make an object appear whole where none is.

        Returns:
            Whether it is ours; False means that another was there first, untouched.
        """
        with self._explained("write", path):
            if self.is_local:
                with self._staged(path, data) as temporary:
                    try:
                        os.link(temporary, self._full(path))
                    except FileExistsError:
                        return False
                return True
            try:
                self._fs.pipe_file(self._full(path), data, mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                if _precondition_failed(error):
                    return False
                raise
            return True

    def delete(self, path: str) -> None:
        """Remove an object; nothing happens if there is none."""
        with self._explained("delete", path), contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._full(path))

    def check_writable(self) -> None:
        """Write and remove a probe.

        Raises:
            StorageError: the root cannot be written; the error says why.
        """
        probe = f"{TEMPORARY}probe-{uuid.uuid4().hex}"
        self.put(probe, b"probe")
        self.delete(probe)

    @contextlib.contextmanager
    def _staged(self, path: str, data: bytes) -> Iterator[Path]:
        target = Path(self._full(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f"{TEMPORARY}{uuid.uuid4().hex}"
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _explained(self, verb: str, path: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _explain(error, f"storage {self.url}: cannot {verb} {path or '/'}") from error


@lru_cache(maxsize=64)
def _storage(url: str, options: tuple[tuple[str, Any], ...]) -> Storage:
    return Storage(url, **dict(options))


def storage(url: str) -> Storage:
    """Return the storage of a URL; the same object for the same URL in this process."""
    return _storage(url, ())


def _precondition_failed(error: OSError) -> bool:
    # s3fs turns most S3 codes into errno, but not these two of the conditional put.
    return "PreconditionFailed" in str(error) or "ConditionalRequestConflict" in str(error)


def _explain(error: OSError, problem: str) -> StorageError | Transient:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            f"{problem}: no space left", "Free space or give another storage root; then run again."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(
            f"{problem}: not permitted ({os.strerror(error.errno)})",
            "Give a storage root that this user may write, or mend its permissions.",
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return StorageError(
            f"{problem}: a file stands where a folder is needed",
            "Give another storage root, or move that file away.",
        )
    return Transient(f"{problem}: {error}", "If it stays, see whether the store is reachable.")
