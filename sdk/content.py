"""Content hashes: the same rows give the same hash, however they are laid out.

The hash of a table covers its column names, types and values in row order. It does not depend
on chunks, row groups, dictionary encoding, compression, padding, byte order of the machine or
the values that lie under nulls. Floats are hashed by value: ``-0.0`` as ``0.0``, every NaN alike.

A table is hashed column by column into streams (validity, lengths, values), so that splitting
a column into chunks at any place gives the same streams.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sdk.digest import LENGTH
from sdk.errors import Permanent


class TableHash:
    """The hash of a table that comes in pieces; how it is cut makes no difference.

    Args:
        schema: of every piece.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._plain = [_plain_type(field.type) for field in schema]
        self._names = list(schema.names)
        self._streams: list[dict[str, hashlib._Hash]] = [{} for _ in schema]
        self._rows = 0
        # No pieces and one of no rows are the same table.
        self.update(schema.empty_table())

    def update(self, table: pa.Table) -> None:
        """Add the rows of a piece.

        Raises:
            Permanent: a column has a type of which no hash is defined; it is named.
        """
        for place, column in enumerate(table.columns):
            plain = self._plain[place]
            for chunk in column.chunks or [pa.array([], column.type)]:
                try:
                    cast = chunk.cast(plain) if chunk.type != plain else chunk
                    _feed(cast, "", self._streams[place])
                except (NotImplementedError, pa.ArrowNotImplementedError) as error:
                    raise Permanent(
                        f"column {self._names[place]!r}: {column.type} cannot be published",
                        "Cast it to numbers, text, times, or lists and structs of these.",
                    ) from error
        self._rows += table.num_rows

    def hexdigest(self) -> str:
        """Return the hash of what was added so far."""
        total = hashlib.sha256()
        for name, plain, streams in zip(self._names, self._plain, self._streams, strict=True):
            total.update(f"{name}\0{plain}\0".encode())
            for path in sorted(streams):
                total.update(path.encode() + streams[path].digest())
        total.update(str(self._rows).encode())
        return total.hexdigest()[:LENGTH]


def table_hash(table: pa.Table) -> str:
    """Return the content hash of an Arrow table (any number of rows and chunks).

    Raises:
        Permanent: a column has a type of which no hash is defined; it is named.
    """
    total = TableHash(table.schema)
    total.update(table)
    return total.hexdigest()


def _plain_type(dtype: pa.DataType) -> pa.DataType:
    """Return the one type under which equal columns are hashed."""
    if pa.types.is_dictionary(dtype):
        return _plain_type(dtype.value_type)
    if pa.types.is_string(dtype) or pa.types.is_string_view(dtype):
        return pa.large_string()
    if pa.types.is_binary(dtype) or pa.types.is_binary_view(dtype):
        return pa.large_binary()
    if pa.types.is_list(dtype) or pa.types.is_list_view(dtype) or pa.types.is_large_list(dtype):
        return pa.large_list(_plain_type(dtype.value_type))
    if pa.types.is_fixed_size_list(dtype):
        return pa.list_(_plain_type(dtype.value_type), dtype.list_size)
    if pa.types.is_struct(dtype):
        return pa.struct([(field.name, _plain_type(field.type)) for field in dtype])
    return dtype


def _feed(array: pa.Array, path: str, streams: dict[str, hashlib._Hash]) -> None:
    def stream(name: str) -> Callable[[bytes | memoryview], None]:
        return streams.setdefault(f"{path}/{name}", hashlib.sha256()).update

    stream("valid")(np.asarray(array.is_valid().cast(pa.uint8())).tobytes())
    dtype = array.type
    if pa.types.is_null(dtype):
        return
    if pa.types.is_large_list(dtype):
        stream("lengths")(_little(np.asarray(pc.list_value_length(array).fill_null(0), "i8")))
        _feed(array.flatten(), f"{path}/items", streams)
    elif pa.types.is_fixed_size_list(dtype):
        _feed(array.flatten(), f"{path}/items", streams)  # leaves out what lies under nulls
    elif pa.types.is_struct(dtype):
        # flatten() folds the struct's own nulls into its fields, so what lies under is not seen.
        for field, values in zip(dtype, array.flatten(), strict=True):
            # Doubled, or a field "a/b" would share its stream with the field b of a struct a.
            inner = field.name.replace("/", "//")
            _feed(values, f"{path}/{inner}", streams)
    elif pa.types.is_large_string(dtype) or pa.types.is_large_binary(dtype):
        filled = array.fill_null(pa.scalar("" if pa.types.is_large_string(dtype) else b"", dtype))
        stream("lengths")(_little(np.asarray(pc.binary_length(filled), "i8")))
        _, offsets, data = filled.buffers()
        edges = np.frombuffer(offsets, "i8")[filled.offset : filled.offset + len(filled) + 1]
        if len(filled):
            stream("values")(memoryview(data)[edges[0] : edges[-1]] if data is not None else b"")
    else:
        stream("values")(_fixed_width(array))


def _fixed_width(array: pa.Array) -> bytes:
    dtype = array.type
    if pa.types.is_boolean(dtype):
        return np.asarray(array.fill_null(False).cast(pa.uint8())).tobytes()
    if pa.types.is_decimal(dtype):
        return _decimal_bytes(array)
    if pa.types.is_floating(dtype):
        values = np.asarray(array.cast(pa.float64()).fill_null(0.0)) + 0.0  # -0.0 + 0.0 is 0.0
        return _little(np.where(np.isnan(values), np.nan, values))
    try:
        width = f"int{dtype.bit_width}"
    except ValueError as error:
        raise NotImplementedError(f"no hash of {dtype}") from error
    if not hasattr(pa, width):
        raise NotImplementedError(f"no hash of {dtype}")
    integers = array.view(getattr(pa, width)()) if not pa.types.is_integer(dtype) else array
    return _little(np.asarray(integers.fill_null(0)))


def _decimal_bytes(array: pa.Array) -> bytes:
    width = array.type.byte_width
    raw = np.frombuffer(array.buffers()[1], "u1")[
        array.offset * width : (array.offset + len(array)) * width
    ].reshape(len(array), width)
    if array.null_count:
        raw = np.where(np.asarray(array.is_valid())[:, None], raw, np.uint8(0))
    return raw.tobytes()


def _little(values: Any) -> bytes:
    if sys.byteorder == "big" or values.dtype.byteorder == ">":
        values = values.astype(values.dtype.newbyteorder("<"))
    return bytes(np.ascontiguousarray(values).tobytes())
