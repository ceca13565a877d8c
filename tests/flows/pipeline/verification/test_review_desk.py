"""The desk on SQLite and PostgreSQL: handing out, answering, undoing, correcting."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from flows.pipeline.verification import leases, measures
from flows.pipeline.verification.database import Database
from flows.pipeline.verification.desk import Desk
from flows.pipeline.verification.errors import (
    BadAnswer,
    DatabaseUnavailable,
    DatabaseUnusable,
    NotAllowed,
    Refused,
    Unknown,
)
from flows.pipeline.verification.intake import Intake
from flows.pipeline.verification.ledger import read_ledger
from flows.pipeline.verification.rows import Held, Person
from flows.pipeline.verification.tables import decisions, tasks, versions
from tests.flows.pipeline.verification.conftest import DAY, Clock, answer, made

ADA, BEN, LEA = Person("ada"), Person("ben"), Person("lea", lead=True)


@pytest.fixture
def desk(database: Database, clock: Clock) -> Desk:
    return Desk(database, gold_share=0, clock=clock)


@pytest.fixture
def intake(database: Database, clock: Clock) -> Intake:
    return Intake(database, twice_share=0, clock=clock)


def _next(desk: Desk, who: Person) -> Held:
    held = desk.next_task(who)
    assert held is not None
    return held


def _own(held: Held) -> str:
    return held.content.own.sku


def test_order_is_weight_times_age(desk: Desk, intake: Intake, clock: Clock) -> None:
    intake.open_batch("acme", DAY, "h", [made(1, weight=1.0), made(2, weight=3.0)])
    clock.jump(3 * 24 * 60)
    later = DAY + timedelta(days=3)
    questions = [made(1, weight=1.0), made(2, weight=3.0), made(3, weight=3.5), made(4, weight=13)]
    intake.open_batch("acme", later, "h", questions)
    seen = []
    while (held := desk.next_task(ADA)) is not None:
        desk.decide(ADA, held.id, held.lease, answer())
        seen.append(_own(held))
    # After three days: 13 × 1, 3 × 4, 1 × 4, 3.5 × 1.
    assert seen == ["own-4", "own-2", "own-1", "own-3"]


def test_page_that_is_loaded_again_shows_the_same_task(desk: Desk, intake: Intake) -> None:
    intake.open_batch("acme", DAY, "h", [made(1), made(2)])
    assert _next(desk, ADA) == _next(desk, ADA)
    assert _next(desk, BEN).id != _next(desk, ADA).id


def test_lease_runs_out_and_the_late_answer_is_refused(
    desk: Desk, intake: Intake, clock: Clock
) -> None:
    intake.open_batch("acme", DAY, "h", [made(1)])
    first = _next(desk, ADA)
    assert desk.next_task(BEN) is None
    clock.jump(11)
    second = _next(desk, BEN)
    assert second.id == first.id
    with pytest.raises(Refused):
        desk.decide(ADA, first.id, first.lease, answer())
    assert desk.decide(BEN, second.id, second.lease, answer()).state == "settled"


def test_late_answer_counts_while_nobody_else_has_the_task(
    desk: Desk, intake: Intake, clock: Clock
) -> None:
    intake.open_batch("acme", DAY, "h", [made(1)])
    held = _next(desk, ADA)
    clock.jump(600)
    assert desk.decide(ADA, held.id, held.lease, answer()).state == "settled"


def test_an_older_lease_of_one_s_own_is_no_lease(desk: Desk, intake: Intake, clock: Clock) -> None:
    intake.open_batch("acme", DAY, "h", [made(1)])
    old = _next(desk, ADA)
    clock.jump(11)
    now = _next(desk, ADA)
    assert (now.id, now.lease) == (old.id, old.lease + 1)
    with pytest.raises(Refused):
        desk.decide(ADA, old.id, old.lease, answer())


def test_clock_set_back_keeps_no_task_out_of_reach(
    desk: Desk, intake: Intake, clock: Clock
) -> None:
    intake.open_batch("acme", DAY, "h", [made(1)])
    _next(desk, ADA)
    clock.jump(-3 * 24 * 60)
    assert _next(desk, BEN).content.own.sku == "own-1"


def test_answer_sent_twice_is_one_and_a_changed_one_is_refused(
    desk: Desk, intake: Intake, database: Database
) -> None:
    intake.open_batch("acme", DAY, "h", [made(1)])
    held, given = _next(desk, ADA), answer("exact", "shop-1-0")
    first = desk.decide(ADA, held.id, held.lease, given)
    again = desk.decide(ADA, held.id, held.lease, given)
    assert (first.again, again.again, again.state) == (False, True, "settled")
    other = answer("no_match")
    with pytest.raises(Refused):
        desk.decide(ADA, held.id, held.lease, type(other)(given.id, "no_match"))
    with database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count(decisions.c.id))).scalar_one() == 1


@pytest.mark.parametrize(
    ("verdict", "sku", "factor"),
    [
        ("perhaps", None, None),
        ("retracted", None, None),
        ("exact", None, None),
        ("exact", "shop-9-9", None),
        ("no_match", "shop-1-0", None),
        ("exact", "shop-1-0", 2.0),
        ("different_pack", "shop-1-0", None),
        ("different_pack", "shop-1-0", 1.0),
        ("different_pack", "shop-1-0", -2.0),
        ("different_pack", "shop-1-0", float("nan")),
        ("different_pack", "shop-1-0", float("inf")),
    ],
)
def test_answers_that_do_not_fit_are_refused_and_leave_nothing(
    desk: Desk, intake: Intake, verdict: str, sku: str | None, factor: float | None
) -> None:
    intake.open_batch("acme", DAY, "h", [made(1)])
    held = _next(desk, ADA)
    with pytest.raises(BadAnswer):
        desk.decide(ADA, held.id, held.lease, answer(verdict, sku, factor))
    assert _next(desk, ADA) == held


def test_undo_gives_the_task_back_and_the_ledger_forgets(
    desk: Desk, intake: Intake, database: Database
) -> None:
    intake.open_batch("acme", DAY, "h", [made(1), made(2)])
    held = _next(desk, ADA)
    desk.decide(ADA, held.id, held.lease, answer("exact", held.content.skus[0]))
    in_hand = _next(desk, ADA)
    assert read_ledger(database, "acme").decisions.height == 2
    back = desk.undo(ADA, "undo-0001")
    assert back is not None and back.id == held.id
    assert read_ledger(database, "acme").decisions.height == 0
    assert _next(desk, BEN).id == in_hand.id, "what was in hand went back to the queue"
    desk.decide(ADA, back.id, back.lease, answer("no_match"))
    assert set(read_ledger(database, "acme").decisions["verdict"]) == {"no_match"}
    with database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count(decisions.c.id))).scalar_one() == 3


def test_correction_supersedes_and_only_once(
    desk: Desk, intake: Intake, database: Database
) -> None:
    intake.open_batch("acme", DAY, "h", [made(1)])
    held, wrong = _next(desk, ADA), answer("exact", "shop-1-0")
    desk.decide(ADA, held.id, held.lease, wrong)
    with pytest.raises(NotAllowed):
        desk.correct(BEN, wrong.id, answer("no_match"))
    right = answer("exact", "shop-1-1")
    assert desk.correct(ADA, wrong.id, right).state == "settled"
    with pytest.raises(Refused):
        desk.correct(ADA, wrong.id, answer("no_match"))
    verdicts = read_ledger(database, "acme").decisions
    assert verdicts.select("sku", "verdict").rows() == [
        ("shop-1-0", "no_match"),
        ("shop-1-1", "exact"),
    ]
    assert desk.correct(LEA, right.id, answer("no_match")).state == "settled"
    assert set(read_ledger(database, "acme").decisions["verdict"]) == {"no_match"}
    with pytest.raises(Unknown):
        desk.correct(LEA, "no-such-decision", answer("no_match"))


def test_two_who_differ_bring_it_to_a_lead(desk: Desk, database: Database, clock: Clock) -> None:
    Intake(database, twice_share=1, clock=clock).open_batch("acme", DAY, "h", [made(1)])
    first = _next(desk, ADA)
    assert desk.decide(ADA, first.id, first.lease, answer("exact", "shop-1-0")).state == "open"
    assert desk.next_task(ADA) is None, "nobody is the second opinion to their own"
    second = _next(desk, BEN)
    assert desk.decide(BEN, second.id, second.lease, answer("no_match")).state == "escalated"
    assert desk.next_task(Person("cleo")) is None
    assert read_ledger(database, "acme").decisions.is_empty()
    last = _next(desk, LEA)
    assert last.escalated
    assert desk.decide(LEA, last.id, last.lease, answer("no_match")).state == "settled"
    found = measures.agreement(database, clock())
    assert (found.n, found.observed) == (1, 0.0)


def test_known_pairs_are_slipped_in_and_measured(
    database: Database, clock: Clock, intake: Intake
) -> None:
    intake.open_batch("acme", DAY, "h", [made(number) for number in range(60)])
    for number in range(100, 110):
        assert intake.add_gold("acme", made(number), "exact", f"shop-{number}-0", None)
    assert not intake.add_gold("acme", made(100), "exact", "shop-100-0", None)
    desk = Desk(database, gold_share=0.1, clock=clock)
    known = 0
    for _ in range(50):
        held = _next(desk, ADA)
        known += int(_own(held).removeprefix("own-")) >= 100
        wrong = _own(held) == "own-100"
        desk.decide(ADA, held.id, held.lease, answer("exact", held.content.skus[int(wrong)]))
    assert known == 5, "one in each stretch of ten"
    [ada] = measures.team(database, clock())
    assert ada.decided == 50
    assert ada.gold.n == 5
    assert ada.gold.hits in (4, 5)
    known_codes = {f"own-{number}" for number in range(100, 110)}
    decided = set(read_ledger(database, "acme").decisions["own_sku"])
    assert not known_codes & decided, "known pairs are nobody's decisions"


def test_reviewers_at_once_never_get_the_same_task(database: Database, intake: Intake) -> None:
    """Threads with connections of their own, as the server's: no fake, no turn-taking."""
    intake.open_batch("acme", DAY, "h", [made(number) for number in range(60)])
    taken: list[tuple[int, str]] = []
    problems: list[BaseException] = []
    start = threading.Barrier(8)

    def work(name: str) -> None:
        who, desk = Person(name), Desk(database, gold_share=0)
        try:
            start.wait()
            while (held := desk.next_task(who)) is not None:
                again = desk.next_task(who)
                assert again is not None and again.id == held.id
                desk.decide(who, held.id, held.lease, answer())
                taken.append((held.id, name))
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(f"r{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems[0]
    assert sorted(task for task, _ in taken) == sorted({task for task, _ in taken})
    assert len(taken) == 60
    assert len({name for _, name in taken}) > 1


def test_one_answer_sent_by_many_at_once_is_one(database: Database, intake: Intake) -> None:
    intake.open_batch("acme", DAY, "h", [made(1)])
    desk = Desk(database, gold_share=0)
    held, given = _next(desk, ADA), answer()
    results: list[bool] = []
    start = threading.Barrier(6)

    def send() -> None:
        start.wait()
        results.append(desk.decide(ADA, held.id, held.lease, given).again)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] + [True] * 5


