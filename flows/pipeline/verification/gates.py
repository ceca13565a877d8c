"""Gates: a lead releases a batch's decisions, or holds them back.

A batch is open (its decisions count as they are made), gated (they wait for a lead), released or
held. Whoever releases or holds is kept with the moment; the last word counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import sqlalchemy as sa

from flows.pipeline.verification.database import Clock, Database, utc_now
from flows.pipeline.verification.errors import Unknown
from flows.pipeline.verification.tables import batches, tasks

Choice = Literal["released", "held"]


@dataclass(frozen=True)
class Batch:
    """A customer's day's questions.

    Attributes:
        name: such as ``orchard/2026-08-15``.
        waits_until: until when the day's run waits for it, UTC.
        gate: open, gated, released or held.
        gate_by: who released or held it.
        gate_at: when, UTC.
        states: how many of its tasks are in each state.
    """

    name: str
    customer: str
    day: date
    opened_at: datetime
    waits_until: datetime
    gate: str
    gate_by: str | None
    gate_at: datetime | None
    states: dict[str, int]

    @property
    def left(self) -> int:
        """Tasks that wait for somebody."""
        return self.states.get("open", 0) + self.states.get("escalated", 0)

    @property
    def settled(self) -> int:
        """Tasks that are decided."""
        return self.states.get("settled", 0)


def read_batches(
    database: Database, *, customer: str | None = None, names: Sequence[str] = (), limit: int = 50
) -> list[Batch]:
    """Return batches, the newest first.

    Args:
        database: of the desk.
        customer: only of this one.
        names: only these.
        limit: at most.
    """
    query = sa.select(batches).order_by(batches.c.day.desc(), batches.c.id).limit(limit)
    if customer is not None:
        query = query.where(batches.c.customer == customer)
    if names:
        query = query.where(batches.c.id.in_(names))
    with database.reading() as connection:
        rows = connection.execute(query).all()
        counted = connection.execute(
            sa.select(tasks.c.batch, tasks.c.state, sa.func.count())
            .where(tasks.c.batch.in_([row.id for row in rows]))
            .group_by(tasks.c.batch, tasks.c.state)
        ).all()
    states: dict[str, dict[str, int]] = {}
    for batch, state, count in counted:
        states.setdefault(batch, {})[state] = count
    return [
        Batch(
            row.id,
            row.customer,
            row.day,
            row.opened_at,
            row.waits_until,
            row.gate,
            row.gate_by,
            row.gate_at,
            states.get(row.id, {}),
        )
        for row in rows
    ]


def read_batch(database: Database, name: str) -> Batch:
    """Return one batch.

    Raises:
        Unknown: there is none of that name.
    """
    found = read_batches(database, names=[name])
    if not found:
        raise Unknown(f"no batch {name!r}", "Batches are named customer/day.")
    return found[0]


def set_gate(
    database: Database, name: str, choice: Choice, by: str, *, clock: Clock = utc_now
) -> None:
    """Release or hold a batch.

    Raises:
        Unknown: there is none of that name.
    """
    with database.writing() as connection:
        done = connection.execute(
            batches.update()
            .where(batches.c.id == name)
            .values(gate=choice, gate_by=by, gate_at=clock())
        )
        if not done.rowcount:
            raise Unknown(f"no batch {name!r}", "Batches are named customer/day.")
