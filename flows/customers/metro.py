"""Metro: a grocery chain against the other chains of its market, from the official price files.

The chain's own prices are in the same daily files as its competitors'.
"""

from __future__ import annotations

from datetime import date

from flows.pipeline import (
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

OWN = "שופרסל"


@flow(customer="metro", owner="grocery", tier="gold", deadline="90m")
def metro_daily(day: date | None = None, source: str = "s3://metro-in/prices") -> Dataset:
    """Compare Metro's prices of a day with its market's.

    Args:
        day: of the data; by default the day on which the run was due.
        source: folder or URL of the daily files.
    """
    offers = normalise_prices(ingest_prices(source, day), currency="ILS")
    history = earlier_offers(source, day, days=30, currency="ILS")
    matches = match_products(offers, own_seller=OWN, decisions=decisions_before(offers))
    decided = verify_matches(matches, offers, otherwise="carry_last")
    rules = rules_of(__file__)
    audits = collect_audits(offers)
    marts = compute_insights(offers, decided, history, own_seller=OWN, rules=rules, audits=audits)
    alerts = raise_alerts(marts, rules, owner="grocery")
    full = branch(marts.coverage >= 0.8, "enough of the market answered", coverage=marts.coverage)
    report = publish_reports(marts, offers, history, title="Metro", alerts=alerts, partial=not full)
    tell_digest(report, owner="grocery")
    return report
