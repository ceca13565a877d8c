"""Orchard Market: the fictitious customer of the generated sample market.

Its catalogue and its competitors' price files arrive in one folder, in four layouts; more
competitors are captured from their web shops.
"""

from __future__ import annotations

from datetime import date

from flows.pipeline import (
    capture_offers,
    collect_audits,
    compute_insights,
    decisions_before,
    earlier_offers,
    ingest_prices,
    match_products,
    normalise_prices,
    publish_reports,
    raise_alerts,
    rules_of,
    tell_digest,
    verify_matches,
)
from sdk import Dataset, branch, flow

OWN = "Orchard Market"


@flow(customer="orchard", owner="grocery", tier="silver", deadline="60m")
def orchard_daily(
    day: date | None = None, source: str = ".dataweave/sample", sites: str = ""
) -> Dataset:
    """Compare Orchard Market's prices of a day with its market's.

    Args:
        day: of the data; by default the day on which the run was due.
        source: folder or URL of the daily files.
        sites: folder of site files; without one, no shop is captured.
    """
    captured = capture_offers(sites, day) if sites else None
    offers = normalise_prices(ingest_prices(source, day), captured, currency="ILS")
    history = earlier_offers(source, day, days=30, currency="ILS")
    matches = match_products(offers, own_seller=OWN, decisions=decisions_before(offers))
    decided = verify_matches(matches, offers, otherwise="carry_last")
    rules = rules_of(__file__)
    audits = collect_audits(offers)
    marts = compute_insights(offers, decided, history, own_seller=OWN, rules=rules, audits=audits)
    alerts = raise_alerts(marts, rules, owner="grocery")
    full = branch(marts.coverage >= 0.8, "enough of the market answered", coverage=marts.coverage)
    report = publish_reports(
        marts, offers, history, title="Orchard Market", alerts=alerts, partial=not full
    )
    tell_digest(report, owner="grocery")
    return report
