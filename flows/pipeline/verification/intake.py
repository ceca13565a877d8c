"""Intake: a day's open questions become tasks, once each.

Writing a batch again changes nothing but what the tasks show. A question that is open already stays
the same task, with its age and its answers, and moves to the newer batch. A question that the newer
day no longer asks (the offer is gone, the price was mended) is closed, unless it is being decided.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flows.pipeline.verification import leases, order, sampling
from flows.pipeline.verification.database import Clock, Database, utc_now
from flows.pipeline.verification.drafting import Draft
from flows.pipeline.verification.ranking import age_on
from flows.pipeline.verification.tables import batches, tasks
from flows.pipeline.verification.verdicts import check_answer

WAITING: Final = ("open", "escalated")
_CHUNK: Final = 500
"""Rows of one statement: SQLite takes 32,766 variables, and a task has some twenty."""


@dataclass(frozen=True)
class Opened:
    """What became of a batch's questions.

    Attributes:
        batch: its name.
        asked: questions of the batch.
        new: of them not open before.
        closed: earlier questions that are asked no more.
    """

    batch: str
    asked: int
    new: int
    closed: int


@dataclass(frozen=True)
class Audited:
    """A pair to be audited, and what the machine said of it: ``accept`` or ``reject``, and how."""

    draft: Draft
    decision: str
    method: str


class Intake:
    """Writes tasks.

    Args:
        database: of the desk.
        twice_share: of tasks that two reviewers are asked.
        clock: UTC, without zone.
    """

    def __init__(
        self,
        database: Database,
        *,
        twice_share: float = sampling.TWICE_SHARE,
        clock: Clock = utc_now,
    ) -> None:
        self.database = database
        self.twice_share = twice_share
        self.clock = clock

    def open_batch(
        self,
        customer: str,
        day: date,
        content_hash: str,
        drafts: Sequence[Draft],
        *,
        gated: bool = False,
        wait: timedelta = timedelta(),
    ) -> Opened:
        """Write the questions of a customer's day.

        Args:
            customer: whose.
            day: the day.
            content_hash: of the matches that they come from.
            drafts: the questions.
            gated: what is decided of them waits for a lead's release.
            wait: how long the day's run waits, from the first opening on.
        """
        name, now = batch_name(customer, day), self.clock()
        with self.database.writing() as connection:
            values = {"content_hash": content_hash, "pairs": len(drafts)}
            first = {"customer": customer, "day": day, "opened_at": now, "waits_until": now + wait}
            _write_batch(connection, name, values, first, gated)
            mine = (tasks.c.customer == customer) & (tasks.c.kind == "review")
            asked = sa.select(tasks.c.id, tasks.c.key, tasks.c.day, tasks.c.lease_until).where(
                mine, tasks.c.state.in_(WAITING)
            )
            known = {row.key: row for row in connection.execute(asked)}
            wanted = {draft.key: draft for draft in drafts}
            fresh = [draft for key, draft in wanted.items() if key not in known]
            kept = [
                (known[key].id, draft)
                for key, draft in wanted.items()
                if key in known and known[key].day <= day
            ]
            live = leases.window(now)
            gone = [
                row.id
                for key, row in known.items()
                if key not in wanted and row.day < day and not live.holds(row.lease_until)
            ]
            rounds = _rounds(connection, customer, "review", [draft.key for draft in fresh])
            rows = [
                self._row(draft, customer, "review", now, batch=name, day=day)
                | {"round": rounds.get(draft.key, 0)}
                for draft in fresh
            ]
            _insert(connection, rows)
            _refresh(connection, kept, name, day, now)
            for start in range(0, len(gone), _CHUNK):
                connection.execute(
                    tasks.update()
                    .where(tasks.c.id.in_(gone[start : start + _CHUNK]))
                    .values(state="closed", settled_at=now)
                )
        return Opened(name, len(wanted), len(fresh), len(gone))

    def add_gold(
        self, customer: str, draft: Draft, verdict: str, sku: str | None, factor: float | None
    ) -> bool:
        """Keep a pair whose right answer is known; False if it is there already.

        Raises:
            BadAnswer: the answer does not fit the task.
        """
        check_answer(verdict, sku, factor, draft.content.skus)
        expected = {"verdict": verdict, "sku": sku, "factor": factor}
        return self._once(customer, "gold", draft, expected, state="gold") == 1

    def open_audit(self, customer: str, week: str, drafts: Iterable[Audited]) -> int:
        """Open a week's audit; return how many pairs are new.

        Args:
            customer: whose.
            week: such as 2026-W33; a pair is audited once a week.
            drafts: the pairs, with what the machine said of them.
        """
        return sum(
            self._once(
                customer,
                "audit",
                item.draft,
                {"week": week, "decision": item.decision, "method": item.method},
                state="open",
            )
            for item in drafts
        )

    def _once(
        self, customer: str, kind: str, draft: Draft, expected: dict[str, Any], *, state: str
    ) -> int:
        key = sampling.week_key(draft.key, str(expected["week"])) if kind == "audit" else draft.key
        with self.database.writing() as connection:
            if _rounds(connection, customer, kind, [key]):
                return 0
            row = self._row(draft, customer, kind, self.clock(), batch=None, day=draft.content.day)
            row |= {"key": key, "expected": json.dumps(expected), "state": state, "needed": 1}
            _insert(connection, [row])
        return 1

    def _row(
        self,
        draft: Draft,
        customer: str,
        kind: str,
        now: datetime,
        *,
        batch: str | None,
        day: date,
    ) -> dict[str, Any]:
        return {
            "customer": customer,
            "kind": kind,
            "key": draft.key,
            "round": 0,
            "batch": batch,
            "day": day,
            "subject": _subject(draft),
            "content": draft.content.pack(),
            "expected": None,
            "needed": 2 if sampling.needs_two(draft.key, self.twice_share) else 1,
            "weight": draft.weight,
            "score": order.score(draft.weight, now, now.date()),
            "opened_at": now,
            "opened_on": now.date().toordinal(),
            "ranked_on": now.date().toordinal(),
            "state": "open",
            "lease_number": 0,
        }


def batch_name(customer: str, day: date) -> str:
    """Return the name of a customer's day's batch."""
    return f"{customer}/{day}"


def _subject(draft: Draft) -> str:
    own, content = draft.content.own, draft.content
    seller = content.candidates[0].product.seller
    names = {
        "own_seller": own.seller,
        "own_sku": own.sku,
        "seller": seller,
        "skus": content.skus,
    }
    return json.dumps(names, ensure_ascii=True)


def _write_batch(
    connection: Connection,
    name: str,
    values: dict[str, Any],
    first: dict[str, Any],
    gated: bool,
) -> None:
    """Write a batch, or renew it: its first moments and a lead's word on it stay."""
    query = sa.select(batches.c.gate).where(batches.c.id == name).with_for_update()
    found = connection.execute(query).first()
    if found is None:
        gate = "gated" if gated else "open"
        connection.execute(batches.insert().values(id=name, gate=gate, **values, **first))
        return
    if gated and found.gate == "open":
        values = values | {"gate": "gated"}
    connection.execute(batches.update().where(batches.c.id == name).values(**values))


