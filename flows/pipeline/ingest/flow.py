"""Ingest, as a step: the price files of a day become a dataset of raw rows and faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import polars as pl

from flows.pipeline.ingest.contents import SMALL
from flows.pipeline.ingest.discover import SourceFile, beside, discover, files_for
from flows.pipeline.ingest.drift import changes
from flows.pipeline.ingest.errors import IngestError, SourceUnavailable, SourceUnreadable
from flows.pipeline.ingest.layout import INGESTED
from flows.pipeline.ingest.layout_files import BESIDE, layouts_for
from flows.pipeline.ingest.read import read_day_into
from flows.pipeline.schema import FAULTS, RAW_PRICES
from sdk import NETWORK, Input, Permanent, Transient, checks, record, task
from sdk.manifest import CheckResult
from sdk.table_file import TableFile, TableWriter, scratch_folder


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
        files = files_for(discover(source), day, source) + beside(source, BESIDE)
        return [
            Input(name=file.name, url=file.url, content_hash=_fingerprint(file)) for file in files
        ]


def _fingerprint(file: SourceFile) -> str:
    try:
        return file.fingerprint()
    except SourceUnreadable:
        # The step says so and uses the others; once the file can be read, its hash is another.
        return "unreadable"


def _columns_as_before(files: pl.DataFrame, context: checks.CheckContext) -> CheckResult:
    """Warn where a kind of file has other columns than when it last came."""
    found: list[str] = []
    if context.key is not None and context.store is not None:
        earlier = [day for day in context.store.days(context.key.customer, context.key.name)
                   if day < context.key.day]  # fmt: skip
        if earlier:
            key = context.key.model_copy(update={"day": max(earlier)})
            before = context.store.dataset(key)
            if before is not None and "files" in before.tables:
                found = changes(before.frame("files"), files, str(key.day))
    return CheckResult(
        name="columns as before",
        level="warn",
        passed=not found,
        failed=len(found),
        total=files.height,
        detail="; ".join(found),
    )


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
            ),
            checks.TableCheck("columns as before", _columns_as_before),
        ],
    },
)
def ingest_prices(source: str, day: date) -> dict[str, pl.DataFrame | TableFile]:
    """Read the price files of a day.

    Args:
        source: folder or URL of the daily files.
        day: whose files.

    Returns:
        The tables ``prices`` (the rows as text), ``faults`` (what could not be read, and why)
        and ``files`` (one row each). What is too large for memory is a table in a file.
    """
    with explained(), TableWriter(INGESTED) as prices, TableWriter(FAULTS) as faults:
        files = read_day_into(
            files_for(discover(source), day, source),
            layouts_for(source),
            prices.write,
            faults.write,
            scratch=scratch_folder(),
            small=SMALL,
        )
        record(files=files.height, rows_set_aside=int(files["rows_set_aside"].sum()))
        return {"prices": prices.finish(), "faults": faults.finish(), "files": files}
