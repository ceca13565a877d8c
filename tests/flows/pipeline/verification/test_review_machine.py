"""The desk under reviewers who come and go, clocks that jump and requests that come twice.

A model keeps what must be true of every task whatever happens: one live lease at most, answers
only under the lease that is the latest, nothing counted twice, nothing lost, and a state that
follows from the answers that stand.
"""

from __future__ import annotations

import itertools
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from flows.pipeline.verification import leases
from flows.pipeline.verification.answers import Given, answers_of
from flows.pipeline.verification.database import Database
from flows.pipeline.verification.desk import Desk
from flows.pipeline.verification.errors import NotAllowed, Refused
from flows.pipeline.verification.intake import Intake
from flows.pipeline.verification.rows import Held, Person
from flows.pipeline.verification.settlement import settle, standing
from flows.pipeline.verification.tables import decisions, metadata, tasks, versions
from tests.flows.pipeline.verification.conftest import DAY, made

PEOPLE = [Person("ada"), Person("ben"), Person("cleo"), Person("lea", lead=True)]
TASKS = 6
_ids = itertools.count()


class DeskMachine(RuleBasedStateMachine):
    database: Database

    @initialize(twice=st.sampled_from([0.0, 0.5, 1.0]), gold=st.sampled_from([0.0, 0.1]))
    def open(self, twice: float, gold: float) -> None:
        with self.database.writing() as connection:
            for table in reversed(metadata.sorted_tables):
                if table is not versions:
                    connection.execute(table.delete())
        self.now = datetime(2026, 8, 15, 9, 0)
        self.desk = Desk(self.database, gold_share=gold, clock=lambda: self.now)
        intake = Intake(self.database, twice_share=twice, clock=lambda: self.now)
        intake.open_batch("acme", DAY, "hash", [made(number) for number in range(TASKS)])
        for number in (100, 101):
            intake.add_gold("acme", made(number), "no_match", None, None)
        self.hands: dict[str, list[Held]] = {person.name: [] for person in PEOPLE}
        self.sent: list[tuple[Person, int, int, Given]] = []
        self.taken: dict[str, Given] = {}

    @rule(who=st.sampled_from(PEOPLE))
    def ask(self, who: Person) -> None:
        live = leases.window(self.now)
        before = self._tasks()
        held = self.desk.next_task(who)
        if held is None:
            return
        row = before[held.id]
        if live.holds(row.lease_until):
            assert row.lease_by == who.name, "handed out while somebody else holds it"
        assert held.content.skus
        assert (
            not any(a.reviewer == who.name for a in standing(self._answers(held.id)))
            or row.lease_by == who.name
        ), "asked again what is decided"
        self.hands[who.name].append(held)

    @rule(
        who=st.sampled_from(PEOPLE),
        verdict=st.sampled_from(["exact", "no_match", "unsure", "page_gone", "variant"]),
        which=st.integers(0, 3),
        again=st.booleans(),
    )
    def answer(self, who: Person, verdict: str, which: int, again: bool) -> None:
        if not self.hands[who.name]:
            return
        held = self.hands[who.name][-1 - which % len(self.hands[who.name])]
        sku = held.content.skus[0] if verdict in ("exact", "variant") else None
        given = Given(f"id-{next(_ids):09}", verdict, sku)
        row = self._tasks()[held.id]
        valid = row.lease_by == who.name and row.lease_number == held.lease
        try:
            done = self.desk.decide(who, held.id, held.lease, given)
        except Refused:
            assert not valid, "refused under a valid lease"
            return
        assert valid, "taken under a lease that is not the latest"
        assert not done.again
        self._note(who, held, given)
        if again:
            assert self.desk.decide(who, held.id, held.lease, given).again

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def send_twice(self, data: st.DataObject) -> None:
        who, task, lease, given = data.draw(st.sampled_from(self.sent))
        before = self._count()
        assert self.desk.decide(who, task, lease, given).again
        assert self._count() == before

    @rule(who=st.sampled_from(PEOPLE))
    def undo(self, who: Person) -> None:
        id_ = f"undo-{next(_ids):09}"
        mine = [
            a
            for task in self._tasks()
            for a in standing(self._answers(task))
            if a.reviewer == who.name
        ]
        try:
            held = self.desk.undo(who, id_)
        except Refused:
            return
        assert (held is None) == (not mine)
        if held is not None:
            self.hands[who.name].append(held)
            again = self.desk.undo(who, id_)
            assert again is not None and again.id == held.id, "an undo sent twice is one"

    @precondition(lambda self: self.taken)
    @rule(
        who=st.sampled_from(PEOPLE), data=st.data(), verdict=st.sampled_from(["no_match", "unsure"])
    )
    def correct(self, who: Person, data: st.DataObject, verdict: str) -> None:
        target = data.draw(st.sampled_from(sorted(self.taken)))
        given = Given(f"fix-{next(_ids):09}", verdict)
        try:
            self.desk.correct(who, target, given)
        except (Refused, NotAllowed):
            return
        self.taken[given.id] = given

    @rule(who=st.sampled_from(PEOPLE))
    def leave(self, who: Person) -> None:
        self.desk.release(who)

    @rule(minutes=st.sampled_from([-100_000.0, -600.0, -11.0, -1.0, 0.5, 5.0, 11.0, 1440.0]))
    def jump(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    @invariant()
    def states_follow_from_answers(self) -> None:
        if not hasattr(self, "desk"):
            return
        for task, row in self._tasks().items():
            if row.kind == "gold":
                assert row.state == "gold"
                continue
            expected = settle(self._answers(task), row.needed)
            assert row.state == expected.state
            assert row.answer == (expected.answer.id if expected.answer else None)

    @invariant()
    def decisions_never_change(self) -> None:
        if not hasattr(self, "desk"):
            return
        with self.database.reading() as connection:
            rows = {row.id: row for row in connection.execute(sa.select(decisions))}
        for id_, given in self.taken.items():
            assert (rows[id_].verdict, rows[id_].sku) == (given.verdict, given.sku)
        superseded = [row.supersedes for row in rows.values() if row.supersedes]
        assert len(superseded) == len(set(superseded))

    @invariant()
    def nobody_holds_two(self) -> None:
        if not hasattr(self, "desk"):
            return
        live = leases.window(self.now)
        holders = [row.lease_by for row in self._tasks().values() if live.holds(row.lease_until)]
        assert len(holders) == len(set(holders))

    def _note(self, who: Person, held: Held, given: Given) -> None:
        self.sent.append((who, held.id, held.lease, given))
        self.taken[given.id] = given

    def _tasks(self) -> dict[int, Any]:
        with self.database.reading() as connection:
            return {row.id: row for row in connection.execute(sa.select(tasks))}

    def _answers(self, task: int) -> list[Any]:
        with self.database.reading() as connection:
            return answers_of(connection, task)

    def _count(self) -> int:
        with self.database.reading() as connection:
            return connection.execute(
                sa.select(sa.func.count()).select_from(decisions)
            ).scalar_one()


def test_desk_keeps_its_promises(database_url: str) -> None:
    with closing(Database(database_url)) as opened:
        kind = type("Machine", (DeskMachine,), {"database": opened})
        few = 15 if opened.is_sqlite else 8
        run_state_machine_as_test(
            kind,
            settings=settings(
                max_examples=few,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
