"""Files of a day in memory, opened as any other source is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import count
from typing import NamedTuple

import fsspec
import polars as pl
import pytest

from flows.pipeline.ingest.discover import SourceFile
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.layout_files import load_layouts
from flows.pipeline.ingest.read import read_file

DAY = date(2026, 8, 15)


class Read(NamedTuple):
    """What became of one file."""

    prices: pl.DataFrame
    faults: pl.DataFrame
    file: dict[str, object]


ReadBytes = Callable[..., Read]


@pytest.fixture(scope="session")
def read_bytes() -> ReadBytes:
    """Read bytes as a price file of the given name."""
    files = fsspec.filesystem("memory")
    numbers = count()

    def read(
        data: bytes, name: str = "prices_2026-08-15.csv", layouts: tuple[Layout, ...] | None = None
    ) -> Read:
        path = f"/ingest-{next(numbers)}/{name}"
        files.pipe_file(path, data)
        try:
            source = SourceFile(f"memory:/{path}", name, DAY, len(data))
            prices, faults, summary = read_file(source, layouts or load_layouts())
        finally:
            files.rm(path)
        return Read(prices, faults, summary.row(0, named=True))

    return read
