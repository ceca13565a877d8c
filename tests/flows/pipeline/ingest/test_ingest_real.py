"""Real price files: every row is accounted for, and each cell is what another reader sees."""

import csv
import gzip
from pathlib import Path

import duckdb
import polars as pl
import pytest

from flows.pipeline.ingest.discover import discover
from flows.pipeline.ingest.layout_files import load_layouts
from flows.pipeline.ingest.read import read_day


@pytest.fixture(scope="module")
def real(il_prices: str):
    found = discover(il_prices)
    return found, {day: read_day(files, load_layouts()) for day, files in found.items()}


def test_rows_reconcile_with_the_csv_module(real) -> None:
    found, days = real
    for day, files in found.items():
        for file in files:
            with gzip.open(file.url.removeprefix("file://"), "rt", "utf-8-sig", newline="") as text:
                rows = sum(1 for row in csv.reader(text) if row) - 1
            summary = days[day].files.filter(pl.col("source_file") == file.name).row(0, named=True)
            assert summary["rows"] + summary["rows_set_aside"] == rows
            assert summary["damage"] is None
            numbers = days[day].prices.filter(pl.col("source_file") == file.name)["source_row"]
            assert numbers.is_sorted()
            assert numbers.n_unique() == summary["rows"]
            assert numbers.max() <= rows


def test_cells_are_those_that_duckdb_reads(real, il_prices: str) -> None:
    _, days = real
    day = max(days)
    ours = days[day].prices.with_row_index("place")
    path = next(Path(il_prices).glob(f"*{day}*"))
    # A connection of its own: the module's is everybody's in this process.
    connection = duckdb.connect()
    theirs = connection.sql(
        f"""
        select row_number() over () as place, nullif(trim(columns(*)), '')
        from read_csv('{path}', all_varchar = true, header = true, quote = '"', escape = '"')
        """
    ).pl()
    assert theirs.height == ours.height + days[day].files["rows_set_aside"].sum()
    pairs = {
        "seller": "רשת", "store_id": "מזהה חנות", "sku": "ברקוד", "price": "מחיר (₪)",
        "quantity": "כמות", "unit_price": "מחיר ליחידה (₪)", "weighable": "שקיל",
    }  # fmt: skip
    unknown = {name for layout in load_layouts() for name in layout.unknown}
    lined_up = theirs[(ours["source_row"] - 1).to_list()]
    for column, header in pairs.items():
        expected = [None if cell in unknown else cell for cell in lined_up[header]]
        assert ours[column].to_list() == expected
    assert ours["seller"].n_unique() > 1


def test_reading_twice_gives_the_same_bytes(real) -> None:
    found, days = real
    day = min(days)
    again = read_day(found[day], load_layouts())
    for name in ("prices", "faults", "files"):
        first, second = getattr(days[day], name), getattr(again, name)
        assert first.write_csv() == second.write_csv()
