"""Parquet: columns as they are, or the paths into nested ones."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import polars as pl

from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.records import Records, table_of
from flows.pipeline.ingest.table import Cells, Table, chosen


def read_parquet(data: bytes, layouts: Sequence[Layout], name: str) -> Table:
    """Return the table of a Parquet file.

    Raises:
        UnreadableFile: it is damaged, or has no rows.
        UnknownLayout: its columns are those of no known layout.
        AmbiguousHeader: a column that is needed is there twice.
    """
    try:
        frame = pl.read_parquet(BytesIO(data))
    except (pl.exceptions.PolarsError, OSError) as error:
        said = (str(error).splitlines() or [""])[0]
        raise UnreadableFile(
            f"file {name} is a Parquet file that cannot be read: {said}",
            "Ask for the file again: it was not written whole.",
            file=name,
        ) from error
    if any(dtype.is_nested() for dtype in frame.dtypes):
        return table_of(Records(frame.to_dicts(), range(1, frame.height + 1)), layouts, name)
    fit = chosen(frame.columns, layouts, name)

    def column(place: int) -> Cells:
        return _texts(frame.to_series(place)).to_list()

    return Table(name, fit.layout, frame.columns, column, range(1, frame.height + 1))


def _texts(series: pl.Series) -> pl.Series:
    if series.dtype.is_float() and series.drop_nulls().is_finite().all():
        whole = series.round() == series
        if whole.all():  # barcodes that went through a table of floats
            return series.cast(pl.Int64, strict=False).cast(pl.String)
    if series.dtype == pl.Binary:
        return series.cast(pl.String, strict=False)
    return series.cast(pl.String)
