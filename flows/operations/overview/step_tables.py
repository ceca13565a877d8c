"""What runs and how it went, as tables: customers, steps, and the faults that stand."""

from __future__ import annotations

from datetime import date

import polars as pl

from flows.operations.overview.gather import Platform
from flows.operations.overview.standing import RANK, customer_state
from flows.pipeline.reporting.tables import Column, Table

CUSTOMER = Column("Customer", "customer", "name", role="customer")
"""The column by which every table is filtered."""

LATE_DAYS = 1
"""A customer whose latest data are older than yesterday's is late: days run once a day."""

STATE = Column("State", "state", "word", filtered=True, bad=("failed", "degraded"))


def customers(platform: Platform) -> pl.DataFrame:
    """Return a row for each customer: how its latest day stands."""
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


def steps(platform: Platform) -> pl.DataFrame:
    """Return a row for each step of each customer."""
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


def broken(steps: pl.DataFrame) -> Table:
    """What is not fresh, what broke longest first."""
    return Table(
        "broken",
        steps.filter(pl.col("state") != "fresh").sort("since", "customer", "step"),
        (
            CUSTOMER,
            Column("Step", "step", "name"),
            STATE,
            Column("Since", "since", "date"),
            Column("Days", "days", "count"),
            Column("As of", "day", "date"),
            Column("Why", "why", "sentence"),
        ),
        title="Steps that are not fresh",
        lacking="None: every step is fresh.",
        explored=True,
    )


def faults(platform: Platform) -> Table:
    """What was told in Slack and Jira and is not mended."""
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


def customer_table(customers: pl.DataFrame) -> Table:
    """How each customer stands, the worst first."""
    return Table(
        "customers",
        customers.sort(
            -pl.col("state").replace_strict(dict(RANK), return_dtype=pl.Int64), "customer"
        ),
        (
            CUSTOMER,
            STATE,
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


def matrix(platform: Platform) -> Table:
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
            CUSTOMER,
            *(Column(step.replace("_", " "), step, "sentence") for step in columns),
        ),
        title="Customers × steps",
        about="A dash: the customer has no such step.",
        lacking="No customer has run yet.",
    )


def step_table(steps: pl.DataFrame) -> Table:
    """Everything."""
    return Table(
        "steps",
        steps.sort("customer", "at", "step"),
        (
            CUSTOMER,
            Column("Step", "step", "name", filtered=True),
            STATE,
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


def _short(day: date) -> str:
    return f"{day:%Y-%m-%d}"