def _rounds(
    connection: Connection, customer: str, kind: str, keys: Sequence[str]
) -> dict[str, int]:
    """Return, for each key that was asked before, how often."""
    found: dict[str, int] = {}
    for start in range(0, len(keys), _CHUNK):
        query = (
            sa.select(tasks.c.key, sa.func.count())
            .where(
                tasks.c.customer == customer,
                tasks.c.kind == kind,
                tasks.c.key.in_(keys[start : start + _CHUNK]),
            )
            .group_by(tasks.c.key)
        )
        found |= dict(connection.execute(query).tuples().all())
    return found


def _insert(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _CHUNK):
        connection.execute(tasks.insert(), rows[start : start + _CHUNK])


def _refresh(
    connection: Connection,
    kept: Sequence[tuple[int, Draft]],
    batch: str,
    day: date,
    now: datetime,
) -> None:
    statement = (
        tasks.update()
        .where(tasks.c.id == sa.bindparam("at"))
        .values(
            batch=batch,
            day=day,
            subject=sa.bindparam("new_subject"),
            content=sa.bindparam("new_content"),
            weight=sa.bindparam("new_weight"),
            score=sa.bindparam("new_weight", type_=sa.Float()) * age_on(now.date()),
            ranked_on=now.date().toordinal(),
        )
    )
    for start in range(0, len(kept), _CHUNK):
        connection.execute(
            statement,
            [
                {
                    "at": at,
                    "new_subject": _subject(draft),
                    "new_content": draft.content.pack(),
                    "new_weight": draft.weight,
                }
                for at, draft in kept[start : start + _CHUNK]
            ],
        )
