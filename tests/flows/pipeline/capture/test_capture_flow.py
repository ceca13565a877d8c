"""Days of a street of shops through the steps of capture: published, carried, left out, said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from flows.pipeline import capture_offers, normalise_prices
from flows.pipeline.schema import OFFERS
from flows.sample.storefront import Front, Misbehaviour, serve
from sdk import Dataset, flow
from sdk.testing.platform import Platform, Ran, platform, prefect_api  # noqa: F401

HEALTHY_DAYS = 4
PRODUCTS = 24
SURE = ("json_ld", "json_ld_graph", "microdata")
"""Markups that extraction reads without a doubt: these tests are not about it."""


@flow(customer="acme", owner="grocery", tier="gold", deadline="60m")
def acme_daily(day: date | None = None, sites: str = "") -> Dataset:
    return capture_offers(sites, day)


@flow(customer="acme", owner="grocery", tier="gold", deadline="60m")
def acme_apart(day: date | None = None, sites: str = "") -> Dataset:
    return capture_offers(sites, day, how="processes", batch=2)


@flow(customer="acme", owner="grocery", tier="gold", deadline="60m")
def acme_offers(day: date | None = None, sites: str = "", currency: str = "ILS") -> Dataset:
    return normalise_prices(capture_offers(sites, day), currency=currency)


@dataclass(frozen=True)
class Street:
    """Shops in some days of order and one of trouble."""

    front: Front
    platform: Platform
    sites: Path
    days: list[date]
    ran: dict[date, Ran]
    shops: dict[str, str]

    @property
    def last(self) -> Ran:
        return self.ran[self.days[-1]]

    def row(self, what: str, day: int = -1) -> dict[str, object]:
        frame = self.ran[self.days[day]].value.frame("sites")
        return frame.row(by_predicate=pl.col("site") == self.shops[what], named=True)

    def prices(self, what: str, day: int = -1) -> pl.DataFrame:
        frame: pl.DataFrame = self.ran[self.days[day]].value.frame("prices")
        return frame.filter(pl.col("seller") == self.shops[what])


TROUBLES = {
    "healthy": None,
    "third_blocked": Misbehaviour("", "block_page", every=3),
    "few": Misbehaviour("", "few_products"),
    "all_blocked": Misbehaviour("", "block_page"),
    "one_in_ten_fails": Misbehaviour("", "wrong_type", every=12),
    "feed_few": Misbehaviour("", "few_products"),
    "down": Misbehaviour("", "robots_error"),
    "sold_out": Misbehaviour("", "sold_out"),
    "currency_change": Misbehaviour("", "currency_change"),
    "all_equal": Misbehaviour("", "all_equal"),
    "all_zero": Misbehaviour("", "all_zero"),
    "ten_times": Misbehaviour("", "ten_times"),
    "soft_404": Misbehaviour("", "soft_404"),
    "wrong_charset": Misbehaviour("", "wrong_charset"),
}
FROZEN = Misbehaviour("", "frozen")
"""What takes days to be seen: from the second day on."""
WRONG = ("sold_out", "currency_change", "all_equal", "all_zero", "ten_times", "soft_404")
"""What a site may say of all its products and is not believed."""


def _fast(front: Front, folder: Path) -> Path:
    front.site_files(folder, rate=20.0)
    return folder


def _moves(front: Front, name: str, before: date, after: date) -> bool:
    """Say whether a shop changes a price from one day to another; few change one every day."""
    (shop,) = (shop for shop in front.shops if shop.name == name)
    return any(
        shop.standing(article, before).price != shop.standing(article, after).price
        for article in shop.articles
        if shop.standing(article, before).listed and shop.standing(article, after).listed
    )


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory, prefect_api: None) -> Iterator[Street]:  # noqa: F811
    folder = tmp_path_factory.mktemp("street")
    with pytest.MonkeyPatch.context() as environment:
        here = Platform(folder, environment, ExitStack())
        here.set(storage=str(folder / "store"), capture_private_networks='["127.0.0.0/8"]')
        here.set(capture_any_day="true")
        with serve(shops=130, seed=7, products=PRODUCTS) as front:
            pages = (
                shop.name
                for shop in front.shops
                if not shop.is_feed and not shop.crawl_delay and shop.markup in SURE
            )
            feeds = (shop.name for shop in front.shops if shop.is_feed and not shop.crawl_delay)
            shops = {what: next(feeds if "feed" in what else pages) for what in TROUBLES}
            days = [front.day + timedelta(days=n) for n in range(HEALTHY_DAYS + 1)]
            shops["frozen"] = next(name for name in pages if _moves(front, name, days[0], days[1]))
            sites = _fast(front, folder / "sites")
            for path in sites.glob("*.yaml"):
                if path.stem not in shops.values():
                    path.unlink()
            (sites / "broken.yaml").write_text("name: broken\nrate: fast\n")
            frozen = replace(FROZEN, shop=shops["frozen"], first=days[1])
            front.set_script([frozen])
            ran = {}
            for day in days:
                front.set_day(day)
                if day == days[-1]:
                    troubles = [
                        replace(trouble, shop=shops[what], first=days[-1])
                        for what, trouble in TROUBLES.items()
                        if trouble is not None
                    ]
                    front.set_script([frozen, *troubles])
                ran[day] = here.run(acme_daily, day=day, sites=str(sites))
            yield Street(front, here, sites, days, ran, shops)


def test_days_in_order_are_fresh_and_whole(street: Street) -> None:
    for day in street.days[:-1]:
        ran = street.ran[day]
        assert ran.state == "Completed", ran.error
        assert ran.value.fresh
        assert ran.value.coverage == 1.0
        assert set(ran.value.frame("sites")["decision"]) <= {"publish", "warn"}


def test_prices_are_those_of_the_pages(street: Street) -> None:
    day = street.days[1]
    truth = street.front.truth(day).filter(pl.col("price").is_not_null())
    said = street.ran[day].value.frame("prices").filter(~pl.col("stale"))
    both = said.join(truth, on="url", how="inner", suffix="_true")
    assert both.height > 0.9 * said.height
    assert [Decimal(price) for price in both["price"]] == both["price_true"].to_list()
    assert both["currency"].to_list() == both["currency_true"].to_list()


def test_the_last_day_is_degraded_and_goes_on_with_the_sites_it_has(street: Street) -> None:
    assert street.last.state == "Degraded"
    captured = street.last.value
    assert not captured.fresh
    healthy = sum(street.row(what)["decision"] in ("publish", "warn") for what in street.shops)
    assert captured.coverage == pytest.approx(healthy / len(street.shops), abs=1e-6)
    assert street.row("healthy")["decision"] == "publish"
    assert street.prices("healthy").height >= PRODUCTS - 3


def test_prices_that_stand_still_for_days_are_published_with_a_warning(street: Street) -> None:
    days = [street.row("frozen", day) for day in range(len(street.days))]
    assert [row["decision"] for row in days] == [*["publish"] * HEALTHY_DAYS, "warn"]
    assert "may be frozen" in str(days[-1]["reason"])
    assert "frozen" not in str(street.row("healthy")["reason"])


def test_a_third_blocked_is_carried_and_marked_stale(street: Street) -> None:
    row = street.row("third_blocked")
    assert row["decision"] == "carry"
    assert "block pages" in str(row["reason"])
    assert row["as_of"] == street.days[-2]
    carried, before = street.prices("third_blocked"), street.prices("third_blocked", -2)
    assert carried["stale"].all()
    same = ["sku", "price", "address"]
    assert carried.select(same).equals(before.select(same))


@pytest.mark.parametrize("what", ["few", "all_blocked", "feed_few", "down"])
def test_too_little_or_nothing_is_left_out(street: Street, what: str) -> None:
    row = street.row(what)
    assert row["decision"] == "quarantine"
    assert street.prices(what).is_empty()
    assert any(street.shops[what] in str(reason) for reason in street.last.value.degraded)


@pytest.mark.parametrize("what", WRONG)
def test_what_no_shop_does_is_not_believed(street: Street, what: str) -> None:
    row = street.row(what)
    assert row["decision"] == "quarantine", row
    assert street.prices(what).is_empty()


def test_a_charset_that_is_declared_wrongly_costs_no_price(street: Street) -> None:
    assert street.row("wrong_charset")["decision"] in ("publish", "warn")
    truth = street.front.truth(street.days[-1]).filter(shop=street.shops["wrong_charset"])
    both = street.prices("wrong_charset").join(truth, on="url", suffix="_true")
    assert both.height >= PRODUCTS - 3
    assert [Decimal(price) for price in both["price"]] == both["price_true"].to_list()


def test_pages_that_were_not_seen_keep_their_last_values(street: Street) -> None:
    assert street.row("one_in_ten_fails")["decision"] in ("publish", "warn")
    today, before = street.prices("one_in_ten_fails"), street.prices("one_in_ten_fails", -2)
    stale = today.filter("stale")
    assert 1 <= stale.height <= 4
    kept = stale.join(before, on="address", how="left", suffix="_before")
    assert kept["price"].to_list() == kept["price_before"].to_list()
    assert set(stale["availability"]) == {"unknown"}


def test_a_site_file_that_is_wrong_is_told_and_costs_nobody_else(street: Street) -> None:
    faults = street.last.value.frame("faults").filter(pl.col("source_file") == "broken.yaml")
    assert faults.height == 1
    assert faults["source_row"][0] == 2
    assert "rate" in faults["problem"][0]


def test_a_day_again_is_reused_and_asks_nobody(street: Street) -> None:
    asked = len(street.front.log)
    day = street.days[1]
    ran = street.platform.run(acme_daily, day=day, sites=str(street.sites))
    assert len(street.front.log) == asked
    assert ran.value == street.ran[day].value
    assert {record.outcome for record in ran.records if record.dataset} == {"reused"}


def test_captured_rows_become_offers(street: Street) -> None:
    shop = next(one for one in street.front.shops if one.name == street.shops["healthy"])
    ran = street.platform.run(
        acme_offers, day=street.days[1], sites=str(street.sites), currency=shop.locale.currency
    )
    assert ran.state == "Completed", ran.error
    offers = ran.value.frame("offers")
    assert offers.schema == OFFERS
    own = offers.filter(pl.col("seller") == shop.name)
    truth = street.front.truth(street.days[1]).filter(shop=shop.name)
    both = own.join(truth, on="url", suffix="_true")
    assert both.height >= PRODUCTS - 3
    assert both["price"].to_list() == both["price_true"].to_list()
    assert both["regular_price"].to_list() == both["regular_price_true"].to_list()
    assert both["availability"].to_list() == both["availability_true"].to_list()
    assert both["gtin"].to_list() == both["gtin_true"].to_list()
    assert not own["stale"].any()


def test_an_extraction_is_done_again_without_fetching(street: Street, tmp_path: Path) -> None:
    from flows.pipeline.capture.fetching.journal import Journal
    from flows.pipeline.capture.fetching.page_archive import PageArchive
    from flows.pipeline.capture.site_day import read_day
    from flows.pipeline.capture.site_file import load_site

    site = load_site(street.sites / f"{street.shops['healthy']}.yaml")
    root, day = street.platform.store.storage, street.days[0]
    journal = Journal(root, "acme", day, site.name)
    asked = len(street.front.log)
    made = read_day(site, list(journal.visits()), journal.ended(), PageArchive(root, "acme").get)
    assert len(street.front.log) == asked
    assert made.tables.prices.equals(street.prices("healthy", 0))


def test_how_far_each_site_is_stands_on_the_run(street: Street) -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        found = client._client.post("/artifacts/filter", json={"limit": 200}).json()
    # The database is that of all tests of this process; artifacts of others may have no key.
    tables = [one for one in found if (one["key"] or "").startswith("progress-capture-")]
    assert tables
    shown = [{row["site"]: row for row in json.loads(one["data"])} for one in tables]
    rows = next(rows for rows in shown if street.shops["healthy"] in rows)
    assert all(row["left"] == 0 for row in rows.values())


def test_batches_may_run_in_processes_of_their_own(platform: Platform) -> None:  # noqa: F811
    platform.set(capture_private_networks='["127.0.0.0/8"]', capture_any_day="true")
    with serve(shops=4, seed=7, products=5) as front:
        front.site_files(platform.folder / "sites", rate=20.0)
        ran = platform.run(acme_apart, day=front.day, sites=str(platform.folder / "sites"))
    assert ran.state == "Completed", ran.error
    assert ran.value.frame("sites").height == 4
    assert ran.value.frame("prices").height > 4 * 3


def test_a_store_that_cannot_be_written_is_told(platform: Platform) -> None:  # noqa: F811
    platform.set(capture_private_networks='["127.0.0.0/8"]', capture_any_day="true")
    with serve(shops=2, seed=7, products=4) as front:
        front.site_files(platform.folder / "sites", rate=20.0)
        blocked = platform.folder / "store" / "acme" / "_capture"
        blocked.parent.mkdir(parents=True)
        blocked.write_text("a file where a folder should be")
        ran = platform.run(acme_daily, day=front.day, sites=str(platform.folder / "sites"))
    assert ran.state != "Completed"
    said = [str(row["reason"]) for row in ran.value.frame("sites").iter_rows(named=True)]
    assert any("could be captured" in reason for reason in said), said


def test_a_day_that_is_over_is_not_fetched(platform: Platform) -> None:  # noqa: F811
    platform.set(capture_private_networks='["127.0.0.0/8"]')
    with serve(shops=1, seed=7, products=4) as front:
        front.site_files(platform.folder / "sites")
        ran = platform.run(acme_daily, day=date(2026, 1, 1), sites=str(platform.folder / "sites"))
        assert len(front.log) == 0
    assert ran.state == "Degraded"
    assert ran.value.coverage == 0.0


def test_a_capture_for_nobody_and_a_folder_without_sites_are_refused(platform: Platform) -> None:  # noqa: F811
    from sdk import ConfigurationError

    with pytest.raises(ConfigurationError, match="for nobody"):
        capture_offers("sites")
    (platform.folder / "none").mkdir()
    ran = platform.run(acme_daily, day=date(2026, 1, 1), sites=str(platform.folder / "none"))
    assert ran.state == "Failed"
    assert "no site file" in str(ran.error)
