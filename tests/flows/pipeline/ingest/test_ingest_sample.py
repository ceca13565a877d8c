"""The generated market: each fault that was put in is reported, and nothing else is lost."""

import csv
import gzip
import io
from datetime import date, timedelta

import polars as pl
import pytest

from flows.pipeline.ingest.discover import discover
from flows.pipeline.ingest.layout_files import load_layouts
from flows.pipeline.ingest.read import read_day
from flows.sample import generate
from flows.sample.layouts import LAYOUTS

LAST = date(2026, 8, 15)
DAYS = [LAST - timedelta(days=back) for back in reversed(range(6))]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("market"), seed=11, days=DAYS, products=300)


@pytest.fixture(scope="module")
def days(sample):
    return {
        day: read_day(files, load_layouts()) for day, files in discover(str(sample.folder)).items()
    }


def records(data: bytes, layout) -> list[list[str]]:
    """The rows of a whole file, by another reader."""
    text = gzip.decompress(data) if layout.pattern.endswith(".gz") else data
    decoded = text.decode(layout.encoding, "replace")
    return list(csv.reader(io.StringIO(decoded, newline=""), delimiter=layout.delimiter))[1:]


def test_the_day_without_files_is_the_one_that_is_not_found(sample, days) -> None:
    missing = {fault.day for fault in sample.faults if fault.kind == "missing_day"}
    assert missing == set(DAYS) - set(days) != set()


def test_every_row_is_a_price_or_a_fault(sample, days) -> None:
    broken = {fault.file for fault in sample.faults if fault.row is None}
    compared = 0
    for day, result in days.items():
        for layout in LAYOUTS:
            name = layout.file_name(day)
            if name in broken - {LAYOUTS[1].file_name(day)}:
                continue
            written = records((sample.folder / name).read_bytes(), layout)
            kept = result.prices.filter(pl.col("source_file") == name)
            blamed = result.faults.filter(pl.col("source_file") == name)
            numbers = sorted([*kept["source_row"], *blamed["source_row"]])
            assert numbers == list(range(1, len(written) + 1))
            code = layout.header.index(layout.code)
            assert kept["sku"].to_list() == [written[row - 1][code] for row in kept["source_row"]]
            compared += 1
    assert compared == len(DAYS[1:]) * len(LAYOUTS) - 3


def test_rows_with_too_few_or_too_many_fields_are_the_faults_of_rows(sample, days) -> None:
    expected = {
        (fault.file, fault.row)
        for fault in sample.faults
        if fault.kind in ("too_few_fields", "too_many_fields")
    }
    faults = pl.concat(day.faults for day in days.values()).drop_nulls("source_row")
    cut = {fault.file for fault in sample.faults if fault.kind == "truncated_file"}
    found = set(
        faults.filter(~pl.col("source_file").is_in(cut)).select("source_file", "source_row").rows()
    )
    assert found == expected != set()


def test_faults_of_files_are_reported_and_cost_no_other_file(sample, days) -> None:
    for fault in sample.faults:
        if fault.kind not in ("truncated_file", "wrong_encoding", "other_headers"):
            continue
        files = days[fault.day].files
        damaged = files.filter(pl.col("damage").is_not_null())["source_file"].to_list()
        found = files.filter(pl.col("source_file") == fault.file).row(0, named=True)
        assert files.height == len(LAYOUTS)
        if fault.kind == "wrong_encoding":  # UTF-8 is tried first, so nothing is lost
            assert damaged == []
            assert (found["encoding"], found["rows"] > 0) == ("utf-8", True)
            continue
        assert damaged == [fault.file]
        assert (found["rows"] > 0) == (fault.kind == "truncated_file")
        assert fault.file in days[fault.day].faults["source_file"]


def test_odd_cells_come_through_as_they_stand(sample, days) -> None:
    prices = days[LAST].prices
    for fault in sample.faults:
        if fault.kind not in ("nonsense_price", "formula_cell", "html_cell"):
            continue
        row = prices.filter(
            (pl.col("source_file") == fault.file) & (pl.col("source_row") == fault.row)
        ).row(0, named=True)
        cell = row["price"] if fault.kind == "nonsense_price" else row["name"]
        layout = next(each for each in LAYOUTS if each.file_name(LAST) == fault.file)
        if fault.kind == "nonsense_price":
            assert cell == (fault.value.replace(layout.decimal, ".") or None)
        else:
            assert cell == fault.value
