"""Parquet: columns as they are, or the paths into nested ones.

Read by Arrow, batch by batch: polars' own reader ends the whole process where a damaged page
claims more than there is memory for. How much a file holds its footer says, not its size: a
column of equal values packs to nothing. A file of many values is a table in pieces, and is read
twice, so that damage anywhere in it is known before any of its rows is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import polars as pl

from flows.pipeline.ingest.decompress import too_many
from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.records import Records, table_of
from flows.pipeline.ingest.table import Cells, LargeTable, Table, chosen

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BATCH: Final = 50_000
"""Rows that are read at once."""
IN_MEMORY: Final = 5_000_000
"""Values of a file that is read whole: as texts they take some 60 bytes each."""
MOST_NESTED: Final = 10_000_000
"""Values of a file of nested columns, which is read whole in any case."""


def read_parquet(
    file: BinaryIO, layouts: Sequence[Layout], name: str, *, in_memory: int = IN_MEMORY
) -> Table | LargeTable:
    """Return the table of a Parquet file.

    Args:
        file: that can be read again, and stays open while its pieces are read.
        layouts: those that its name allows.
        name: of the file.
        in_memory: values up to which it is a table in memory.

    Raises:
        UnreadableFile: it is damaged, has no rows, or is nested and holds too much.
        UnknownLayout: its columns are those of no known layout.
        AmbiguousHeader: a column that is needed is there twice.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file.seek(0)
    with _explained(name):
        source = pq.ParquetFile(file)
        values = _values(source)
        schema = source.schema_arrow
    if any(pa.types.is_nested(field.type) for field in schema):
        if values > MOST_NESTED:
            raise too_many(name, MOST_NESTED)
        items = [row for frame in _frames(source, name) for row in _named(frame, schema.names)]
        return table_of(Records(items, range(1, len(items) + 1)), layouts, name)
    fit = chosen(schema.names, layouts, name)
    if values > in_memory:
        for _ in _frames(source, name):
            pass
        return LargeTable(
            name, fit.layout, schema.names, _pieces(source, fit.layout, schema.names, name)
        )
    frames = [*_frames(source, name), _frame(schema.empty_table())]
    return _table(pl.concat(frames), fit.layout, schema.names, name)


def _values(source: pq.ParquetFile) -> int:
    groups = [source.metadata.row_group(place) for place in range(source.metadata.num_row_groups)]
    return sum(
        group.column(place).num_values for group in groups for place in range(group.num_columns)
    )


def _pieces(
    source: pq.ParquetFile, layout: Layout, header: Sequence[str], name: str
) -> Iterator[Table]:
    above = 0
    for frame in _frames(source, name):
        yield _table(frame, layout, header, name, above)
        above += frame.height


def _frames(source: pq.ParquetFile, name: str) -> Iterator[pl.DataFrame]:
    with _explained(name):
        for batch in source.iter_batches(BATCH, use_threads=False):
            batch.validate(full=True)  # polars takes texts and offsets at their word
            yield _frame(batch)


def _frame(rows: pa.RecordBatch | pa.Table) -> pl.DataFrame:
    names = [str(place) for place in range(rows.num_columns)]  # one may be there twice
    frame = pl.from_arrow(rows.rename_columns(names))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _named(frame: pl.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in frame.iter_rows()]


def _table(
    frame: pl.DataFrame, layout: Layout, header: Sequence[str], name: str, above: int = 0
) -> Table:
    def column(place: int) -> Cells:
        return _texts(frame.to_series(place))

    return Table(name, layout, header, column, range(above + 1, above + 1 + frame.height))


def _texts(series: pl.Series) -> pl.Series:
    if series.dtype.is_float():
        # Barcodes that went through a table of floats are whole.
        whole = series.is_finite() & (series.round() == series)
        texts = series.cast(pl.String)
        return texts.zip_with(whole.not_(), series.cast(pl.Int64, strict=False).cast(pl.String))
    if series.dtype == pl.Binary:
        return series.cast(pl.String, strict=False)
    return series.cast(pl.String)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        if getattr(error, "errno", None) is not None:
            raise  # of the disk, not of the file
        said = (str(error).splitlines() or [""])[0]
        raise UnreadableFile(
            f"file {name} is a Parquet file that cannot be read: {said}",
            "Ask for the file again: it was not written whole.",
            file=name,
        ) from error
