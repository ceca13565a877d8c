"""Parts: how the tables and files of a dataset become objects, and the same rows the same bytes.

A part is named by the hash of its bytes, so a killed run's parts are invisible (no manifest
names them), found again by the next run (same name), or collected.

Nothing here touches a store.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias

from sdk.dataset import SINGLE_TABLE, DatasetKey
from sdk.digest import bytes_hash, text_hash
from sdk.errors import Permanent
from sdk.frames import is_lazy, is_table, is_table_file
from sdk.manifest import ColumnSchema, Part
from sdk.storage import TEMPORARY

if TYPE_CHECKING:
    import polars as pl

    from sdk.table_file import TableFile

Content: TypeAlias = (
    "pl.DataFrame | pl.LazyFrame | TableFile | Mapping[str, pl.DataFrame | TableFile | bytes]"
)
"""What a step may publish: a table, or named tables and files (a file's name has its suffix)."""

Named: TypeAlias = "dict[str, pl.DataFrame | TableFile | bytes]"

_HASH_SHOWN = 12
"""Hex digits of the hash in a part's name: 48 bits among the parts of one table and day."""

_PARQUET_SETTINGS: dict[str, Any] = {
    # Fixed, so that the same rows are the same bytes whatever polars' defaults become.
    "compression": "zstd",
    "compression_level": 3,
    "statistics": True,
    "row_group_size": 256 * 1024,
}


def named(content: Content) -> Named:
    """Return content as collected tables and files by name.

    Raises:
        Permanent: a table's name cannot be part of a path.
    """
    given: Mapping[str, Any] = (
        {SINGLE_TABLE: content} if is_table(content) or is_lazy(content) else content
    )
    made: Named = {}
    for name, value in given.items():
        if not isinstance(value, bytes):
            check_word(name, "a table")
        made[name] = value.collect() if is_lazy(value) else value
    return made


def check_word(word: str, what: str) -> None:
    """Check that a word can name a folder or an object in every store.

    Raises:
        Permanent: it cannot.
    """
    # A leading "_" belongs to the platform's own ledgers, a leading "." to temporary files.
    if not word or "/" in word or word[0] in "._" or len(word) > 150 or not word.isprintable():
        raise Permanent(
            f"{word!r} cannot name {what}",
            "Use letters, digits, '-', '_' and '.', beginning with a letter or digit.",
        )


def columns_of(frame: pl.DataFrame | TableFile) -> tuple[ColumnSchema, ...]:
    """Return a table's columns as a manifest lists them."""
    return tuple(ColumnSchema(name=name, type=str(dtype)) for name, dtype in frame.schema.items())


def encoded(key: DatasetKey, content: Named) -> Iterator[tuple[Part, bytes | Path]]:
    """Yield the description of each part, and its bytes or the file that holds them.

    Raises:
        Permanent: a column's type cannot be stored.
    """
    for name, value in content.items():
        if is_table_file(value):
            yield _written(key, name, value)
        else:
            yield _file(key, name, value) if isinstance(value, bytes) else _table(key, name, value)


def _file(key: DatasetKey, name: str, data: bytes) -> tuple[Part, bytes]:
    digest = bytes_hash(data)
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
    if not stem or stem.startswith(TEMPORARY) or not name.isprintable():
        raise Permanent(f"{name!r} cannot name a file", "Use a plain file name with its suffix.")
    part = Part(
        name=name,
        path=f"{key.day}/{stem}-{digest[:_HASH_SHOWN]}{suffix}",
        kind="file",
        bytes=len(data),
        content_hash=digest,
    )
    return part, data


def _table(key: DatasetKey, name: str, frame: pl.DataFrame) -> tuple[Part, bytes]:
    # Arrow takes a while to load, and a flow that is only declared or listed stores nothing.
    import polars as pl
    import pyarrow as pa

    from sdk.content import table_hash

    try:
        data, content_hash = parquet_bytes(frame), table_hash(frame.to_arrow())
    except (pl.exceptions.PolarsError, pa.ArrowInvalid) as error:
        raise Permanent(
            f"table {name!r} of {key} cannot be stored: {str(error).splitlines()[0]}",
            f"Its columns are {dict(frame.schema)}: cast the one that Parquet does not know.",
        ) from error
    part = Part(
        name=name,
        path=f"{key.day}/{name}-{bytes_hash(data)[:_HASH_SHOWN]}.parquet",
        kind="table",
        bytes=len(data),
        content_hash=content_hash,
        rows=frame.height,
        columns=columns_of(frame),
    )
    return part, data


def _written(key: DatasetKey, name: str, table: TableFile) -> tuple[Part, Path]:
    part = Part(
        name=name,
        path=f"{key.day}/{name}-{table.bytes_hash[:_HASH_SHOWN]}.parquet",
        kind="table",
        bytes=table.bytes,
        content_hash=table.content_hash,
        rows=table.height,
        columns=columns_of(table),
    )
    return part, table.path


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    """Return a frame as Parquet: the same rows in the same order give the same bytes."""
    buffer = io.BytesIO()
    frame.rechunk().write_parquet(buffer, **_PARQUET_SETTINGS)
    return buffer.getvalue()


def combined_hash(parts: Sequence[Part]) -> str:
    """Return the content hash of a dataset: its part's, or one over all by name."""
    if len(parts) == 1:
        return parts[0].content_hash
    return text_hash(json.dumps(sorted((part.name, part.content_hash) for part in parts)))
