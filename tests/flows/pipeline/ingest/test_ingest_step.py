"""Ingest as a step: layouts beside the files, patterns, and columns that change between days."""

from __future__ import annotations

import gc
from datetime import date
from pathlib import Path

import pytest

import flows.pipeline.ingest.flow
import sdk.table_file
from flows.pipeline import ingest_prices
from flows.pipeline.ingest import blocks
from sdk import Dataset, flow
from sdk.testing.platform import Platform, platform, prefect_api

__all__ = ["platform", "prefect_api"]

FIRST, SECOND = date(2026, 8, 14), date(2026, 8, 15)
LAYOUT = """name: elm
description: Elm Street's own list.
columns: {sku: code, name: what, price: costs, brand: maker}
required: [sku, price]
constants: {seller: Elm Street, currency: EUR}
"""


@flow(customer="acme")
def read(source: str, day: date) -> Dataset:
    return ingest_prices(source, day)


def write(folder: Path, day: date, header: str) -> None:
    folder.mkdir(exist_ok=True)
    cells = ",".join("7" for _ in header.split(","))
    (folder / f"list_{day}.csv").write_text(f"{header}\n{cells}\n")


def test_a_layout_beside_the_files_holds_for_them(platform: Platform) -> None:
    folder = platform.folder / "in"
    write(folder, SECOND, "code,what,costs")
    failed = platform.run(read, source=str(folder), day=SECOND)
    assert failed.state == "Failed"
    assert "no known layout: code, what, costs" in str(failed.error)
    (folder / "elm.layout.yaml").write_text(LAYOUT)
    ran = platform.run(read, source=str(folder), day=SECOND)
    assert ran.value.frame("prices")["seller"].to_list() == ["Elm Street"]
    assert (
        platform.run(read, source=str(folder), day=SECOND).record("ingest_prices").outcome
        == "reused"
    )
    (folder / "elm.layout.yaml").write_text(LAYOUT.replace("Elm Street", "Oak Street"))
    again = platform.run(read, source=str(folder), day=SECOND)
    assert again.value.frame("prices")["seller"].to_list() == ["Oak Street"], "it is an input, too"


def test_a_layout_that_says_nothing_names_its_file_and_field(platform: Platform) -> None:
    folder = platform.folder / "in"
    write(folder, SECOND, "code,what,costs")
    (folder / "elm.layout.yaml").write_text(LAYOUT.replace("columns: {sku", "columns: {article"))
    ran = platform.run(read, source=str(folder), day=SECOND)
    assert "layout elm.layout.yaml, columns" in str(ran.error)


def test_columns_that_come_and_go_are_a_warning_that_names_them(platform: Platform) -> None:
    folder = platform.folder / "in"
    write(folder, FIRST, "code,what,costs,maker")
    (folder / "elm.layout.yaml").write_text(LAYOUT)
    assert platform.run(read, source=str(folder), day=FIRST).state == "Completed"
    write(folder, SECOND, "code,what,costs,origin")
    record = platform.run(read, source=str(folder), day=SECOND).record("ingest_prices")
    (check,) = [check for check in record.checks if check.name == "columns as before"]
    assert not check.passed
    assert check.level == "warn"
    assert "files of layout elm against 2026-08-14: without maker, new origin" in check.detail


def test_a_pattern_takes_the_files_it_names(platform: Platform) -> None:
    folder = platform.folder / "in"
    write(folder, SECOND, "seller,ean,title,price,currency")
    (folder / f"other_{SECOND}.csv").write_text("nothing,of,use\n1,2,3\n")
    assert (
        platform.run(read, source=f"{folder}/list_*.csv", day=SECOND).value.frame("files").height
        == 1
    )


def test_a_day_too_large_for_memory_is_published_as_any_other(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = platform.folder / "in"
    folder.mkdir()
    (folder / "elm.layout.yaml").write_text(LAYOUT)
    rows = [f"{number},milk,{number % 90}.50" for number in range(4_000)]
    rows[100] = "100,milk"
    for day in (FIRST, SECOND):
        (folder / f"list_{day}.csv").write_text("code,what,costs\n" + "\n".join(rows) + "\n")
    small = platform.run(read, source=str(folder), day=FIRST)
    monkeypatch.setattr(sdk.table_file, "IN_MEMORY", 1_000)
    monkeypatch.setattr(sdk.table_file, "ROW_GROUP", 1_000)
    monkeypatch.setattr(blocks, "BLOCK", 5_000)
    monkeypatch.setattr(flows.pipeline.ingest.flow, "SMALL", 1_000)
    large = platform.run(read, source=str(folder), day=SECOND)
    assert large.state == small.state == "Completed"
    one, other = small.value.frame("prices"), large.value.frame("prices")
    assert other.drop("source_file").equals(one.drop("source_file"))
    assert other.height == 3_999
    assert large.value.frame("faults")["source_row"].to_list() == [101]
    found = {check.name: check.passed for check in large.record("ingest_prices").checks}
    assert found["columns"]
    assert found["rows as usual"]
    gc.collect()
    assert not list(Path(platform.store.url).glob(".tmp-*"))
