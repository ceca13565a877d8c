"""Storage by URL: the few operations on which publication rests, with the promises it needs.

A root is a folder or any fsspec URL (``s3://bucket/prefix``, ``gs://``, ``az://``,
``memory://``). Two operations carry all the weight:

* `put` makes an object appear whole or not at all. Locally: a temporary file beside the target,
  flushed to disk, then renamed. Object stores do so by themselves.
* `put_if_absent` does so only where nothing is there yet, whoever else tries at the same moment.
  Locally by a hard link (it fails if the name exists; a rename would overwrite), elsewhere by
  the driver's exclusive create: ``pipe_file(…, mode="create")``.

What is proved, and what is not. Folders: races between processes, kills, full disks. S3: against
a server that speaks its protocol over HTTP (``If-None-Match: *`` is sent and obeyed; races between
threads and processes; 403, 404, 409, 412, 503, no connection). Azure and Google: only that any
fsspec driver whose create is exclusive carries the store, by a stand-in; gcsfs (generation match)
and adlfs (``overwrite=False``) document theirs so, but no test here has spoken to them. A driver
that ignores ``mode="create"`` would let two writers claim one version.

A killed writer leaves at most a ``.tmp-…`` file, which no reader looks at and the garbage
collection removes.
"""

from __future__ import annotations

import contextlib
import random
import time
import uuid
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from sdk.errors import PlatformError, StorageError, Transient
from sdk.local_files import TEMPORARY, copy_whole, write_new, write_whole
from sdk.storage_entry import Entry, modified
from sdk.storage_errors import bucket_is_missing, explained, refusal

__all__ = ["TEMPORARY", "Entry", "Storage", "storage"]

CONFLICTS = 8
"""How often a conditional put is sent again after a 409: S3 asks for it, and each round of a race
has a winner, so that eight rounds outlast far more writers than one key ever has."""


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
        options = dict(self.options)
        if "://" in self.url and not self.url.startswith(("file://", "local://")):
            # A listing in the driver's memory would hide what other processes published since,
            # even from a read by name.
            options.setdefault("use_listings_cache", False)
        try:
            filesystem, _ = fsspec.url_to_fs(self.url, **options)
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
        return self.size(path) is not None

    def size(self, path: str) -> int | None:
        """Return an object's size in bytes; None if there is none."""
        with self._explained("look for", path):
            try:
                found = self._fs.info(self._full(path))
            except FileNotFoundError as error:
                if bucket_is_missing(error):
                    raise
                return None
        return None if found["type"] == "directory" else int(found["size"])

    def names(self, folder: str) -> list[str]:
        """Return the names directly below a folder, sorted; none if there is no folder."""
        with self._explained("list", folder):
            try:
                found = self._fs.ls(self._full(folder), detail=False)
            except FileNotFoundError as error:
                if bucket_is_missing(error):
                    raise
                return []
        names = (str(path).rstrip("/").rsplit("/", 1)[-1] for path in found)
        return sorted(name for name in names if not name.startswith(TEMPORARY))

    def entries(self, folder: str = "") -> list[Entry]:
        """Return every object below a folder at any depth, temporary ones too, by path."""
        top = self._full(folder).rstrip("/")
        with self._explained("list", folder):
            try:
                found = self._fs.find(top, detail=True)
            except FileNotFoundError as error:
                if bucket_is_missing(error):
                    raise
                return []
        start = len(self._base) + 1
        return sorted(
            (
                Entry(str(path)[start:], int(info.get("size") or 0), modified(info))
                for path, info in found.items()
                if info.get("type") != "directory"
            ),
            key=lambda entry: entry.path,
        )

    def put(self, path: str, data: bytes) -> None:
        """Make an object appear whole, replacing what is there."""
        with self._explained("write", path):
            if not self.is_local:
                self._fs.pipe_file(self._full(path), data)
                return
            write_whole(Path(self._full(path)), data)

    def put_file(self, path: str, source: Path) -> None:
        """Make a local file's bytes appear whole as an object, replacing what is there."""
        with self._explained("write", path):
            if self.is_local:
                copy_whole(Path(self._full(path)), source)
            else:
                # In parts, of which an object store makes an object when the last has come.
                self._fs.put_file(str(source), self._full(path))

    def put_if_absent(self, path: str, data: bytes) -> bool:
        """Make an object appear whole where none is.

        Returns:
            Whether it is ours; False means that something is there, untouched. After a lost
            answer that may be our own: a driver that sent the request twice was refused by
            what it had written first. Who must know compares the bytes.
        """
        with self._explained("write", path):
            if self.is_local:
                return write_new(Path(self._full(path)), data)
            for attempt in range(1, CONFLICTS + 1):
                try:
                    self._fs.pipe_file(self._full(path), data, mode="create")
                except Exception as error:
                    why = refusal(error)
                    if why is None or (why == "conflict" and attempt == CONFLICTS):
                        raise
                    if why == "taken":
                        return False
                    time.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311 - jitter
                else:
                    return True
        raise AssertionError("unreachable")

    def delete(self, path: str) -> None:
        """Remove an object; nothing happens if there is none."""
        with self._explained("delete", path), contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._full(path))

    def move(self, path: str, target: str) -> None:
        """Give an object another name; nothing happens if there is none. Not for publication."""
        with self._explained("move", path), contextlib.suppress(FileNotFoundError):
            if self.is_local:
                Path(self._full(path)).replace(self._full(target))
            else:
                self._fs.cp_file(self._full(path), self._full(target))
                self._fs.rm_file(self._full(path))

    def prune(self, folder: str) -> None:
        """Remove a folder if it is empty; object stores have none."""
        if self.is_local:
            with contextlib.suppress(OSError):
                Path(self._full(folder)).rmdir()

    def check_writable(self) -> None:
        """Write and remove a probe.

        Raises:
            StorageError: the root cannot be written; the error says why.
        """
        probe = f"{TEMPORARY}probe-{uuid.uuid4().hex}"
        self.put(probe, b"probe")
        self.delete(probe)

    @contextlib.contextmanager
    def _explained(self, verb: str, path: str) -> Iterator[None]:
        problem = f"storage {self.url}: cannot {verb} {path or '/'}"
        try:
            yield
        except PlatformError:
            raise
        except FileNotFoundError as error:
            if bucket_is_missing(error):
                raise explained(error, problem) from error
            if verb == "write":
                # Its folder was there a moment ago: somebody is clearing up.
                raise Transient(f"{problem}: its folder is gone", "Try again.") from error
            raise
        except OSError as error:
            raise explained(error, problem) from error
        except Exception as error:
            # Locally every failure is an OSError, and another exception is a defect to be seen;
            # drivers of object stores raise their libraries' own.
            if self.is_local or isinstance(error, TypeError | AttributeError | AssertionError):
                raise
            raise explained(error, problem) from error


@lru_cache(maxsize=64)
def _storage(url: str, options: tuple[tuple[str, Any], ...]) -> Storage:
    return Storage(url, **dict(options))


def storage(url: str) -> Storage:
    """Return the storage of a URL; the same object for the same URL in this process."""
    return _storage(url, ())
