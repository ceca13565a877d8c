"""The ledger: what people have decided of a customer's pairs, as the other stages read it.

Of a task answered with a candidate, that pair has the verdict and the task's other candidates are
no match: the reviewer saw them all and chose. Answered with "none of them", all are no match. The
latest word on a pair counts; the blacklist is the last word. Batches that a lead holds back, or
has yet to release, say nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Row

from flows.pipeline.schema import DECISIONS
from flows.pipeline.verification.database import Database
from flows.pipeline.verification.drafting import GONE_FOR, PAIR
from flows.pipeline.verification.tables import batches, blacklist, decisions, tasks
from flows.pipeline.verification.verdicts import BY_NAME, PUBLISHED

CLOSED_GATES: Final = ("gated", "held")
RESTING: Final = {**{name: pl.String() for name in PAIR}, "until": pl.Date()}
"""Pairs whose page was gone, and until which day they are not asked for again."""


@dataclass(frozen=True)
class Ledger:
    """What is known of a customer's pairs.

    Attributes:
        decisions: DECISIONS, the latest of each pair, sorted by pair.
        resting: RESTING, likewise.
    """

    decisions: pl.DataFrame
    resting: pl.DataFrame

    @property
    def content_hash(self) -> str:
        """Of what it says."""
        said = self.decisions.write_csv() + self.resting.write_csv()
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def read_ledger(database: Database, customer: str) -> Ledger:
    """Return what people have decided of a customer's pairs."""
    gate = sa.or_(batches.c.gate.is_(None), batches.c.gate.not_in(CLOSED_GATES))
    settled = (
        sa.select(
            tasks.c.subject,
            tasks.c.day,
            decisions.c.verdict,
            decisions.c.sku,
            decisions.c.factor,
            decisions.c.reviewer,
            decisions.c.at,
        )
        .join(decisions, decisions.c.id == tasks.c.answer)
        .join(batches, batches.c.id == tasks.c.batch, isouter=True)
        .where(tasks.c.customer == customer, tasks.c.kind != "gold", gate)
        .order_by(decisions.c.at, decisions.c.number)
    )
    forbidden = (
        sa.select(blacklist)
        .where(blacklist.c.customer == customer, blacklist.c.lifted_at.is_(None))
        .order_by(blacklist.c.number)
    )
    with database.reading() as connection:
        said = [line for row in connection.execute(settled) for line in _lines(row)]
        banned = [
            {
                **{name: getattr(row, name) for name in PAIR},
                "verdict": "no_match",
                "factor": None,
                "by": row.by,
                "at": row.at,
            }
            for row in connection.execute(forbidden)
        ]
    latest = {_pair(line): line for line in [*said, *banned]}
    lines = [latest[pair] for pair in sorted(latest)]
    published = [line for line in lines if line["verdict"] in PUBLISHED]
    gone = [line for line in lines if line["verdict"] == "page_gone"]
    return Ledger(
        pl.DataFrame({name: [line[name] for line in published] for name in DECISIONS}, DECISIONS),
        pl.DataFrame({name: [line[name] for line in gone] for name in RESTING}, RESTING),
    )


def _pair(line: dict[str, Any]) -> tuple[str, ...]:
    return tuple(line[name] for name in PAIR)


def _lines(row: Row[Any]) -> Iterator[dict[str, Any]]:
    """Yield what a settled task says of each of its pairs."""
    subject = json.loads(row.subject)
    for sku in subject["skus"]:
        chosen = row.sku is None or sku == row.sku
        verdict = row.verdict if chosen or not BY_NAME[row.verdict].of_candidate else "no_match"
        yield {
            "own_seller": subject["own_seller"],
            "own_sku": subject["own_sku"],
            "seller": subject["seller"],
            "sku": sku,
            "verdict": verdict,
            "factor": row.factor if chosen else None,
            "by": row.reviewer,
            "at": row.at,
            "until": row.day + GONE_FOR,
        }
