"""Ranking: a new day makes every waiting task a day older, so their scores are renewed.

A thousand at a time, so that reviewers are not kept waiting, and passing over rows that somebody
is deciding just now: two servers that begin the same day take turns and never wait for each other
in a circle. What was passed over keeps yesterday's score until the next server starts or the day
after: a place in the queue, nothing more.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import sqlalchemy as sa

from flows.pipeline.verification.database import Database
from flows.pipeline.verification.tables import tasks

_CHUNK: Final = 1000


def age_on(day: date) -> sa.ColumnElement[int]:
    """Say in SQL what `order.age` says."""
    age = day.toordinal() - tasks.c.opened_on + 1
    return sa.case((age > 1, age), else_=1)


def renew(database: Database, today: date) -> int:
    """Renew the scores of all waiting tasks; return how many had another day's."""
    renewed, last = 0, 0
    while True:
        with database.writing() as connection:
            stale = (
                sa.select(tasks.c.id)
                .where(
                    tasks.c.id > last,
                    tasks.c.state.in_(["open", "escalated"]),
                    tasks.c.ranked_on != today.toordinal(),
                )
                .order_by(tasks.c.id)
                .limit(_CHUNK)
                .with_for_update(skip_locked=True)
            )
            found = connection.execute(stale).scalars().all()
            if found:
                connection.execute(
                    tasks.update()
                    .where(tasks.c.id.in_(found))
                    .values(score=tasks.c.weight * age_on(today), ranked_on=today.toordinal())
                )
        renewed += len(found)
        if len(found) < _CHUNK:
            return renewed
        last = found[-1]
