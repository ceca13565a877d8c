"""A Parquet file written batch by batch that appears whole or not at all.

Rows go to a temporary file; only when the last one is written does it get its name (a rename on
a disk, one upload to an object store). A reader that breaks off leaves nothing behind.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from blocks.connectors.errors import Refused

R = TypeVar("R")

BATCH = 20_000
"""Rows held at a time: a few MB of usual rows, and row groups that are worth reading."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: where, how many rows and bytes."""

    url: str
    rows: int
    bytes: int


@dataclass(slots=True)
class Growing:
    """A file that is being written; `rows` are in it so far."""

    writer: Any
    rows: int = 0
    exported: Exported | None = None

    def write(self, batch: Any) -> None:
        """Append a record batch."""
        self.writer.write_batch(batch)
        self.rows += batch.num_rows


@contextmanager
def parquet_file(
    url: str | Path, schema: Any, storage_options: Mapping[str, Any] | None = None
) -> Iterator[Growing]:
    """Write a file; it is there when the body ends well.

    Args:
        url: a path, or anything that fsspec opens.
        schema: of its rows.
        storage_options: for fsspec.
    """
    import fsspec
    import pyarrow.parquet as pq

    fs, path = fsspec.core.url_to_fs(str(url), **dict(storage_options or {}))
    local = "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)
    if local:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    folder = Path(path).parent if local else Path(tempfile.gettempdir())
    temporary = folder / f".{uuid.uuid4().hex}.parquet.part"
    try:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            growing = Growing(writer)
            yield growing
        size = temporary.stat().st_size
        if local:
            os.replace(temporary, path)  # noqa: PTH105 - the target is fsspec's text
        else:
            fs.put_file(str(temporary), path)
        growing.exported = Exported(str(url), growing.rows, size)
    finally:
        temporary.unlink(missing_ok=True)


def columns(schema: Mapping[str, str]) -> Any:
    """Return the Arrow schema of columns by the names of their types.

    Args:
        schema: column to type: ``string``, ``int64``, ``double``, ``bool``, ``date32``,
            ``timestamp[us]``, ``decimal(12,2)``…

    Raises:
        Refused: a type is not known.
    """
    import pyarrow as pa

    fields = []
    for name, kind in schema.items():
        try:
            fields.append(pa.field(name, _type(kind)))
        except (ValueError, TypeError) as error:
            raise Refused(
                f"column {name}: {kind!r} is no type",
                "Use string, int64, double, bool, date32, timestamp[us] or decimal(12,2).",
            ) from error
    return pa.schema(fields)


def _type(kind: str) -> Any:
    import pyarrow as pa

    if kind.startswith("decimal(") and kind.endswith(")"):
        precision, scale = kind[len("decimal(") : -1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return pa.type_for_alias(kind)


def batch_of(rows: Sequence[Sequence[Any]], schema: Any, what: str) -> Any:
    """Return rows as a record batch, every column in its type.

    Args:
        rows: tuples in the order of the schema.
        schema: Arrow's.
        what: they come from, for the error.

    Raises:
        Refused: a value does not fit; names the column.
    """
    import pyarrow as pa

    arrays = []
    for number, field in enumerate(schema):
        values = [row[number] for row in rows]
        try:
            if pa.types.is_integer(field.type) and not all(map(_whole, values)):
                raise ValueError("Arrow would cut the fractions off without a word")
            arrays.append(pa.array(values, type=field.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError, OverflowError) as error:
            raise Refused(
                f"{what}: column {field.name} does not fit {field.type}: {_kinds(values)}",
                "Cast the column in the query, or give it another type.",
            ) from error
    return pa.record_batch(arrays, schema=schema)


def _whole(value: Any) -> bool:
    return not isinstance(value, float | Decimal) or value == value // 1


def _kinds(values: Sequence[Any]) -> str:
    # What kinds of values there are, not the values: those may be nobody's business.
    return "it holds " + ", ".join(sorted({type(v).__name__ for v in values if v is not None}))


def in_batches(rows: Iterable[R], size: int = BATCH) -> Iterator[list[R]]:
    """Yield rows in lists of `size`, the last one shorter."""
    held: list[R] = []
    for row in rows:
        held.append(row)
        if len(held) >= size:
            yield held
            held = []
    if held:
        yield held
