"""A query's rows as Arrow batches, in the types that the database declares."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlalchemy import text

from blocks.connectors.errors import Unreachable
from blocks.connectors.parquet import batch_of
from blocks.connectors.sql.dialects import DIALECTS

if TYPE_CHECKING:
    from blocks.connectors.sql.database import SqlDatabase


@contextmanager
def streamed(
    block: SqlDatabase, connection: Any, query: str, parameters: Mapping[str, Any], size: int
) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """Start a query; give the schema of its rows and the batches in which they come."""
    started, dialect = time.monotonic(), DIALECTS[block.dialect]
    options = {"stream_results": True, "yield_per": size, "max_row_buffer": size}
    result = connection.execute(text(query), dict(parameters), execution_options=options)
    cursor = result.cursor
    schema = dialect.schema(cursor)

    def batches() -> Iterator[pa.RecordBatch]:
        texts = [pa.types.is_string(field.type) for field in schema]
        for rows in result.partitions(size):
            if time.monotonic() - started > block.time_limit:
                raise Unreachable(
                    f"{block.where()} did not give all rows within {block.time_limit:g} s",
                    "Give the connector's time_limit more, or ask for less at a time.",
                )
            plain = [
                [_text(v) if is_text else v for v, is_text in zip(row, texts, strict=True)]
                for row in rows
            ]
            yield batch_of(plain, schema, block.where())

    try:
        yield schema, batches()
    except BaseException:
        dialect.abandon(cursor)
        raise


def _text(value: Any) -> Any:
    """Return a value of a type that Arrow has none for as text: JSON as JSON, the rest as shown."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list | bool | int | float):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
