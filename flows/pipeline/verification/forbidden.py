"""The blacklist: pairs that are never to be matched or asked again, until a lead lifts that."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from flows.pipeline.verification.content import Content
from flows.pipeline.verification.database import Clock, Database, utc_now
from flows.pipeline.verification.errors import BadAnswer, Unknown
from flows.pipeline.verification.tables import blacklist, tasks


def forbid(
    database: Database, task: int, sku: str, reason: str, by: str, *, clock: Clock = utc_now
) -> None:
    """Put a pair of a task on the blacklist; a pair that is there already stays as it is.

    Raises:
        Unknown: there is no such task.
        BadAnswer: the candidate is none of the task's, or no reason was given.
    """
    if not reason.strip():
        raise BadAnswer("no reason was given", "Say why, for whoever wonders next year.")
    with database.writing() as connection:
        query = sa.select(tasks).where(tasks.c.id == task).with_for_update()
        found = connection.execute(query).first()
        if found is None:
            raise Unknown(f"no task {task}", "Choose one from the history.")
        content = Content.unpack(found.content)
        if sku not in content.skus:
            raise BadAnswer(
                f"candidate {sku!r} is none of this task", f"One of {', '.join(content.skus)}."
            )
        pair = {
            "customer": found.customer,
            "own_seller": content.own.seller,
            "own_sku": content.own.sku,
            "seller": content.candidate(sku).product.seller,
            "sku": sku,
        }
        there = sa.select(blacklist.c.number).where(
            blacklist.c.lifted_at.is_(None), *(blacklist.c[name] == pair[name] for name in pair)
        )
        if connection.execute(there).first() is None:
            connection.execute(
                blacklist.insert().values(**pair, reason=reason.strip()[:1000], by=by, at=clock())
            )


def lift(database: Database, number: int, by: str, *, clock: Clock = utc_now) -> None:
    """Take a pair off the blacklist.

    Raises:
        Unknown: it is not on it.
    """
    with database.writing() as connection:
        done = connection.execute(
            blacklist.update()
            .where(blacklist.c.number == number, blacklist.c.lifted_at.is_(None))
            .values(lifted_by=by, lifted_at=clock())
        )
        if not done.rowcount:
            raise Unknown(f"no entry {number} on the blacklist", "It was lifted before.")


def listed(database: Database, *, limit: int = 200) -> list[Row[Any]]:
    """Return the blacklist, the newest first."""
    query = (
        sa.select(blacklist)
        .where(blacklist.c.lifted_at.is_(None))
        .order_by(blacklist.c.number.desc())
        .limit(limit)
    )
    with database.reading() as connection:
        return list(connection.execute(query))
