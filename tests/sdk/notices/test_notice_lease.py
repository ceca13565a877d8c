"""One sender at a time, whoever dies, sleeps or comes at the same moment."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sdk.notices.lease import FOLDER, Lease, Lost
from sdk.storage import storage


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 8, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


def test_a_second_one_waits_until_the_first_is_done(tmp_path: Path) -> None:
    root, clock = storage(str(tmp_path)), Clock()
    with Lease(root, clock, 60).held() as first, Lease(root, clock, 60).held() as second:
        assert (first, second) == (True, False)
    with Lease(root, clock, 60).held() as third:
        assert third


def test_a_dead_holder_keeps_others_out_until_its_time_is_up(tmp_path: Path) -> None:
    root, clock = storage(str(tmp_path)), Clock()
    assert Lease(root, clock, 60)._take()
    clock.at += timedelta(seconds=59)
    assert not Lease(root, clock, 60)._take()
    clock.at += timedelta(seconds=2)
    assert Lease(root, clock, 60)._take()


def test_a_holder_that_slept_finds_that_it_has_lost(tmp_path: Path) -> None:
    root, clock = storage(str(tmp_path)), Clock()
    sleeper = Lease(root, clock, 60)
    with sleeper.held():
        clock.at += timedelta(seconds=61)
        with Lease(root, clock, 60).held() as other:
            assert other
            with pytest.raises(Lost):
                sleeper.keep()
    # Its own end takes nothing from whoever came after.
    assert len(root.names(FOLDER)) == 2


def test_who_is_at_work_keeps_it(tmp_path: Path) -> None:
    root, clock = storage(str(tmp_path)), Clock()
    holder = Lease(root, clock, 60)
    with holder.held():
        for _ in range(10):
            clock.at += timedelta(seconds=40)
            holder.keep()
            assert not Lease(root, clock, 60)._take()


def test_of_many_at_the_same_moment_one_gets_it(tmp_path: Path) -> None:
    root, clock = storage(str(tmp_path)), Clock()
    for round_ in range(15):
        barrier, won = threading.Barrier(8), []

        def compete(barrier: threading.Barrier = barrier, won: list[int] = won) -> None:
            lease = Lease(root, clock, 60)
            barrier.wait()
            if lease._take():
                won.append(lease._number)

        threads = [threading.Thread(target=compete) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won == [round_ + 1]
        clock.at += timedelta(seconds=61)
    assert len(root.names(FOLDER)) <= 3, "old numbers are cleared away"


def test_a_lease_that_is_no_lease_is_taken_over(tmp_path: Path) -> None:
    root = storage(str(tmp_path))
    root.put(f"{FOLDER}/000000000007", b"{")
    with Lease(root, Clock(), 60).held() as got:
        assert got
