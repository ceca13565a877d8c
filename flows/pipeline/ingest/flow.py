"""Ingest, as a step: the price files of a day become a dataset of raw rows and faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import polars as pl

from flows.pipeline.ingest.discover import SourceFile, discover, files_for
from flows.pipeline.ingest.errors import IngestError, SourceUnavailable, SourceUnreadable
from flows.pipeline.ingest.layout import load_layouts
from flows.pipeline.ingest.read import read_day
from flows.pipeline.schema import RAW_PRICES
from sdk import NETWORK, Input, Permanent, Transient, checks, record, task


@contextmanager
def explained() -> Iterator[None]:
    """Turn ingest's errors into the platform's."""
    try:
        yield
    except SourceUnavailable as error:
        raise Transient(error.problem, error.action) from error
    except IngestError as error:
        raise Permanent(error.problem, error.action) from error


def _files(source: str, day: date) -> list[Input]:
    with explained():
        files = files_for(discover(source), day, source)
        return [
            Input(name=file.name, url=file.url, content_hash=_fingerprint(file)) for file in files
        ]


def _fingerprint(file: SourceFile) -> str:
    try:
        return file.fingerprint()
    except SourceUnreadable:
        # The step says so and uses the others; once the file can be read, its hash is another.
        return "unreadable"


@task(
    dataset="prices",
    retry=NETWORK,
    inputs=_files,
    checks={
        "prices": [checks.rows(1), checks.columns(RAW_PRICES), checks.history("rows")],
        "files": [
            checks.holds(
                "every file whole",
                pl.col("damage").is_null(),
                otherwise="warn",
                columns=("source_file", "damage"),
            )
        ],
    },
)
def ingest_prices(source: str, day: date) -> dict[str, pl.DataFrame]:
    """Read the price files of a day.

    Args:
        source: folder or URL of the daily files.
        day: whose files.

    Returns:
        The tables ``prices`` (the rows as text), ``faults`` (what could not be read, and why)
        and ``files`` (one row each).
    """
    with explained():
        read = read_day(files_for(discover(source), day, source), load_layouts())
    record(files=read.files.height, rows_set_aside=int(read.files["rows_set_aside"].sum()))
    return {"prices": read.prices, "faults": read.faults, "files": read.files}
