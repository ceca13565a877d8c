"""The stages of a day without SDK or Prefect: what the platform is measured against."""

from __future__ import annotations

import sys
from datetime import date

from flows.customers.metro import OWN
from flows.pipeline.ingest.discover import discover, files_for
from flows.pipeline.ingest.layout_files import load_layouts
from flows.pipeline.ingest.read import read_day
from flows.pipeline.insights.marts import compute
from flows.pipeline.matching.by_gtin import match_by_gtin
from flows.pipeline.normalise.offers import to_offers
from flows.pipeline.reporting.page import render_page
from flows.pipeline.reporting.report import Report
from flows.pipeline.reporting.workbook import render_workbook


def main(source: str, day: date) -> None:
    """Make page and workbook of a day, and forget them."""
    layouts = load_layouts()
    found = discover(source)
    made = {}
    for each in sorted(other for other in found if other <= day):
        read = read_day(files_for(found, each, source), layouts)
        made[each] = (read, to_offers(read.prices, day=each, currency="ILS"))
    read, today = made[day]
    own = today.offers["seller"] == OWN
    marts = compute(
        today.offers,
        match_by_gtin(today.offers.filter(own), today.offers.filter(~own)),
        {each: offers.offers for each, (_, offers) in made.items() if each < day},
        day=day,
        own_seller=OWN,
        days_expected=[each for each in made if each < day],
    )
    report = Report("Metro", day, OWN, "ILS", marts, read.faults, today.rejected)
    print(len(render_page(report)), len(render_workbook(report)))


if __name__ == "__main__":
    main(sys.argv[1], date.fromisoformat(sys.argv[2]))
