"""Auditing: a week's random pairs, looked at by people who are not told what the machine said.

Drawn apart from the accepted and from the rejected pairs, each with the same chance. Those that the
machine accepted say how precise it is, those that it rejected what it misses. A pair that a person
decided is no longer the machine's word, and is not drawn; nor is one that was held or carried.
"""

from __future__ import annotations

import json
from typing import Final

import polars as pl
import sqlalchemy as sa

from flows.pipeline.mart_schema import AUDITS
from flows.pipeline.verification.applying import BY_PERSON, CARRIED, HELD
from flows.pipeline.verification.database import Database
from flows.pipeline.verification.drafting import PAIR, draft
from flows.pipeline.verification.intake import Audited
from flows.pipeline.verification.sampling import audit_sample
from flows.pipeline.verification.tables import decisions, tasks

_SAYS: Final = ("exact", "variant", "different_pack", "equivalent", "no_match")


def draw(
    matches: pl.DataFrame, offers: pl.DataFrame, decided: pl.DataFrame, week: str, size: int
) -> list[Audited]:
    """Return a week's sample.

    Args:
        matches: MATCHES of a day, decided.
        offers: OFFERS of the day.
        decided: DECISIONS of people.
        week: such as 2026-W33.
        size: pairs of each kind.
    """
    reason = pl.col("reason").fill_null("")
    machine = matches.filter(
        pl.col("method") != BY_PERSON,
        ~reason.str.starts_with(HELD),
        ~reason.str.starts_with(CARRIED),
    ).join(decided, on=list(PAIR), how="anti")
    drawn: list[Audited] = []
    for said in ("accept", "reject"):
        rows = machine.filter(pl.col("decision") == said).select(*PAIR, "method")
        named = [(json.dumps(row), row) for row in rows.rows()]
        sample = pl.DataFrame(
            audit_sample(named, f"{week} {said}", size), rows.schema, orient="row"
        )
        pairs = machine.join(sample, on=list(PAIR), how="semi")
        methods = {row[:4]: row[4] for row in sample.rows()}
        for item in draft(pairs, offers, matches["day"][0]) if pairs.height else []:
            own, other = item.content.own, item.content.candidates[0].product
            method = methods.get((own.seller, own.sku, other.seller, other.sku), "")
            drawn.append(Audited(item, said, method or "not named"))
    return drawn


def audited(database: Database, customer: str) -> pl.DataFrame:
    """Return what people said of accepted pairs, as AUDITS, sorted by pair and moment."""
    query = (
        sa.select(
            tasks.c.subject, tasks.c.expected, decisions.c.verdict, decisions.c.sku, decisions.c.at
        )
        .join(decisions, decisions.c.id == tasks.c.answer)
        .where(
            tasks.c.customer == customer, tasks.c.kind == "audit", decisions.c.verdict.in_(_SAYS)
        )
    )
    rows = []
    with database.reading() as connection:
        for row in connection.execute(query):
            subject, machine = json.loads(row.subject), json.loads(row.expected)
            if machine["decision"] == "accept":
                rows.append(
                    {
                        **{name: subject[name] for name in PAIR if name != "sku"},
                        "sku": subject["skus"][0],
                        "method": machine["method"],
                        "correct": row.verdict == "exact",
                        "at": row.at,
                    }
                )
    return pl.DataFrame(rows, AUDITS).sort(*PAIR, "at")
