"""The agent's decisions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.worker.plan import Act, Hand, Limits, Notice, plan

LIMITS = Limits(slots=4, heartbeat=60.0, limit=3600.0, spot_margin=30.0)
GOING = Notice("terminate", hooked=True)


def acts(
    notice: Notice,
    *hands: Hand,
    now: float = 0.0,
    since: float | None = None,
    beat: float | None = None,
) -> list[Act]:
    return plan(notice, hands, now, leaving_since=since, beat_at=beat, limits=LIMITS)


def test_an_empty_machine_starts_one_worker_with_all_slots() -> None:
    assert acts(Notice()) == [Act("start", slots=4)]
    assert acts(Notice(), Hand(1, 4, 2)) == []


def test_a_cordon_drains_each_worker_once() -> None:
    cordon = Notice("cordon")
    assert acts(cordon, Hand(1, 4, 2)) == [Act("drain", pid=1)]
    assert acts(cordon, Hand(1, 4, 2, draining=True)) == []
    assert acts(cordon) == []


def test_a_machine_taken_back_uses_the_slots_that_are_free() -> None:
    assert acts(Notice(), Hand(1, 4, 3, draining=True)) == [Act("start", slots=1)]
    both = (Hand(1, 4, 1, draining=True), Hand(2, 1, 1))
    assert acts(Notice(), *both) == [Act("start", slots=2)]


def test_a_termination_drains_beats_and_completes_when_no_worker_is_left() -> None:
    hand = Hand(1, 4, 2)
    assert acts(GOING, hand) == [Act("drain", pid=1), Act("heartbeat")]
    draining = Hand(1, 4, 2, draining=True)
    assert acts(GOING, draining, now=59.0, since=0.0, beat=0.0) == []
    assert acts(GOING, draining, now=60.0, since=0.0, beat=0.0) == [Act("heartbeat")]
    assert acts(GOING) == [Act("complete")]
    assert acts(Notice("terminate", until=500.0)) == []


def test_at_its_bound_runs_are_handed_back() -> None:
    draining = Hand(1, 4, 2, draining=True)
    assert acts(GOING, draining, now=3600.0, since=0.0) == [Act("hand_back", pid=1)]
    spot = Notice("terminate", until=120.0)
    assert acts(spot, draining, now=89.0, since=0.0) == []
    assert acts(spot, draining, now=90.0, since=0.0) == [Act("hand_back", pid=1)]


hands = st.lists(
    st.builds(
        lambda pid, slots, runs, draining: Hand(pid, slots, min(runs, slots), draining),
        st.integers(1, 9999),
        st.integers(1, 4),
        st.integers(0, 4),
        st.booleans(),
    ),
    max_size=4,
    unique_by=lambda hand: hand.pid,
)


@given(
    st.builds(Notice, st.sampled_from(["work", "cordon", "terminate"]), st.none(), st.booleans()),
    hands,
    st.floats(0, 10_000),
)
def test_slots_are_never_exceeded_and_busy_workers_never_abandoned(
    notice: Notice, found: list[Hand], now: float
) -> None:
    todo = acts(notice, *found, now=now, since=0.0)
    given_out = sum(hand.runs if hand.draining else hand.slots for hand in found)
    started = sum(act.slots for act in todo if act.kind == "start")
    assert not started or given_out + started <= LIMITS.slots
    assert not (found and any(act.kind == "complete" for act in todo))
    assert all(act.kind != "start" for act in todo) or notice.wish == "work"
    if now < LIMITS.limit:
        assert all(act.kind != "hand_back" for act in todo)
