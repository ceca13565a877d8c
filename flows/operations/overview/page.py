"""The overview as a page: what is broken first, then everything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from flows.operations.overview.gather import Platform
from flows.operations.overview.standing import RANK, customer_state
from flows.pipeline.reporting.document import Card, Document, Remark, render
from flows.pipeline.reporting.sections import Section
from flows.pipeline.reporting.tables import Column, Table

STATES: Mapping[str, str] = {
    "fresh": "Everything that ran delivered what it should.",
    "late": "What ran delivered, but somebody's data are old, or somebody could not be told.",
    "degraded": "Something runs on older or substitute data: see below.",
    "failed": "Something did not deliver at all: see below.",
}

_CUSTOMER = Column("Customer", "customer", "name", role="customer")

LATE_DAYS = 1
"""A customer whose latest data are older than yesterday's is late: days run once a day."""

_STATE = Column("State", "state", "word", filtered=True, bad=("failed", "degraded"))


def render_overview(platform: Platform, environment: str) -> bytes:
    """Return the page; the same platform gives the same bytes."""
    return render(overview(platform, environment))


def overview(platform: Platform, environment: str) -> Document:
    """Return everything that is on the page."""
    customers = _customers(platform)
    steps = _steps(platform)
    worst = max(steps["state"].to_list(), key=lambda state: RANK[state], default="fresh")
    if worst == "fresh" and (customers["late"].any() or platform.idle or platform.dead):
        worst = "late"
    remarks = [Remark(f"no run in {platform.looked_back} days", name) for name in platform.idle]
    remarks += [Remark(text) for text in platform.unreadable]
    return Document(
        title="Operations",
        tab=f"{platform.at:%Y-%m-%d %H:%M} UTC",
        facts=((f"As of {platform.at:%Y-%m-%d %H:%M} UTC", ""), (f"environment {environment}", "")),
        state=worst,
        standing=STATES[worst],
        remarks=remarks,
        cards=_cards(platform, customers, steps),
        sections=[
            Section(
                "broken",
                "What is broken",
                "Every step that is not fresh, what broke longest first: for whom, since when,"
                " and why.",
                parts=(_broken(steps), _faults(platform)),
            ),
            Section(
                "customers",
                "Customers and steps",
                "How each customer's latest day stands: a step is as of the latest day for which it"
                " ran, and since the first of the days in a row with that state.",
                parts=(_customer_table(customers), _matrix(platform), _step_table(steps)),
            ),
            Section(
                "reviews",
                "Review queue",
                "Pairs of the latest day that wait for a person. They count in no figure until"
                " somebody decides.",
                parts=(_queue(platform),),
            ),
            Section(
                "sites",
                "Sites",
                "What each site of the latest capture gave, the unhealthy ones first.",
                parts=(_sites(platform),),
            ),
            Section(
                "notices",
                "Notices",
                "What could not be told to anybody, and what is still on its way.",
                parts=(_dead(platform), _waiting(platform)),
            ),
        ],
        foot="Made from the ledgers, manifests and notices in the store. A run that never began"
        " leaves no ledger: the watch for deadlines tells of it.",
    )


def _customers(platform: Platform) -> pl.DataFrame:
    rows = []
    for customer in sorted({standing.customer for standing in platform.standings}):
        mine = [one for one in platform.standings if one.customer == customer]
        state = customer_state(mine)
        day = max(one.day for one in mine)
        bad = [one for one in mine if one.state != "fresh" and one.day == day]
        rows.append(
            {
                "customer": customer,
                "state": state,
                "day": day,
                "since": min((one.since for one in bad), default=None),
                "fresh": sum(one.state == "fresh" for one in mine),
                "degraded": sum(one.state == "degraded" for one in mine),
                "failed": sum(one.state == "failed" for one in mine),
                "age": (platform.at.date() - day).days,
                "at": max(one.at for one in mine).replace(tzinfo=None, microsecond=0),
            }
        )
    schema = {
        "customer": pl.String(), "state": pl.String(), "day": pl.Date(), "since": pl.Date(),
        "fresh": pl.Int64(), "degraded": pl.Int64(), "failed": pl.Int64(), "age": pl.Int64(),
        "at": pl.Datetime("us"),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema).with_columns(late=pl.col("age") > LATE_DAYS)


