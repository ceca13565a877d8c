"""The overview as a page: what is broken first, then everything."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from flows.operations.overview import queue_tables, step_tables
from flows.operations.overview.gather import Platform
from flows.operations.overview.standing import RANK
from flows.pipeline.reporting.document import Card, Document, Remark, render
from flows.pipeline.reporting.sections import Section

STATES: Mapping[str, str] = {
    "fresh": "Everything that ran delivered what it should.",
    "late": "What ran delivered, but somebody's data are old, or somebody could not be told.",
    "degraded": "Something runs on older or substitute data: see below.",
    "failed": "Something did not deliver at all: see below.",
}


def render_overview(platform: Platform, environment: str) -> bytes:
    """Return the page; the same platform gives the same bytes."""
    return render(overview(platform, environment))


def overview(platform: Platform, environment: str) -> Document:
    """Return everything that is on the page."""
    customers = step_tables.customers(platform)
    steps = step_tables.steps(platform)
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
                parts=(step_tables.broken(steps), step_tables.faults(platform)),
            ),
            Section(
                "customers",
                "Customers and steps",
                "How each customer's latest day stands: a step is as of the latest day for which it"
                " ran, and since the first of the days in a row with that state.",
                parts=(
                    step_tables.customer_table(customers),
                    step_tables.matrix(platform),
                    step_tables.step_table(steps),
                ),
            ),
            Section(
                "reviews",
                "Review queue",
                "Pairs of the latest day that wait for a person. They count in no figure until"
                " somebody decides.",
                parts=(queue_tables.queue(platform),),
            ),
            Section(
                "sites",
                "Sites",
                "What each site of the latest capture gave, the unhealthy ones first.",
                parts=(queue_tables.sites(platform),),
            ),
            Section(
                "notices",
                "Notices",
                "What could not be told to anybody, and what is still on its way.",
                parts=(queue_tables.dead(platform), queue_tables.waiting(platform)),
            ),
        ],
        foot="Made from the ledgers, manifests and notices in the store. A run that never began"
        " leaves no ledger: the watch for deadlines tells of it.",
    )


def _cards(platform: Platform, customers: pl.DataFrame, steps: pl.DataFrame) -> list[Card]:
    def count(name: str, title: str, value: int, meaning: str, detail: str) -> Card:
        return Card(name, title, f"{value:,}", meaning, detail)

    healthy = customers.filter(pl.col("state") == "fresh").height
    late = int(customers["late"].sum())
    waiting = sum(queue.waiting for queue in platform.queues)
    sick = queue_tables.sick(platform).height
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
