"""A whole day on the real price files, where they are."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from sdk import DatasetKey, Store
from tests.e2e.platform_cli import published, run

DAY = date(2026, 8, 15)

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def store(il_prices: str, prefect_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("real")
    outcome = run(
        folder, prefect_home, "--source", il_prices, "--day", str(DAY), "--customer", "metro"
    )
    assert outcome.code == 0, outcome.err
    return Store(str(folder / ".dataweave" / "store"))


def _url(store: Store, name: str, table: str) -> str:
    dataset = store.dataset(DatasetKey(customer="metro", name=name, day=DAY))
    assert dataset is not None
    return dataset.url(table)


def test_every_row_of_the_file_is_accounted_for(store: Store, il_prices: str) -> None:
    file = f"{il_prices}/israeli_prices_{DAY}.csv.gz"
    query = "select count(*) from read_csv(?, header = true, all_varchar = true)"
    # A connection of its own: the module's is everybody's in this process.
    with duckdb.connect() as connection:
        rows = connection.execute(query, [file]).fetchall()[0]
        prices, offers, rejected = (
            connection.execute(
                "select count(*) from read_parquet(?)", [_url(store, name, table)]
            ).fetchall()[0][0]
            for name, table in (
                ("prices", "prices"),
                ("offers", "offers"),
                ("offers", "rejected"),
            )
        )
    assert prices == rows[0]
    assert offers + rejected == prices


def test_page_says_what_is_missing(store: Store) -> None:
    report = store.dataset(DatasetKey(customer="metro", name="report", day=DAY))
    assert report is not None
    page = report.read("report.html").decode()
    assert "2026-08-12: there are no files for this day" in page
    for vanished in ("ויקטורי", "חצי חינם"):
        assert f"<bdi>{vanished}</bdi>: " in page
    assert "last seen 2026-08-10, 5 days ago" in page


def test_two_empty_stores_end_with_the_same_marts(
    store: Store, il_prices: str, prefect_home: Path, tmp_path: Path
) -> None:
    outcome = run(
        tmp_path, prefect_home, "--source", il_prices, "--day", str(DAY), "--customer", "metro"
    )
    assert outcome.code == 0, outcome.err
    mine = published(Path(store.url), "metro", "marts", "report")
    assert mine
    assert published(tmp_path / ".dataweave" / "store", "metro", "marts", "report") == mine
