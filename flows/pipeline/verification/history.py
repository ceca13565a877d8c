"""History: decisions as they were made, with what was shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from flows.pipeline.verification.answers import is_standing
from flows.pipeline.verification.content import Content
from flows.pipeline.verification.database import Database
from flows.pipeline.verification.errors import Unknown
from flows.pipeline.verification.tables import decisions, tasks


@dataclass(frozen=True)
class Entry:
    """A decision that stands, and its task.

    Attributes:
        known: its task is a known pair; never told to a reviewer.
    """

    id: str
    task: int
    customer: str
    reviewer: str
    verdict: str
    sku: str | None
    factor: float | None
    at: datetime
    state: str
    known: bool
    content: Content

    @property
    def chosen(self) -> str:
        """The name of the candidate that it speaks of; empty for all of them."""
        if self.sku is None:
            return ""
        return self.content.candidate(self.sku).product.name or self.sku


def of_reviewer(database: Database, reviewer: str, *, limit: int = 50) -> list[Entry]:
    """Return a reviewer's latest decisions that stand, the newest first."""
    return _read(database, sa.and_(decisions.c.reviewer == reviewer, is_standing()), limit)


def settled(database: Database, *, limit: int = 30) -> list[Entry]:
    """Return the decisions that settled a task last, the newest first."""
    return _read(database, decisions.c.id == tasks.c.answer, limit)


def entry(database: Database, decision: str) -> Entry:
    """Return one decision.

    Raises:
        Unknown: there is none of that name.
    """
    found = _read(database, decisions.c.id == decision, 1)
    if not found:
        raise Unknown(f"no decision {decision!r}", "Choose one from the history.")
    return found[0]


def _read(database: Database, which: sa.ColumnElement[bool], limit: int) -> list[Entry]:
    query = (
        sa.select(
            decisions,
            tasks.c.customer,
            tasks.c.state,
            tasks.c.kind,
            tasks.c.content,
        )
        .join(tasks, tasks.c.id == decisions.c.task)
        .where(which)
        .order_by(decisions.c.number.desc())
        .limit(limit)
    )
    with database.reading() as connection:
        return [_entry(row) for row in connection.execute(query)]


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.id,
        task=row.task,
        customer=row.customer,
        reviewer=row.reviewer,
        verdict=row.verdict,
        sku=row.sku,
        factor=row.factor,
        at=row.at,
        state=row.state,
        known=row.kind == "gold",
        content=Content.unpack(row.content),
    )
