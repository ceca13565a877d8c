"""What waits for somebody, as tables: reviews, sites, notices."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from flows.operations.overview.gather import Platform
from flows.operations.overview.step_tables import CUSTOMER
from flows.pipeline.reporting.tables import Column, Table

_SITES = {
    "customer": pl.String(), "site": pl.String(), "decision": pl.String(), "reason": pl.String(),
    "coverage": pl.Float64(), "products": pl.Int64(), "pages": pl.Int64(), "blocked": pl.Int64(),
    "stale": pl.Int64(), "as_of": pl.Date(),
}  # fmt: skip
_HEALTH: Mapping[str, str] = {
    "publish": "healthy",
    "warn": "healthy, with a warning",
    "carry": "carried from an earlier day",
    "quarantine": "quarantined",
}
_GOOD = ("publish", "warn")


def queue(platform: Platform) -> Table:
    """Pairs that wait for a person."""
    rows = [(q.customer, q.waiting, q.day, q.since) for q in platform.queues]
    schema = {
        "customer": pl.String(), "waiting": pl.Int64(), "day": pl.Date(), "since": pl.Date()
    }  # fmt: skip
    return Table(
        "queue",
        pl.DataFrame(rows, schema=schema, orient="row").sort(-pl.col("waiting"), "customer"),
        (
            CUSTOMER,
            Column("Pairs waiting", "waiting", "count"),
            Column("As of", "day", "date"),
            Column("Some since", "since", "date"),
        ),
        lacking="Nothing waits for a reviewer.",
    )


def sites(platform: Platform) -> Table:
    """What each site of the latest capture gave, the unhealthy ones first."""
    return Table(
        "sites",
        _all_sites(platform).sort(
            pl.col("decision").is_in(_GOOD).fill_null(False), "customer", "site"
        ),
        (
            CUSTOMER,
            Column("Site", "site", "name"),
            Column(
                "Health",
                "decision",
                "word",
                words=_HEALTH,
                filtered=True,
                bad=("carry", "quarantine"),
            ),
            Column("Of usual", "coverage", "share", bar=True),
            Column("Products", "products", "count"),
            Column("Pages", "pages", "count"),
            Column("Blocked", "blocked", "count", tone="bad"),
            Column("Carried rows", "stale", "count", tone="bad"),
            Column("As of", "as_of", "date"),
            Column("Why", "reason", "sentence"),
        ),
        lacking="No customer captures sites, or none has yet.",
        explored=True,
    )


def sick(platform: Platform) -> pl.DataFrame:
    """Return the sites that are not healthy."""
    return _all_sites(platform).filter(~pl.col("decision").is_in(_GOOD).fill_null(False))


def _all_sites(platform: Platform) -> pl.DataFrame:
    if platform.sites.is_empty():
        return pl.DataFrame(schema=_SITES)
    return platform.sites.select(pl.col(name).cast(kind) for name, kind in _SITES.items())


def dead(platform: Platform) -> Table:
    """What could not be told to anybody."""
    rows = [
        (d.at.replace(tzinfo=None, microsecond=0), d.target, d.subject, d.reason, d.action)
        for d in platform.dead
    ]
    schema = {
        "at": pl.Datetime("us"), "target": pl.String(), "subject": pl.String(),
        "reason": pl.String(), "action": pl.String(),
    }  # fmt: skip
    return Table(
        "dead",
        pl.DataFrame(rows, schema=schema, orient="row"),
        (
            Column("When", "at", "date"),
            Column("Refused by", "target", "word"),
            Column("What", "subject", "name"),
            Column("Why", "reason", "name"),
            Column("What to do", "action", "name"),
        ),
        title="Undelivered",
        about="Mend what is named, then run the flow notices-deliver with again=true.",
        lacking="None: everything could be told.",
    )


def waiting(platform: Platform) -> Table:
    """What is still on its way."""
    rows = []
    for entry in platform.waiting:
        if entry.notice is not None:
            at, what = entry.notice.happened, entry.notice.headline
        elif entry.letter is not None:
            at, what = entry.letter.written, entry.letter.subject
        else:
            continue
        rows.append((at.replace(tzinfo=None, microsecond=0), what))
    schema = {"at": pl.Datetime("us"), "what": pl.String()}
    return Table(
        "waiting",
        pl.DataFrame(rows, schema=schema, orient="row").sort("at", "what"),
        (Column("Since", "at", "date"), Column("What", "what", "name")),
        title="On their way",
        lacking="None waits.",
        explored=True,
    )
