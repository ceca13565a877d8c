"""A whole day on the generated market, through the command line of the README."""

from __future__ import annotations

import html
import re
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from flows.sample import InjectedFault, Sample
from sdk import DatasetKey, Store
from tests.e2e.platform_cli import Outcome, published, run

MADE = ("prices", "offers", "matches", "decisions", "decided_matches", "marts", "alerts", "report")


@pytest.fixture(scope="module")
def first(
    market: Sample, prefect_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Outcome, Path]:
    folder = tmp_path_factory.mktemp("first")
    return run(folder, prefect_home, "--source", str(market.folder)), folder


@pytest.fixture(scope="module")
def store(first: tuple[Outcome, Path]) -> Store:
    return Store(str(first[1] / ".dataweave" / "store"))


def _frame(store: Store, market: Sample, name: str, table: str) -> pl.DataFrame:
    dataset = store.dataset(DatasetKey(customer="orchard", name=name, day=market.days[-1]))
    assert dataset is not None
    return dataset.frame(table)


def _page(store: Store, market: Sample) -> str:
    key = DatasetKey(customer="orchard", name="report", day=market.days[-1])
    report = store.dataset(key)
    assert report is not None
    return report.read("report.html").decode()


def _text(page: str) -> str:
    """What a reader sees of a page."""
    without = re.sub(r"<(style|svg|script)\b.*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", without)))


def test_run_says_where_its_results_are_and_how_each_step_went(
    first: tuple[Outcome, Path],
) -> None:
    outcome, folder = first
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    for step in (
        "ingest_prices",
        "normalise_prices",
        "match_products",
        "compute_insights",
        "decide_alerts",
        "publish_reports",
    ):
        assert re.search(rf"^\s+{step}\s+\w+ 2026-03-\d\d v1\s+fresh", outcome.out, re.M), step
    paths = dict(re.findall(r"^(page|workbook|marts)\s+(\S+)$", outcome.out, re.M))
    assert (folder / paths["page"]).read_bytes().startswith(b"<!doctype html>")
    assert openpyxl.load_workbook(folder / paths["workbook"]).sheetnames[0] == "About"
    figures = next((folder / paths["marts"]).glob("figures-*.parquet"))
    assert pl.read_parquet(figures).height > 10


def test_every_injected_fault_is_said_in_the_report(
    first: tuple[Outcome, Path], store: Store, market: Sample
) -> None:
    text = _text(_page(store, market))
    faults = _frame(store, market, "prices", "faults")
    rejected = _frame(store, market, "offers", "rejected")
    reviews = _frame(store, market, "marts", "comparisons").filter(~pl.col("used"))
    statuses = dict(
        _frame(store, market, "marts", "coverage").select("seller", "status").iter_rows()
    )
    names = pl.concat(
        [_frame(store, market, "offers", "offers")["name"], rejected["name"]]
    ).to_list()

    first_day = store.dataset(DatasetKey(customer="orchard", name="prices", day=market.days[0]))
    assert first_day is not None
    files = first_day.frame("files").filter(pl.col("damage").is_null())
    whole = files.filter(pl.col("rows") > 0)["source_file"].to_list()

    def seen(fault: InjectedFault) -> bool:
        at_row = (pl.col("source_file").str.contains(fault.file, literal=True)) & (
            pl.col("source_row").eq_missing(pl.lit(fault.row, pl.Int64))
        )
        match fault.kind:
            case "missing_day" | "truncated_file" | "other_headers":
                return f"{fault.day}" in text and (not fault.file or fault.file in text)
            case "wrong_encoding":  # read all the same, since it is plain which one it is
                return fault.file in whole
            case "seller_vanished" | "seller_appeared":
                status = "missing" if fault.kind == "seller_vanished" else "new"
                return statuses.get(fault.value) == status and f"{fault.value}" in text
            case "duplicate_key":  # the later row stays, the one before is set aside for it
                reason = f"superseded: row {fault.row} of {fault.file}"
                return any(reason in said for said in rejected["reason"])
            case "nonsense_price" | "too_few_fields" | "too_many_fields":
                return bool(faults.filter(at_row).height or rejected.filter(at_row).height)
            case "price_ten_times_off":
                return reviews.height > 0
            case "formula_cell" | "html_cell":
                return fault.value in names
        raise AssertionError(fault.kind)

    assert market.faults
    missed = [fault for fault in market.faults if not seen(fault)]
    assert not missed, "\n".join(map(str, missed))


def test_page_loads_nothing_and_runs_its_own_script_alone(
    first: tuple[Outcome, Path], store: Store, market: Sample
) -> None:
    page = _page(store, market)
    scripts = re.findall(r"<script\b([^>]*)>", page)
    assert all(said.startswith(' type="application/octet-stream"') for said in scripts[:-1])
    assert scripts[-1] == ""
    assert "default-src 'none'" in page
    assert not re.search(r"""\s(src|href)\s*=\s*["'](?!#)""", page)
    assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", page)


def test_second_run_reuses_every_step_and_changes_nothing(
    first: tuple[Outcome, Path], market: Sample, prefect_home: Path
) -> None:
    _, folder = first
    before = published(folder / ".dataweave" / "store", "orchard", *MADE)
    again = run(folder, prefect_home, "--source", str(market.folder))
    assert again.code == 0, again.err
    steps = re.findall(r"^\s+\w+\s+\w+ \d{4}-\d\d-\d\d v\d+\s+(\w+)", again.out, re.M)
    assert len(steps) > 10
    assert set(steps) == {"reused"}
    assert published(folder / ".dataweave" / "store", "orchard", *MADE) == before


def test_two_empty_stores_end_with_the_same_bytes(
    first: tuple[Outcome, Path], market: Sample, prefect_home: Path, tmp_path: Path
) -> None:
    other = run(tmp_path, prefect_home, "--source", str(market.folder))
    assert other.code == 0, other.err
    mine = published(first[1] / ".dataweave" / "store", "orchard", *MADE)
    theirs = published(tmp_path / ".dataweave" / "store", "orchard", *MADE)
    assert mine == theirs
    assert any("/marts/" in path for path in mine)
