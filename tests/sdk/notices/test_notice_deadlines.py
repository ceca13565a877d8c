"""Which run is late, overrunning or stuck, and who hears of it when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from sdk.notices.build_deadline import notice
from sdk.notices.deadlines import Limits, WatchedRun, plan

DUE = datetime(2026, 8, 15, 6, 0, tzinfo=UTC)
WAITING = WatchedRun("r1", "calm-owl", "metro_daily", "metro", "scheduled", DUE)
RUNNING = replace(WAITING, state="running", begun=DUE, alive=DUE)
LIMITS = {
    "metro_daily": Limits(
        deadline=timedelta(minutes=90), start_within=timedelta(minutes=10), silent=None
    )
}


def after(**span: float) -> datetime:
    return DUE + timedelta(**span)


@pytest.mark.parametrize(
    ("run", "minutes", "found"),
    [
        (WAITING, 10, None),
        (WAITING, 11, ("late", 1)),
        (WAITING, 16, ("late", 2)),
        (WAITING, 21, ("late", 3)),
        (replace(WAITING, state="pending"), 11, ("late", 1)),
        (RUNNING, 90, None),
        (RUNNING, 91, ("overrunning", 1)),
        (RUNNING, 136, ("overrunning", 2)),
        (RUNNING, 181, ("overrunning", 3)),
        (RUNNING, 900, ("overrunning", 3)),
    ],
)
def test_levels_come_one_after_the_other(
    run: WatchedRun, minutes: int, found: tuple[str, int] | None
) -> None:
    steps = plan([run], LIMITS, after(minutes=minutes), [])
    assert [(step.trouble, step.level) for step in steps] == ([found] if found else [])


def test_a_run_that_gives_no_sign_of_life_is_stuck_and_not_overrunning() -> None:
    limits = {"metro_daily": replace(LIMITS["metro_daily"], silent=timedelta(minutes=30))}
    (step,) = plan([replace(RUNNING, alive=after(minutes=50))], limits, after(minutes=100), [])
    assert (step.trouble, step.level) == ("stuck", 2)
    (step,) = plan([replace(RUNNING, alive=after(minutes=95))], limits, after(minutes=100), [])
    assert step.trouble == "overrunning"
    assert plan([replace(RUNNING, alive=None)], limits, after(minutes=60), []) == []


def test_cancelling_is_only_for_who_asks_for_it() -> None:
    limits = {"metro_daily": replace(LIMITS["metro_daily"], cancel=True)}
    (step,) = plan([RUNNING], limits, after(minutes=271), [])
    assert (step.level, step.cancel) == (4, True)
    assert not plan([RUNNING], LIMITS, after(minutes=271), [])[0].cancel


def test_a_flow_without_limits_is_not_watched() -> None:
    assert plan([replace(RUNNING, flow="other")], LIMITS, after(days=3), []) == []


@given(st.lists(st.integers(0, 400), max_size=30), st.booleans())
def test_a_level_comes_once_and_never_after_a_higher_one(sweeps: list[int], late: bool) -> None:
    said: list[str] = []
    levels = []
    for minutes in sorted(sweeps):
        for step in plan([WAITING if late else RUNNING], LIMITS, after(minutes=minutes), said):
            said.append(step.key)
            levels.append(step.level)
    assert levels == sorted(set(levels))


def test_late_overrunning_and_stuck_differ_in_words() -> None:
    limits = {"metro_daily": replace(LIMITS["metro_daily"], silent=timedelta(minutes=30))}
    told = {}
    for run, minutes in (
        (WAITING, 25),
        (replace(WAITING, state="pending"), 25),
        (replace(RUNNING, alive=after(minutes=95)), 100),
        (replace(RUNNING, alive=after(minutes=20)), 60),
    ):
        now = after(minutes=minutes)
        (step,) = plan([run], limits, now, [])
        made = notice(step, limits["metro_daily"], "production", now)
        told[made.headline] = (made.kind, made.fault)
    assert list(told) == [
        "calm-owl was due at 2026-08-15 06:00 UTC and has waited 25 min: no worker has taken it",
        "calm-owl was due at 2026-08-15 06:00 UTC and has waited 25 min: a worker took it, its"
        " process has not begun",
        "calm-owl, begun at 2026-08-15 06:00 UTC, was to end within 1 h 30 min and has run for"
        " 1 h 40 min",
        "calm-owl, begun at 2026-08-15 06:00 UTC, has given no sign of life for 40 min",
    ]
    assert [kind for kind, _ in told.values()] == ["late", "late", "overrunning", "stuck"]
    assert len({fault for _, fault in told.values()}) == 3


def test_the_event_of_a_level_is_the_same_whenever_it_is_made() -> None:
    (first,) = plan([WAITING], LIMITS, after(minutes=11), [])
    (second,) = plan([WAITING], LIMITS, after(minutes=12), [])
    limit = LIMITS["metro_daily"]
    one, two = (
        notice(s, limit, "production", after(hours=h)) for s, h in ((first, 1), (second, 2))
    )
    assert one.event == two.event
