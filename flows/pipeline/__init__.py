"""The standard stages of a day of price intelligence, ready to be composed.

Each stage is a folder: its ``flow.py`` is the step, its other modules are pure functions over
frames. Steps are loaded when they are asked for, so that a notebook that wants one pure function
does not import Prefect.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.pipeline.alerting.flow import raise_alerts
    from flows.pipeline.capture.flow import capture_offers
    from flows.pipeline.customer_rules import rules_of
    from flows.pipeline.history import History, earlier_offers
    from flows.pipeline.ingest.flow import ingest_prices
    from flows.pipeline.insights.flow import compute_insights
    from flows.pipeline.matching.flow import match_catalogues, match_products
    from flows.pipeline.normalise.flow import normalise_prices
    from flows.pipeline.reporting.flow import publish_reports, tell_digest
    from flows.pipeline.verification.flow import (
        collect_audits,
        decisions_before,
        verify_matches,
    )

_HOMES = {
    "History": "history",
    "capture_offers": "capture.flow",
    "collect_audits": "verification.flow",
    "compute_insights": "insights.flow",
    "decisions_before": "verification.flow",
    "earlier_offers": "history",
    "ingest_prices": "ingest.flow",
    "match_catalogues": "matching.flow",
    "match_products": "matching.flow",
    "normalise_prices": "normalise.flow",
    "publish_reports": "reporting.flow",
    "raise_alerts": "alerting.flow",
    "rules_of": "customer_rules",
    "verify_matches": "verification.flow",
    "tell_digest": "reporting.flow",
}

__all__ = [
    "History",
    "capture_offers",
    "collect_audits",
    "compute_insights",
    "decisions_before",
    "earlier_offers",
    "ingest_prices",
    "match_catalogues",
    "match_products",
    "normalise_prices",
    "publish_reports",
    "raise_alerts",
    "rules_of",
    "tell_digest",
    "verify_matches",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'flows.pipeline' has no attribute {name!r}")
    return getattr(import_module(f"flows.pipeline.{home}"), name)
