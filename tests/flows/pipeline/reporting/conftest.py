"""A report over days of the generated market, made by the pure functions alone.

The market's files tell neither stock nor struck prices, as price files do not; two of its sellers
are given some here, so that every part of the page has something to show.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import polars as pl
import pytest

from flows.pipeline.alerting.decide import decide, rule_report
from flows.pipeline.alerting.findings import find
from flows.pipeline.ingest.discover import discover, files_for
from flows.pipeline.ingest.layout_files import load_layouts
from flows.pipeline.ingest.read import read_day
from flows.pipeline.insights.marts import compute
from flows.pipeline.mart_schema import ALERTS, AUDITS, SEARCH_RESULTS
from flows.pipeline.matching.by_gtin import match_by_gtin
from flows.pipeline.normalise.offers import to_offers
from flows.pipeline.reporting.report import CheckLine, Note, Report
from flows.pipeline.rules import Rules
from flows.pipeline.schema import OFFERS, empty
from flows.sample import OWN_SELLER, generate

BEFORE, DAY = date(2026, 3, 11), date(2026, 3, 12)
SHOPS = (OWN_SELLER, "Green Basket")
CATEGORIES = ("Food > Dairy", "Food > Bakery", "Drinks", "Household > Cleaning")


def as_shops(offers: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Offers with what web shops say, for `SHOPS`: drawn anew for each day, the same for a seed."""
    chance = Random(seed)
    rows = []
    for row in offers.sort("seller", "store_id", "sku").iter_rows(named=True):
        if row["seller"] in SHOPS:
            row["availability"] = chance.choices(
                ["in_stock", "out_of_stock", "backorder", "blocked", "unknown"], [80, 8, 2, 3, 7]
            )[0]
            row["category"] = CATEGORIES[int(row["sku"][-1]) % len(CATEGORIES)]
            row["url"] = f"https://shop.example/{row['sku']}"
            if chance.random() < 0.2:
                row["regular_price"] = (row["price"] * Decimal("1.25")).quantize(Decimal("0.01"))
        rows.append(row)
    return pl.DataFrame(rows, schema=OFFERS)


def rules_for(offers: pl.DataFrame) -> Rules:
    own = offers.filter((pl.col("seller") == OWN_SELLER) & pl.col("gtin").is_not_null())
    listed = own.sort("gtin").select("gtin", "price").head(120).rows()
    return Rules.model_validate(
        {
            "key_items": [gtin for gtin, _ in listed],
            "minimum_prices": dict(listed[:60]),
            "own_brands": ["Copper Pot"],
            "content": {"name": 24, "brand": 1, "image": 1},
            "alerts": [
                {"name": "undercut", "kind": "undercut", "only": "key_items"},
                {"name": "minimum", "kind": "below_minimum", "at_least_pct": 2},
                {"name": "out", "kind": "out_of_stock", "whose": "own", "group_by": "rule"},
                {"name": "moves", "kind": "price_change", "at_least_pct": 8},
            ],
        }
    )


def searches_of(offers: pl.DataFrame) -> pl.DataFrame:
    found = offers.drop_nulls("gtin").sort("gtin", "seller").head(40)
    return pl.DataFrame(
        [
            (DAY, "shop.example", ("milk", "tea")[place % 2], 1 + place // 2, place % 7 == 0,
             brand, gtin, name)
            for place, (brand, gtin, name) in enumerate(
                found.select("brand", "gtin", "name").iter_rows()
            )
        ],
        schema=SEARCH_RESULTS,
        orient="row",
    )  # fmt: skip


def audits_of(matches: pl.DataFrame) -> pl.DataFrame:
    at = datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None)
    return pl.DataFrame(
        [
            (own, sku, seller, code, method, place % 20 != 0, at)
            for place, (own, sku, seller, code, method) in enumerate(
                matches.sort("seller", "own_sku")
                .select("own_seller", "own_sku", "seller", "sku", "method")
                .head(60)
                .iter_rows()
            )
        ],
        schema=AUDITS,
        orient="row",
    )


def make_report(folder: Path, products: int) -> Report:
    """A report of the generated market, of two files' days and a month before them."""
    generate(folder, seed=5, days=[BEFORE, DAY], products=products)
    read = {
        day: read_day(files_for(discover(str(folder)), day, str(folder)), load_layouts())
        for day in (BEFORE, DAY)
    }
    made = {day: to_offers(found.prices, day=day, currency="ILS") for day, found in read.items()}
    offers = as_shops(made[DAY].offers, 0)
    history = {BEFORE: as_shops(made[BEFORE].offers, 1)}
    # Of the days before, the shops' own: dearer than today in part, so that discounts are judged.
    shops = history[BEFORE].filter(pl.col("seller").is_in(SHOPS))
    for back in range(2, 31):
        day = BEFORE - timedelta(days=back)
        history[day] = as_shops(shops, back).with_columns(
            day=pl.lit(day),
            price=(pl.col("price") * (Decimal("1.25") if back % 3 else Decimal("1.1"))).cast(
                OFFERS["price"]
            ),
        )
    own, market = offers["seller"] == OWN_SELLER, offers["seller"] != OWN_SELLER
    matches = match_by_gtin(offers.filter(own), offers.filter(market))
    rules = rules_for(offers)
    marts = compute(
        offers,
        matches,
        history,
        day=DAY,
        own_seller=OWN_SELLER,
        days_expected=sorted(history),
        rules=rules,
        audits=audits_of(matches),
        searches=searches_of(offers),
    )
    found = [find(rule, marts, rules) for rule in rules.alerts]
    alerts = decide(found, empty(ALERTS), DAY)
    return Report(
        title="Orchard & <Sons>",
        day=DAY,
        own_seller=OWN_SELLER,
        currency="ILS",
        marts=marts,
        faults=read[DAY].faults,
        rejected=made[DAY].rejected,
        notes=(Note("last seen 2026-03-11, 1 day ago", about="מרכול הדקל"),),
        earlier=("2026-03-09: there are no files for this day",),
        checks=(
            CheckLine("offers", "unique", "block", True, ""),
            CheckLine("marts", "every seller as usual", "warn", False, "1 of 7: מרכול הדקל"),
        ),
        alerts=alerts,
        alert_rules=rule_report(found, alerts, DAY),
    )


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return make_report(tmp_path_factory.mktemp("market"), 300)
