"""The table of a capture's sites: one row each, for people and for the report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from flows.pipeline.capture.captured import SITES
from flows.pipeline.schema import empty

_DECISIONS: Final = {"fresh": "publish", "last_good": "carry", "default": "quarantine"}


def site_row(
    name: str,
    figures: Mapping[str, Any],
    *,
    source: str,
    age_days: int,
    reason: str,
    stale: int,
    day: date,
) -> dict[str, Any]:
    """Return the row of a site.

    Args:
        name: of the site.
        figures: as ``SiteDay.figures`` gave them; of the day that is served.
        source: fresh, or which fallback served it.
        age_days: of what is served.
        reason: why it is not fresh.
        stale: rows that are carried.
        day: of the data.
    """
    run = figures.get("run") or {}
    fresh = source == "fresh"
    decision = _DECISIONS.get(source, "quarantine")
    return {
        "site": name,
        "decision": str(figures.get("decision", decision)) if fresh else decision,
        "reason": str(figures.get("reason", "")) if fresh else reason,
        "coverage": figures.get("coverage"),
        "products": int(run.get("products", 0)),
        "pages": int(run.get("pages", 0)),
        "blocked": int(run.get("blocked", 0)),
        "stale": stale,
        "ended": str(figures.get("ended", "")),
        "as_of": day - timedelta(days=age_days),
    }


def sites_table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return SITES of such rows."""
    return pl.DataFrame(rows, schema=SITES) if rows else empty(SITES)


def answered_share(sites: pl.DataFrame) -> float:
    """Return the share of the sites with prices of the day; 1.0 where there are none."""
    if sites.is_empty():
        return 1.0
    answered = sites.filter(pl.col("decision").is_in(["publish", "warn"])).height
    return round(answered / sites.height, 6)
