"""One consumer at a time, whoever dies; nobody's clock is believed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.streams.database import Database
from flows.streams.lease import Lease, Lost
from flows.streams.ledger import Effects, Ledger
from sdk.testing.postgres import Postgres, programs


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path / 'ledger.db'}")
        yield made
        made.close()
        return
    if programs() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with Postgres() as server:
        made = Database(server.url.replace("postgresql+asyncpg", "postgresql"))
        yield made
        made.close()


class Watch:
    """A stopwatch that goes when it is told to."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_lease_changes_hands_without_a_clock(database: Database) -> None:
    watch = Watch()
    one, two = (Lease(database, "s", 15, watch) for _ in range(2))
    assert one.take()
    assert not two.take()
    watch.seconds = 14
    assert one.beat() is False, "an heir that was seen once may be dead"
    assert not two.take()
    watch.seconds = 28
    assert not two.take(), "the holder was alive 14 s ago"
    assert one.beat() is True, "the heir moved: it is alive"
    one.release()
    assert not one.is_taken()
    assert two.take()
    assert one.is_taken()
    with pytest.raises(Lost):
        one.beat()


def test_a_dead_holder_is_succeeded_and_cannot_commit_when_it_wakes_up(database: Database) -> None:
    watch = Watch()
    one, two = (Lease(database, "s", 15, watch) for _ in range(2))
    ledger = Ledger(database, "s")
    assert one.take()
    assert not two.take()
    watch.seconds = 15
    assert two.take()
    with pytest.raises(Lost):
        ledger.commit(Effects(handled={"event:1": None}), one)
    assert ledger.known(["event:1"]) == {}
    ledger.commit(Effects(handled={"event:1": None, "event:2": "no price"}), two)
    assert ledger.known(["event:1", "event:2"]) == {"event:1": None, "event:2": "no price"}
    one.release()  # of what it has no more
    assert two.beat() is False


def test_an_heir_that_died_is_not_waited_for(database: Database) -> None:
    watch = Watch()
    one, two = (Lease(database, "s", 15, watch) for _ in range(2))
    assert one.take()
    assert not two.take()
    assert [one.beat() for _ in range(5)] == [False] * 5


def test_streams_have_leases_of_their_own(database: Database) -> None:
    assert Lease(database, "s").take()
    assert Lease(database, "t").take()


def test_events_are_forgotten_when_they_are_many(database: Database) -> None:
    from datetime import date

    lease, ledger = Lease(database, "s"), Ledger(database, "s")
    assert lease.take()
    for start in range(0, 100, 20):
        names = {f"event:{n}": None for n in range(start, start + 20)}
        ledger.commit(Effects(handled=names), lease)
    assert ledger.forget(date(2026, 1, 1), remembered=30) == 70
    assert len(ledger.known([f"event:{n}" for n in range(100)])) == 30
    assert ledger.forget(date(2026, 1, 1), remembered=30) == 0


def test_tables_of_another_version_are_refused(tmp_path: Path) -> None:
    from flows.streams import tables
    from sdk import ConfigurationError

    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    made = Database(url)
    with made.writing() as connection:
        connection.execute(tables.versions.update().values(version=99))
    made.close()
    with pytest.raises(ConfigurationError, match="version 99"):
        Database(url)


@pytest.mark.parametrize("url", ["", "nonsense", "mysterydb://ann:s3cr3t-w0rd@host/x"])
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    from sdk import ConfigurationError

    with pytest.raises(ConfigurationError) as caught:
        Database(url)
    assert "s3cr3t" not in f"{caught.value}{caught.value.__cause__!r}"
