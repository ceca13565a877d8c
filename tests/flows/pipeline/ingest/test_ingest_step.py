"""Ingest as a step: layouts beside the files, patterns, and columns that change between days."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from flows.pipeline import ingest_prices
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
