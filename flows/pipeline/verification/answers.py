"""Decisions in the database: written once, read in the order in which they came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flows.pipeline.verification.settlement import Answer
from flows.pipeline.verification.tables import decisions
from flows.pipeline.verification.verdicts import RETRACTED


@dataclass(frozen=True)
class Given:
    """An answer as the page sends it; see `Answer`."""

    id: str
    verdict: str
    sku: str | None = None
    factor: float | None = None


def is_standing() -> sa.ColumnElement[bool]:
    """Say in SQL what `settlement.standing` says of a row of decisions."""
    later = decisions.alias("later")
    superseded = sa.select(later.c.id).where(later.c.supersedes == decisions.c.id)
    return sa.and_(decisions.c.verdict != RETRACTED, ~superseded.exists())


def store(
    connection: Connection,
    task: int,
    reviewer: str,
    lead: bool,
    given: Given,
    now: datetime,
    *,
    seconds: float | None = None,
    supersedes: str | None = None,
) -> None:
    """Write a decision."""
    connection.execute(
        decisions.insert().values(
            id=given.id,
            task=task,
            reviewer=reviewer,
            lead=lead,
            verdict=given.verdict,
            sku=given.sku,
            factor=given.factor,
            at=now,
            seconds=seconds,
            supersedes=supersedes,
        )
    )


def answers_of(connection: Connection, task: int) -> list[Answer]:
    """Return all answers to a task, superseded ones included, as they came."""
    query = sa.select(decisions).where(decisions.c.task == task).order_by(decisions.c.number)
    return [
        Answer(
            id=row.id,
            reviewer=row.reviewer,
            lead=row.lead,
            verdict=row.verdict,
            sku=row.sku,
            factor=row.factor,
            at=row.at,
            supersedes=row.supersedes,
        )
        for row in connection.execute(query)
    ]
