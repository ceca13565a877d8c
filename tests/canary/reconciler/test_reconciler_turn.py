"""The turn: one reconciler settles, another takes over when it is silent, nobody settles twice."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from canary.reconciler.turn import FOLDER, Turn
from sdk.storage import Storage, storage


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def two(root: Storage, clock: Clock) -> tuple[Turn, Turn]:
    return Turn(root, 45, clock), Turn(root, 45, clock)


def test_the_first_has_it_and_the_second_takes_over_when_it_is_silent(tmp_path: Path) -> None:
    root, clock = storage(str(tmp_path)), Clock()
    first, second = two(root, clock)
    assert (first.mine(), second.mine()) == (True, False)
    for _ in range(20):  # as long as the first renews it
        clock.now += 5
        assert (first.mine(), second.mine()) == (True, False)
    clock.now += 44
    assert not second.mine()
    clock.now += 1
    assert second.mine()
    # The first was paused, and wakes up: it finds that it is another's, and stays so.
    assert (first.mine(), second.mine()) == (False, True)
    clock.now += 5
    assert (first.mine(), second.mine()) == (False, True)
    assert len(root.names(FOLDER)) == 1


def test_one_that_ends_gives_it_back_at_once(tmp_path: Path) -> None:
    root, clock = storage(str(tmp_path)), Clock()
    first, second = two(root, clock)
    assert first.mine()
    first.give_back()
    assert second.mine()
    second.give_back()
    second.give_back()
    assert first.mine()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60)), max_size=40))
def test_never_two_at_a_time_however_they_are_paused(steps: list[tuple[int, int]]) -> None:
    root, clock = storage("memory://turns"), Clock()
    for name in root.names(FOLDER):
        root.delete(f"{FOLDER}/{name}")
    turns = [Turn(root, 45, clock) for _ in range(3)]
    for who, seconds in steps:
        clock.now += seconds
        if turns[who].mine():
            # Whoever had it before finds so before it does anything.
            others = [turn for turn in turns if turn is not turns[who]]
            assert not any(turn.mine() for turn in others)
