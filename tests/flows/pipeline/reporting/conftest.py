"""A report over two days of the generated market, made by the pure functions alone."""

from __future__ import annotations

from datetime import date

import pytest

from flows.pipeline.ingest.discover import discover, files_for
from flows.pipeline.ingest.layout import load_layouts
from flows.pipeline.ingest.read import read_day
from flows.pipeline.insights.marts import compute
from flows.pipeline.matching.by_gtin import match_by_gtin
from flows.pipeline.normalise.offers import to_offers
from flows.pipeline.reporting.report import CheckLine, Note, Report
from flows.sample import OWN_SELLER, generate

BEFORE, DAY = date(2026, 3, 11), date(2026, 3, 12)


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("market")
    generate(folder, seed=5, days=[BEFORE, DAY], products=300)
    read = {
        day: read_day(files_for(discover(str(folder)), day, str(folder)), load_layouts())
        for day in (BEFORE, DAY)
    }
    made = {day: to_offers(found.prices, day=day, currency="ILS") for day, found in read.items()}
    offers = made[DAY].offers
    own, market = offers["seller"] == OWN_SELLER, offers["seller"] != OWN_SELLER
    matches = match_by_gtin(offers.filter(own), offers.filter(market))
    marts = compute(
        offers,
        matches,
        {BEFORE: made[BEFORE].offers},
        day=DAY,
        own_seller=OWN_SELLER,
        days_expected=[BEFORE],
    )
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
        checks=(CheckLine("offers", "unique", "block", True, ""),),
    )
