"""Measures: how fast, how right and how much of one mind the reviewers are.

Only decisions that stand count. A reviewer's score on known pairs leaves "unsure" and "page gone"
out: who asks for help is not wrong. Audits say how precise the machine is: of the pairs that it
accepted, how many people call exact; of those that it rejected, how many they do not.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

import sqlalchemy as sa

from flows.pipeline.verification.agreement import Agreement, cohen
from flows.pipeline.verification.answers import is_standing
from flows.pipeline.verification.database import Database
from flows.pipeline.verification.intervals import Share, wilson
from flows.pipeline.verification.tables import decisions, tasks

_NO_ANSWER: Final = ("unsure", "page_gone")
PACE_OVER: Final = 20
"""Decisions over which a reviewer's pace is measured: a few minutes' work."""


@dataclass(frozen=True)
class Standing:
    """How a reviewer stands.

    Attributes:
        decided: decisions that stand, in the period.
        seconds: median from task to answer; None where no answer was timed.
        gold: right answers of known pairs.
    """

    reviewer: str
    decided: int
    seconds: float | None
    gold: Share


@dataclass(frozen=True)
class Pace:
    """What the head of the page says.

    Attributes:
        today: decisions of this reviewer since midnight UTC.
        seconds: median of the last ones; None before the first.
        left: tasks that wait, of all customers.
        escalated: of them, those that wait for a lead.
    """

    today: int
    seconds: float | None
    left: int
    escalated: int

    @property
    def per_hour(self) -> int | None:
        """Decisions in an hour at this pace."""
        return round(3600 / self.seconds) if self.seconds else None


def pace(database: Database, reviewer: str, now: datetime) -> tuple[int, float | None]:
    """Return a reviewer's decisions since midnight UTC, and the median seconds of the last ones."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    mine = decisions.c.reviewer == reviewer
    with database.reading() as connection:
        today = connection.execute(
            sa.select(sa.func.count()).where(mine, decisions.c.at >= midnight, is_standing())
        ).scalar_one()
        last = connection.execute(
            sa.select(decisions.c.seconds)
            .where(mine, decisions.c.seconds.is_not(None))
            .order_by(decisions.c.at.desc())
            .limit(PACE_OVER)
        ).scalars()
        spent = list(last)
    return today, median(spent) if spent else None


def queue(database: Database) -> tuple[int, int]:
    """Return how many tasks wait, and how many of them for a lead."""
    query = (
        sa.select(tasks.c.state, sa.func.count())
        .where(tasks.c.state.in_(["open", "escalated"]))
        .group_by(tasks.c.state)
    )
    with database.reading() as connection:
        counted: dict[str, int] = dict(connection.execute(query).tuples().all())
    return sum(counted.values()), counted.get("escalated", 0)


def team(database: Database, now: datetime, *, days: int = 28) -> list[Standing]:
    """Return how each reviewer stands over the last days, by name."""
    query = (
        sa.select(
            decisions.c.reviewer,
            decisions.c.verdict,
            decisions.c.sku,
            decisions.c.factor,
            decisions.c.seconds,
            tasks.c.kind,
            tasks.c.expected,
        )
        .join(tasks, tasks.c.id == decisions.c.task)
        .where(decisions.c.at >= now - timedelta(days=days), is_standing())
    )
    found: dict[str, list[Any]] = defaultdict(list)
    with database.reading() as connection:
        for row in connection.execute(query):
            found[row.reviewer].append(row)
    made = []
    for reviewer, rows in sorted(found.items()):
        spent = [row.seconds for row in rows if row.seconds is not None]
        known = [
            is_right(json.loads(row.expected), row.verdict, row.sku, row.factor)
            for row in rows
            if row.kind == "gold" and row.verdict not in _NO_ANSWER
        ]
        gold = wilson(sum(known), len(known))
        made.append(Standing(reviewer, len(rows), median(spent) if spent else None, gold))
    return made


def is_right(expected: dict[str, Any], verdict: str, sku: str | None, factor: float | None) -> bool:
    """Say whether an answer to a known pair is the right one."""
    return (verdict, sku, factor) == (expected["verdict"], expected["sku"], expected["factor"])


def agreement(database: Database, now: datetime, *, days: int = 28) -> Agreement:
    """Return how far those agree who were asked the same, over the last days.

    A task's first two reviewers, put in the order of their names.
    """
    query = (
        sa.select(decisions.c.task, decisions.c.reviewer, decisions.c.verdict, decisions.c.sku)
        .join(tasks, tasks.c.id == decisions.c.task)
        .where(
            tasks.c.needed > 1,
            tasks.c.kind != "gold",
            decisions.c.at >= now - timedelta(days=days),
            is_standing(),
        )
        .order_by(decisions.c.number)
    )
    answers: dict[int, dict[str, str]] = defaultdict(dict)
    with database.reading() as connection:
        for row in connection.execute(query):
            answers[row.task].setdefault(row.reviewer, _category(row.verdict, row.sku))
    pairs = []
    for said in answers.values():
        first = list(said.items())[:2]
        if len(first) == 2:
            (_, one), (_, other) = sorted(first)
            pairs.append((one, other))
    return cohen(pairs)


def _category(verdict: str, sku: str | None) -> str:
    """Return what κ counts as one answer: the same verdict on another candidate is another."""
    return verdict if sku is None else f"{verdict} {sku}"


@dataclass(frozen=True)
class Audit:
    """A week's audit of one kind of pair.

    Attributes:
        customer: whose.
        week: such as 2026-W33.
        said: what the machine said, ``accept`` or ``reject``.
        right: how often people agree.
        open: pairs that nobody has looked at.
    """

    customer: str
    week: str
    said: str
    right: Share
    open: int


def audits(database: Database, *, customer: str | None = None) -> list[Audit]:
    """Return the audits, the newest week first."""
    query = (
        sa.select(tasks.c.customer, tasks.c.expected, tasks.c.state, decisions.c.verdict)
        .join(decisions, decisions.c.id == tasks.c.answer, isouter=True)
        .where(tasks.c.kind == "audit")
    )
    if customer is not None:
        query = query.where(tasks.c.customer == customer)
    seen: dict[tuple[str, str, str], list[str | None]] = defaultdict(list)
    with database.reading() as connection:
        for row in connection.execute(query):
            what = json.loads(row.expected)
            seen[row.customer, what["week"], what["decision"]].append(row.verdict)
    made = []
    for (whose, week, said), verdicts in sorted(seen.items(), key=lambda item: item[0][1:]):
        known = [verdict for verdict in verdicts if verdict and verdict not in _NO_ANSWER]
        right = sum((verdict == "exact") == (said == "accept") for verdict in known)
        waiting = sum(verdict is None for verdict in verdicts)
        made.append(Audit(whose, week, said, wilson(right, len(known)), waiting))
    return list(reversed(made))