def _steps(platform: Platform) -> pl.DataFrame:
    rows = [
        (s.customer, s.flow, s.step, s.state, s.day, s.since, (s.day - s.since).days + 1,
         s.executions, s.at.replace(tzinfo=None, microsecond=0), s.why or None)
        for s in platform.standings
    ]  # fmt: skip
    schema = {
        "customer": pl.String(), "flow": pl.String(), "step": pl.String(), "state": pl.String(),
        "day": pl.Date(), "since": pl.Date(), "days": pl.Int64(), "executions": pl.Int64(),
        "at": pl.Datetime("us"), "why": pl.String(),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _cards(platform: Platform, customers: pl.DataFrame, steps: pl.DataFrame) -> list[Card]:
    def count(name: str, title: str, value: int, meaning: str, detail: str) -> Card:
        return Card(name, title, f"{value:,}", meaning, detail)

    healthy = customers.filter(pl.col("state") == "fresh").height
    late = int(customers["late"].sum())
    waiting = sum(queue.waiting for queue in platform.queues)
    sick = _sick(platform).height
    return [
        count("customers_fresh", "Customers fresh", healthy, "whose latest day is whole",
              f"of {customers.height:,} with runs"),
        count("customers_late", "Customers late", late, "whose latest data are older than"
              " yesterday's", f"of {customers.height:,} with runs"),
        count("steps_degraded", "Steps degraded", steps.filter(state="degraded").height,
              "served by a fallback, or built on one", f"of {steps.height:,} steps"),
        count("steps_failed", "Steps failed", steps.filter(state="failed").height,
              "that delivered nothing", f"of {steps.height:,} steps"),
        count("reviews_waiting", "Pairs for review", waiting, "that wait for a person",
              f"of {len(platform.queues):,} customers"),
        count("sites_unhealthy", "Sites unhealthy", sick, "carried, quarantined or silent",
              f"of {platform.sites.height:,} sites"),
        count("notices_undelivered", "Notices undelivered", len(platform.dead),
              "refused for good by Slack or Jira", f"{len(platform.waiting):,} on their way"),
        count("faults_open", "Faults open", len(platform.faults), "that notices were told of",
              "one for each flow, step and class of error"),
    ]  # fmt: skip


def _broken(steps: pl.DataFrame) -> Table:
    return Table(
        "broken",
        steps.filter(pl.col("state") != "fresh").sort("since", "customer", "step"),
        (
            _CUSTOMER,
            Column("Step", "step", "name"),
            _STATE,
            Column("Since", "since", "date"),
            Column("Days", "days", "count"),
            Column("As of", "day", "date"),
            Column("Why", "why", "sentence"),
        ),
        title="Steps that are not fresh",
        lacking="None: every step is fresh.",
        explored=True,
    )


def _faults(platform: Platform) -> Table:
    rows = [
        (s.first_seen.replace(tzinfo=None, microsecond=0), s.latest.place, s.latest.headline,
         ", ".join(s.broken_for), s.story_count, s.severity,
         s.ticket.key if s.ticket is not None and s.ticket.key else None)
        for s in platform.faults
    ]  # fmt: skip
    schema = {
        "since": pl.Datetime("us"), "place": pl.String(), "what": pl.String(),
        "customers": pl.String(), "times": pl.Int64(), "severity": pl.String(),
        "ticket": pl.String(),
    }  # fmt: skip
    return Table(
        "faults",
        pl.DataFrame(rows, schema=schema, orient="row"),
        (
            Column("Since", "since", "date"),
            Column("Where", "place", "name"),
            Column("What", "what", "name"),
            Column("For", "customers", "name"),
            Column("Times", "times", "count"),
            Column("Severity", "severity", "word", filtered=True),
            Column("Ticket", "ticket", "word"),
        ),
        title="Open faults and alerts",
        about="As they were told in Slack and Jira, the oldest first.",
        lacking="None.",
        explored=True,
    )


def _customer_table(customers: pl.DataFrame) -> Table:
    return Table(
        "customers",
        customers.sort(
            -pl.col("state").replace_strict(dict(RANK), return_dtype=pl.Int64), "customer"
        ),
        (
            _CUSTOMER,
            _STATE,
            Column("Not fresh since", "since", "date"),
            Column("Latest day", "day", "date"),
            Column("Days old", "age", "count"),
            Column("Fresh", "fresh", "count"),
            Column("Degraded", "degraded", "count", tone="bad"),
            Column("Failed", "failed", "count", tone="bad"),
            Column("Last ran", "at", "date"),
        ),
        title="Customers",
        lacking="No customer has run yet.",
    )


def _matrix(platform: Platform) -> Table:
    """Customers × steps: a column for each step, the state and since when in each cell."""
    columns = list(dict.fromkeys(s.step for s in sorted(platform.standings, key=lambda s: s.at)))
    rows = []
    for customer in sorted({s.customer for s in platform.standings}):
        mine = {s.step: s for s in platform.standings if s.customer == customer}
        cells = {
            step: f"{mine[step].state} since {_short(mine[step].since)}" if step in mine else None
            for step in columns
        }
        rows.append({"customer": customer, **cells})
    schema = {"customer": pl.String(), **dict.fromkeys(columns, pl.String())}
    return Table(
        "matrix",
        pl.DataFrame(rows, schema=schema),
        (
            _CUSTOMER,
            *(Column(step.replace("_", " "), step, "sentence") for step in columns),
        ),
        title="Customers × steps",
        about="A dash: the customer has no such step.",
        lacking="No customer has run yet.",
    )


def _short(day: date) -> str:
    return f"{day:%Y-%m-%d}"


def _step_table(steps: pl.DataFrame) -> Table:
    return Table(
        "steps",
        steps.sort("customer", "at", "step"),
        (
            _CUSTOMER,
            Column("Step", "step", "name", filtered=True),
            _STATE,
            Column("Since", "since", "date"),
            Column("As of", "day", "date"),
            Column("Executions", "executions", "count"),
            Column("Last ran", "at", "date"),
            Column("Why", "why", "sentence"),
        ),
        title="Every step",
        lacking="No step has run yet.",
        explored=True,
    )


def _queue(platform: Platform) -> Table:
    rows = [(q.customer, q.waiting, q.day, q.since) for q in platform.queues]
    schema = {
        "customer": pl.String(), "waiting": pl.Int64(), "day": pl.Date(), "since": pl.Date()
    }  # fmt: skip
    return Table(
        "queue",
        pl.DataFrame(rows, schema=schema, orient="row").sort(-pl.col("waiting"), "customer"),
        (
            _CUSTOMER,
            Column("Pairs waiting", "waiting", "count"),
            Column("As of", "day", "date"),
            Column("Some since", "since", "date"),
        ),
        lacking="Nothing waits for a reviewer.",
    )


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


def _all_sites(platform: Platform) -> pl.DataFrame:
    if platform.sites.is_empty():
        return pl.DataFrame(schema=_SITES)
    return platform.sites.select(pl.col(name).cast(kind) for name, kind in _SITES.items())


def _sick(platform: Platform) -> pl.DataFrame:
    return _all_sites(platform).filter(~pl.col("decision").is_in(_GOOD).fill_null(False))


def _sites(platform: Platform) -> Table:
    return Table(
        "sites",
        _all_sites(platform).sort(
            pl.col("decision").is_in(_GOOD).fill_null(False), "customer", "site"
        ),
        (
            _CUSTOMER,
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


def _dead(platform: Platform) -> Table:
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


def _waiting(platform: Platform) -> Table:
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