def test_batch_written_again_changes_nothing_but_what_is_shown(
    desk: Desk, intake: Intake, database: Database
) -> None:
    first = intake.open_batch("acme", DAY, "h", [made(1), made(2)])
    again = intake.open_batch("acme", DAY, "h2", [made(1, name="Renamed"), made(2)])
    assert (first.new, again.new, again.closed) == (2, 0, 0)
    names = set()
    while (held := desk.next_task(ADA)) is not None:
        names.add(held.content.own.name)
        desk.decide(ADA, held.id, held.lease, answer())
    assert names == {"Renamed", "Milk 3% no. 2"}


def test_question_no_longer_asked_is_closed_unless_somebody_has_it(
    desk: Desk, intake: Intake, database: Database
) -> None:
    intake.open_batch("acme", DAY, "h", [made(1), made(2), made(3)])
    held = _next(desk, ADA)
    next_day = intake.open_batch("acme", DAY + timedelta(days=1), "h", [made(9)])
    assert next_day.closed == 2
    assert desk.decide(ADA, held.id, held.lease, answer()).state == "settled"
    earlier = intake.open_batch("acme", DAY - timedelta(days=1), "h", [made(9)])
    assert (earlier.new, earlier.closed) == (0, 0), "a backfill closes nothing of a later day"
    with database.reading() as connection:
        row = connection.execute(sa.select(tasks).where(tasks.c.state == "open")).one()
    assert row.day == DAY + timedelta(days=1)


