"""Rows of tasks and decisions, locked where they are about to change."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from flows.pipeline.verification import leases
from flows.pipeline.verification.answers import Given
from flows.pipeline.verification.content import Content
from flows.pipeline.verification.errors import Refused, Unknown
from flows.pipeline.verification.tables import decisions, reviewers, tasks


@dataclass(frozen=True)
class Person:
    """Who sits at the desk."""

    name: str
    lead: bool = False


@dataclass(frozen=True)
class Held:
    """A task in a reviewer's hands.

    Attributes:
        id: of the task.
        lease: its number, which the answer must carry.
        until: when it is taken back.
        escalated: others differed, or were unsure.
        content: what is shown.
        customer: whose.
    """

    id: int
    lease: int
    until: datetime
    escalated: bool
    content: Content
    customer: str


@dataclass(frozen=True)
class Decided:
    """What an answer did.

    Attributes:
        id: of the decision.
        task: answered.
        state: of the task now.
        batch: of the task; None for audits and known pairs.
        customer: whose.
        again: it had been taken before.
    """

    id: str
    task: int
    state: str
    batch: str | None
    customer: str
    again: bool = False


def is_live(now: datetime) -> sa.ColumnElement[bool]:
    """Say in SQL what `leases.Window.holds` says."""
    live = leases.window(now)
    end = tasks.c.lease_until
    return sa.and_(end.is_not(None), end > live.after, end <= live.until)


def turns_of(connection: Connection, who: Person) -> int:
    """Return a reviewer's turns so far, the reviewer locked: two tabs get one task."""
    query = sa.select(reviewers.c.turns).where(reviewers.c.name == who.name).with_for_update()
    found = connection.execute(query).scalar()
    if found is None:
        insert = sa.text(
            "INSERT INTO review_reviewers (name, turns) VALUES (:name, 0) ON CONFLICT DO NOTHING"
        )
        connection.execute(insert, {"name": who.name})
        found = connection.execute(query).scalar_one()
    return int(found)


def lease_to(connection: Connection, row: Row[Any], who: Person, now: datetime) -> Row[Any]:
    """Lease a task to a reviewer, under the next number."""
    connection.execute(
        tasks.update()
        .where(tasks.c.id == row.id)
        .values(lease_by=who.name, lease_until=leases.end(now), lease_number=row.lease_number + 1)
    )
    return locked(connection, row.id)


def locked(connection: Connection, task: int) -> Row[Any]:
    """Return a task, locked.

    Raises:
        Unknown: there is none.
    """
    query = sa.select(tasks).where(tasks.c.id == task).with_for_update()
    found = connection.execute(query).first()
    if found is None:
        raise Unknown(f"no task {task}", "Go on with the next one.")
    return found


def decision_row(connection: Connection, id_: str) -> tuple[Row[Any], Row[Any]]:
    """Return a decision's task, locked, and the decision."""
    made = connection.execute(sa.select(decisions).where(decisions.c.id == id_)).first()
    if made is None:
        raise Unknown(f"no decision {id_!r}", "Choose one from your history.")
    return locked(connection, made.task), made


def refuse_twice(connection: Connection, decision: str) -> None:
    """Make sure that a decision has no correction yet."""
    query = sa.select(decisions.c.id).where(decisions.c.supersedes == decision)
    if connection.execute(query).first() is not None:
        raise Refused("this decision was corrected before", "Correct the later one.")


def taken_before(
    connection: Connection, who: Person, task: int, given: Given
) -> Callable[[Row[Any]], Decided] | None:
    """Return what to answer when this very decision was taken before; else None."""
    made = connection.execute(sa.select(decisions).where(decisions.c.id == given.id)).first()
    if made is None:
        return None
    said = (made.verdict, made.sku, made.factor)
    if (made.reviewer, made.task, *said) != (
        who.name,
        task,
        given.verdict,
        given.sku,
        given.factor,
    ):
        raise Refused(
            "this decision was taken before, and said something else", "Load the page again."
        )
    return lambda row: Decided(given.id, task, row.state, row.batch, row.customer, again=True)


def skus_of(row: Row[Any]) -> tuple[str, ...]:
    """Return the candidates of a task."""
    return tuple(json.loads(row.subject)["skus"])


def as_held(row: Row[Any]) -> Held:
    """Return a task as what its reviewer holds."""
    return Held(
        id=row.id,
        lease=row.lease_number,
        until=row.lease_until,
        escalated=row.state == "escalated",
        content=Content.unpack(row.content),
        customer=row.customer,
    )
