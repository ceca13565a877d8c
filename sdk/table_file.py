"""Tables too large for memory: a step writes rows as they come, and returns a file of them.

`TableWriter` takes frames. What is small stays a frame, so that a step that returns what `finish`
gives serves both. Beyond a bound the rows go to a Parquet file, in row groups of one size
whatever the frames were, so that the same rows give the same bytes; writing and hashing happen in
a thread of their own while the next rows are made.

The file lies in the storage root where that is a folder, under the name of a temporary file: no
reader sees it, publication costs no copy, and what a killed process leaves the garbage collection
removes. Otherwise it lies in the system's folder for temporary files. It is gone when nobody
holds the `TableFile` any more.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import uuid
import weakref
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from sdk.digest import LENGTH
from sdk.local_files import TEMPORARY
from sdk.run import current_run
from sdk.storage import Storage, storage
from sdk.storage_errors import explained

if TYPE_CHECKING:
    import pyarrow as pa

IN_MEMORY = 96 << 20
"""Bytes of rows that stay a frame: an ordinary day of one customer, and checks copy it freely."""
ROW_GROUP = 64 * 1024
"""Rows of a row group: some 20 MB of a price file's, of which three are held at once."""
_UNDER_WAY = 1
"""Row groups that wait for the writing thread, before who makes the rows has to wait."""
_CELL = 16
"""Bytes that a text takes in memory at the least: polars counts a column that is the same
throughout, as long as it is not written out, as nothing."""


class TableFile:
    """A table in a Parquet file of this machine, made by a `TableWriter`; it never changes.

    Attributes:
        path: of the file; it is removed with this object.
        schema: of its columns.
        height: its rows.
        bytes: the size of the file.
        bytes_hash: of the file's bytes.
        content_hash: of its rows, as `sdk.content` defines it: a frame of them has the same.
    """

    def __init__(
        self, path: Path, schema: pl.Schema, height: int, bytes_hash: str, content_hash: str
    ) -> None:
        self.path, self.schema, self.height = path, schema, height
        self.bytes = path.stat().st_size
        self.bytes_hash, self.content_hash = bytes_hash, content_hash
        self._removal = weakref.finalize(self, _remove, path)

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return self.schema.names()

    def lazy(self) -> pl.LazyFrame:
        """Return a lazy frame over it: collect with ``engine="streaming"``."""
        return pl.scan_parquet(self.path, glob=False)

    def frame(self) -> pl.DataFrame:
        """Return all rows, in memory."""
        return pl.read_parquet(self.path, glob=False, use_statistics=False)

    def slices(self) -> Iterator[pl.DataFrame]:
        """Yield its rows, a row group at a time."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path) as file:
            for place in range(file.num_row_groups):
                yield _as_frame(file.read_row_group(place), self.schema)


class TableWriter:
    """Takes the rows of a table, frame by frame; see the module.

    Args:
        schema: of the table; every frame has it.
        in_memory: bytes of rows up to which they stay a frame; by default `IN_MEMORY`.
        folder: where a file is written; by default see the module.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        *,
        in_memory: int | None = None,
        folder: Path | None = None,
    ) -> None:
        self.schema = pl.Schema(schema)
        self.height = 0
        self._in_memory = IN_MEMORY if in_memory is None else in_memory
        self._folder = folder
        self._waiting: list[pl.DataFrame] = []
        self._rows_waiting = self._size = 0
        self._sink: _Sink | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._sink is not None:
            self._sink.drop()

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows.

        Raises:
            StorageError: the disk is full, or the folder cannot be written.
        """
        if frame.schema != self.schema:
            raise TypeError(f"rows of {frame.schema}, to a table of {self.schema}")
        self.height += frame.height
        self._waiting.append(frame)
        self._rows_waiting += frame.height
        if self._sink is None:
            cells = _CELL * frame.height * frame.width
            self._size += max(cells, int(frame.estimated_size()))
            if self._size <= self._in_memory:
                return
            self._sink = _Sink(self._folder or scratch_folder(), self.schema)
        if self._rows_waiting >= ROW_GROUP:
            self._pass_on(self._sink)

    def finish(self) -> pl.DataFrame | TableFile:
        """Return the table: a frame, or where it is too large a file.

        Raises:
            StorageError: the disk is full, or the folder cannot be written.
        """
        if self._sink is None:
            return pl.concat([pl.DataFrame(schema=self.schema), *self._waiting])
        self._pass_on(self._sink, everything=True)
        sink, self._sink = self._sink, None
        return sink.close(self.height)

    def _pass_on(self, sink: _Sink, *, everything: bool = False) -> None:
        rows = pl.concat(self._waiting) if self._waiting else pl.DataFrame(schema=self.schema)
        full = rows.height - (0 if everything else rows.height % ROW_GROUP)
        for start in range(0, full, ROW_GROUP):
            sink.write(rows.slice(start, min(ROW_GROUP, full - start)))
        left = rows.slice(full)
        self._waiting, self._rows_waiting = ([left] if left.height else []), left.height


class _Sink:
    """Writes row groups to a file in a thread of its own, and hashes them."""

    def __init__(self, folder: Path, schema: pl.Schema) -> None:
        import pyarrow.parquet as pq

        from sdk.content import TableHash

        self.path = folder / f"{TEMPORARY}{uuid.uuid4().hex}.parquet"
        self.schema = schema
        arrow = pl.DataFrame(schema=schema).to_arrow().schema
        self._hash = TableHash(arrow)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="table-writer")
        self._under_way: list[Future[None]] = []
        with self._writing():
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(
                self.path, arrow, compression="zstd", compression_level=1
            )

    def write(self, rows: pl.DataFrame) -> None:
        while len(self._under_way) >= _UNDER_WAY:
            with self._writing():
                self._under_way.pop(0).result()
        self._under_way.append(self._thread.submit(self._put, rows.to_arrow()))

    def _put(self, rows: pa.Table) -> None:
        self._hash.update(rows)
        self._writer.write_table(rows, row_group_size=rows.num_rows)

    def close(self, height: int) -> TableFile:
        try:
            with self._writing():
                while self._under_way:
                    self._under_way.pop(0).result()
                self._writer.close()
                digest = hashlib.sha256()
                with self.path.open("rb") as file:
                    while block := file.read(1 << 20):
                        digest.update(block)
                return TableFile(
                    self.path,
                    self.schema,
                    height,
                    digest.hexdigest()[:LENGTH],
                    self._hash.hexdigest(),
                )
        except BaseException:
            _remove(self.path)
            raise
        finally:
            self._thread.shutdown()

    def drop(self) -> None:
        self._thread.shutdown(cancel_futures=True)
        with contextlib.suppress(OSError):  # of the footer, on a disk that is full
            self._writer.close()
        _remove(self.path)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise explained(error, f"cannot write {self.path}") from error


def scratch_folder() -> Path:
    """Return where a step may put large temporary files: in the storage root if it is a folder."""
    run = current_run()
    root: Storage | None = storage(run.store) if run is not None else None
    if root is not None and root.is_local:
        return Path(root.locate("").removeprefix("file://").removeprefix("local://"))
    return Path(tempfile.gettempdir())


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _as_frame(table: pa.Table, schema: pl.Schema) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame if frame.schema == schema else frame.cast(dict(schema))  # type: ignore[arg-type]