def test_hostile_text_goes_in_and_comes_out(desk: Desk, intake: Intake) -> None:
    name = "\x00<script>\u202e'; DROP TABLE review_tasks; --"
    intake.open_batch("acme", DAY, "h", [made(1, name=name)])
    assert _next(desk, ADA).content.own.name == name


def test_database_of_another_version_is_refused(database: Database, database_url: str) -> None:
    with database.writing() as connection:
        connection.execute(versions.update().values(version=999))
    with pytest.raises(DatabaseUnusable, match="999"):
        Database(database_url)


@pytest.mark.parametrize(
    "url", ["nonsense", "oracle://scott:tiger-secret@host/db", "sqlite:////proc/no/review.db"]
)
def test_unusable_address_is_said_without_its_password(url: str) -> None:
    with pytest.raises((DatabaseUnusable, DatabaseUnavailable)) as caught:
        Database(url)
    assert "tiger-secret" not in f"{caught.value}{caught.value.__cause__}"


def test_server_that_is_not_there_is_a_passing_fault() -> None:
    url = "postgresql://review:tiger-secret@127.0.0.1:1/none"
    with pytest.raises(DatabaseUnavailable) as caught:
        Database(url)
    assert "tiger-secret" not in str(caught.value)


def test_lease_is_longer_than_the_skew_of_clocks() -> None:
    assert leases.LENGTH > 4 * leases.SKEW
