"""A day with captured shops, through the command line: the same bytes whatever the ports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from flows.sample import Sample
from flows.sample.storefront import Front, serve
from sdk import DatasetKey, Store
from tests.e2e.platform_cli import Outcome, published, run

MADE = ("captured", "prices", "offers", "matches", "marts", "report")
SHOPS = 4


@contextmanager
def _street(market: Sample, folder: Path) -> Iterator[tuple[Front, Path]]:
    """Shops with names, at a port of their own, that sell the market's goods."""
    with (
        serve(
            seed=11, day=market.days[-1], products=12, market_products=400, domain="shops.example"
        ) as front,
        pytest.MonkeyPatch.context() as environment,
    ):
        chosen = [
            shop.name
            for shop in front.shops
            if shop.locale.currency == "ILS" and not shop.crawl_delay
        ][:SHOPS]
        for path in front.site_files(folder, rate=20.0):
            if path.stem not in chosen:
                path.unlink()
        environment.setenv("DATAWEAVE_CAPTURE_PRIVATE_NETWORKS", '["127.0.0.0/8"]')
        environment.setenv("DATAWEAVE_CAPTURE_REROUTE", json.dumps(front.places))
        environment.setenv("DATAWEAVE_CAPTURE_ANY_DAY", "true")
        yield front, folder


def _day(market: Sample, home: Path, folder: Path) -> tuple[Outcome, int]:
    """Run the day in a folder; return how it went, and how many requests the shops saw."""
    with _street(market, folder / "sites") as (front, _):
        outcome = run(folder, home, "--source", str(market.folder), "--sites", "sites")
        return outcome, len(front.log)


@pytest.fixture(scope="module")
def first(
    market: Sample, prefect_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Outcome, Path]:
    folder = tmp_path_factory.mktemp("first")
    outcome, requests = _day(market, prefect_home, folder)
    assert requests > SHOPS
    return outcome, folder


def test_captured_shops_are_sellers_like_others(
    first: tuple[Outcome, Path], market: Sample
) -> None:
    outcome, folder = first
    assert outcome.code == 0, outcome.err
    store = Store(str(folder / ".dataweave" / "store"))
    day = market.days[-1]
    captured = store.dataset(DatasetKey(customer="orchard", name="captured", day=day))
    offers = store.dataset(DatasetKey(customer="orchard", name="offers", day=day))
    matches = store.dataset(DatasetKey(customer="orchard", name="matches", day=day))
    assert captured is not None
    assert offers is not None
    assert matches is not None
    shops = set(captured.frame("sites")["site"])
    assert len(shops) == SHOPS
    sold = offers.frame("offers").filter(pl.col("seller").is_in(shops))
    assert set(sold["seller"]) == shops
    assert sold["url"].str.contains("shops.example").all()
    matched = matches.frame(matches.tables[0]).filter(pl.col("seller").is_in(shops))
    assert matched.height > 0, "their goods are the customer's: barcodes meet"


def test_a_second_run_asks_nobody_and_reuses_every_step(
    first: tuple[Outcome, Path], market: Sample, prefect_home: Path
) -> None:
    _, folder = first
    before = published(folder / ".dataweave" / "store", "orchard", *MADE)
    again, requests = _day(market, prefect_home, folder)
    assert again.code == 0, again.err
    assert requests == 0
    steps = re.findall(r"^\s+\w+\s+\S+ \d{4}-\d\d-\d\d v\d+\s+(\w+)", again.out, re.M)
    assert len(steps) > SHOPS
    assert set(steps) == {"reused"}
    assert published(folder / ".dataweave" / "store", "orchard", *MADE) == before


def test_another_store_and_other_ports_end_in_the_same_bytes(
    first: tuple[Outcome, Path], market: Sample, prefect_home: Path, tmp_path: Path
) -> None:
    other, _ = _day(market, prefect_home, tmp_path)
    assert other.code == 0, other.err
    mine = published(first[1] / ".dataweave" / "store", "orchard", *MADE)
    theirs = published(tmp_path / ".dataweave" / "store", "orchard", *MADE)
    assert mine == theirs
    assert any("/captured/" in path for path in mine)
