"""The desk: hands out tasks and takes answers, never the same task to two reviewers at once.

Every change of a task happens with its row locked, and every answer is checked against the lease
that it was given under (see `leases`). An answer sent twice is one decision: its id is made by the
page, and the second sending is told what the first one did.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from flows.pipeline.verification import leases, sampling
from flows.pipeline.verification.answers import Given, answers_of, is_standing, store
from flows.pipeline.verification.database import Clock, Database, utc_now
from flows.pipeline.verification.errors import NotAllowed, Refused
from flows.pipeline.verification.ranking import renew
from flows.pipeline.verification.rows import (
    Decided,
    Held,
    Person,
    as_held,
    decision_row,
    is_live,
    lease_to,
    locked,
    refuse_twice,
    skus_of,
    taken_before,
    turns_of,
)
from flows.pipeline.verification.settlement import Answer, settle
from flows.pipeline.verification.tables import decisions, reviewers, tasks
from flows.pipeline.verification.verdicts import RETRACTED, check_answer


class Desk:
    """The reviewers' desk.

    Args:
        database: of the desk.
        gold_share: known pairs among what a reviewer is handed.
        clock: UTC, without zone; it may jump.
    """

    def __init__(
        self,
        database: Database,
        *,
        gold_share: float = sampling.GOLD_SHARE,
        clock: Clock = utc_now,
    ) -> None:
        self.database = database
        self.gold_share = gold_share
        self.clock = clock
        self._ranked: date | None = None

    def next_task(self, who: Person) -> Held | None:
        """Hand a reviewer the task to decide now; the one in hand, if there is one.

        Returns:
            None when nothing is left for this reviewer.
        """
        now = self.clock()
        if self._ranked != now.date():
            # First, so that of many who ask at once only one does the work.
            self._ranked = now.date()
            renew(self.database, now.date())
        with self.database.writing() as connection:
            turns = turns_of(connection, who)
            held = connection.execute(
                sa.select(tasks).where(tasks.c.lease_by == who.name, is_live(now)).limit(1)
            ).first()
            if held is not None:
                return as_held(held)
            found = self._choose(connection, who, now, turns)
            if found is None:
                return None
            connection.execute(
                reviewers.update().where(reviewers.c.name == who.name).values(turns=turns + 1)
            )
            return as_held(lease_to(connection, found, who, now))

    def decide(self, who: Person, task: int, lease: int, given: Given) -> Decided:
        """Take an answer.

        Raises:
            Unknown: there is no such task.
            Refused: it is another reviewer's now, or was answered.
            BadAnswer: the answer does not fit the task.
        """
        now = self.clock()
        with self.database.writing() as connection:
            row = locked(connection, task)
            before = taken_before(connection, who, task, given)
            if before is not None:
                return before(row)
            if row.lease_by != who.name or row.lease_number != lease:
                raise Refused(
                    "this task was given to somebody else, or you have answered it already",
                    "Go on with the next one: nothing of yours was lost.",
                )
            check_answer(given.verdict, given.sku, given.factor, skus_of(row))
            began = row.lease_until - leases.LENGTH
            # A clock that jumped makes no time spent.
            spent = (now - began).total_seconds()
            seconds = spent if 0 <= spent <= leases.LENGTH.total_seconds() else None
            store(connection, task, who.name, who.lead, given, now, seconds=seconds)
            return self._settled(connection, row, given.id, now)

    def correct(self, who: Person, decision: str, given: Given) -> Decided:
        """Put another answer in the place of one: one's own, or as a lead anybody's.

        Raises:
            Unknown: there is no such decision.
            NotAllowed: it is another reviewer's.
            Refused: it was corrected before.
            BadAnswer: the answer does not fit the task.
        """
        now = self.clock()
        with self.database.writing() as connection:
            row, made = decision_row(connection, decision)
            before = taken_before(connection, who, row.id, given)
            if before is not None:
                return before(row)
            if made.reviewer != who.name and not who.lead:
                raise NotAllowed(
                    f"decision of {made.reviewer}", "Ask a lead to correct another's decision."
                )
            refuse_twice(connection, decision)
            check_answer(given.verdict, given.sku, given.factor, skus_of(row))
            store(connection, row.id, who.name, who.lead, given, now, supersedes=decision)
            return self._settled(connection, row, given.id, now, keep_lease=True)

    def undo(self, who: Person, id_: str) -> Held | None:
        """Take back one's latest decision, and get its task again.

        Args:
            who: whose.
            id_: of the undo: sent twice, it is one.

        Returns:
            The task; None if there is nothing to take back.

        Raises:
            Refused: somebody else has the task by now.
        """
        now = self.clock()
        with self.database.writing() as connection:
            again = connection.execute(
                sa.select(decisions.c.task, decisions.c.reviewer).where(decisions.c.id == id_)
            ).first()
            if again is not None:
                row = locked(connection, again.task)
                return as_held(row) if row.lease_by == who.name == again.reviewer else None
            latest = connection.execute(
                sa.select(decisions)
                .where(decisions.c.reviewer == who.name, is_standing())
                .order_by(decisions.c.number.desc())
                .limit(1)
            ).first()
            if latest is None:
                return None
            row, _ = decision_row(connection, latest.id)
            refuse_twice(connection, latest.id)
            if leases.window(now).holds(row.lease_until) and row.lease_by != who.name:
                raise Refused(
                    "somebody else is deciding this task now",
                    "Correct your answer in your history.",
                )
            # What is in hand goes back to the queue: nobody holds two.
            connection.execute(
                tasks.update()
                .where(tasks.c.lease_by == who.name)
                .values(lease_by=None, lease_until=None)
            )
            given = Given(id_, RETRACTED)
            store(connection, row.id, who.name, who.lead, given, now, supersedes=latest.id)
            self._settled(connection, row, id_, now)
            return as_held(lease_to(connection, locked(connection, row.id), who, now))

    def release(self, who: Person) -> None:
        """Give back what a reviewer holds: whoever signs out keeps nobody waiting."""
        with self.database.writing() as connection:
            connection.execute(
                tasks.update()
                .where(tasks.c.lease_by == who.name)
                .values(lease_by=None, lease_until=None)
            )

    def _choose(
        self, connection: Connection, who: Person, now: datetime, turns: int
    ) -> Row[Any] | None:
        states = ["escalated", "open"] if who.lead else ["open"]
        if sampling.is_gold_turn(who.name, turns, self.gold_share):
            states.insert(0, "gold")
        mine = sa.select(decisions.c.id).where(
            decisions.c.task == tasks.c.id, decisions.c.reviewer == who.name, is_standing()
        )
        for state in states:
            query = (
                sa.select(tasks)
                .where(tasks.c.state == state, ~is_live(now), ~mine.exists())
                .order_by(tasks.c.score.desc(), tasks.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            found = connection.execute(query).first()
            if found is not None:
                return found
        return None

    def _settled(
        self,
        connection: Connection,
        row: Row[Any],
        id_: str,
        now: datetime,
        *,
        keep_lease: bool = False,
    ) -> Decided:
        """Write what a task's answers amount to now."""
        values: dict[str, Any] = {}
        if not keep_lease:
            values |= {"lease_by": None, "lease_until": None}
        state = row.state
        if row.kind != "gold" and row.state != "closed":
            made = settle(answers_of(connection, row.id), row.needed)
            state = made.state
            answer: Answer | None = made.answer
            values |= {
                "state": state,
                "answer": answer.id if answer else None,
                "settled_at": now if answer else None,
            }
        if values:
            connection.execute(tasks.update().where(tasks.c.id == row.id).values(**values))
        return Decided(id_, row.id, state, row.batch, row.customer)
