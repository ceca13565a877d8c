"""What is to be done about which runs: a table, and what holds for any."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.reconciler.plan import Limits, plan, suspicion
from canary.reconciler.seen import ACTIVE, ENDED, SeenRun
from sdk.running.rules import Rules

LIMITS = Limits()
RUN = SeenRun("r", "brave-fox", "s", "RUNNING", 300, heart="silent", process="gone", starts=1)
PARENT = SeenRun("p", "old-fox", "ps", "RUNNING", 900, heart="beats", process="there", starts=1)
AGAIN = Rules(starts=3)
HOUR = Rules(timeout=timedelta(hours=1))


def actions(*runs: SeenRun, suspected: float = 60) -> list[tuple[str, str]]:
    found = {run.state: suspected for run in runs if suspicion(run, LIMITS)}
    return [(made.run.id, made.action) for made in plan(runs, found, LIMITS)]


@pytest.mark.parametrize(
    ("changed", "action"),
    [
        ({}, "crash"),
        # One sign is no death.
        ({"heart": "beats"}, None),
        ({"process": "there"}, None),
        ({"process": "unknown"}, None),
        # A process takes its time to beat for the first time.
        ({"heart": "none", "seconds": 30}, None),
        ({"heart": "none", "seconds": 61}, "crash"),
        ({"kind": "PENDING"}, "crash"),
        ({"kind": "PENDING", "heart": "none", "process": "unknown", "seconds": 901}, "crash"),
        ({"kind": "PENDING", "heart": "beats", "process": "there", "seconds": 901}, None),
        ({"kind": "CANCELLING"}, "cancelled"),
        ({"kind": "CANCELLING", "heart": "beats", "process": "there", "seconds": 30}, None),
        ({"kind": "CANCELLING", "heart": "beats", "process": "there", "seconds": 91}, "cancelled"),
        # It hangs: it lives, and is past what it may run.
        ({"heart": "beats", "process": "there", "seconds": 3601, "rules": HOUR}, "crash"),
        ({"heart": "beats", "process": "there", "seconds": 3599, "rules": HOUR}, None),
        ({"kind": "PAUSED", "rules": HOUR, "seconds": 3601}, None),
        ({"kind": "PAUSED"}, None),
        ({"kind": "SCHEDULED", "late": 9e9}, None),
        ({"kind": "SCHEDULED", "late": 61, "rules": Rules(lateness=timedelta(minutes=1))},
         "cancel"),
        ({"kind": "SCHEDULED", "late": 59, "rules": Rules(lateness=timedelta(minutes=1))}, None),
        ({"kind": "CRASHED"}, None),
        ({"kind": "CRASHED", "rules": AGAIN}, "relaunch"),
        ({"kind": "CRASHED", "rules": AGAIN, "starts": 3}, None),
        ({"kind": "CRASHED", "rules": AGAIN, "seconds": 4000}, None),
        ({"kind": "CRASHED", "rules": AGAIN, "deployed": False}, None),
        ({"kind": "FAILED", "rules": AGAIN}, None),
    ],
)  # fmt: skip
def test_a_run_by_itself(changed: dict[str, Any], action: str | None) -> None:
    assert actions(replace(RUN, **changed)) == ([("r", action)] if action else [])


def test_why_a_task_ended_is_said() -> None:
    run = replace(RUN, fate="prefect: exit code 137")
    assert suspicion(run, LIMITS) == (
        "its heart is silent and its process is gone (prefect: exit code 137)"
    )


def test_a_suspicion_must_hold_for_a_while() -> None:
    assert actions(RUN, suspected=9) == []
    assert actions(RUN, suspected=10) == [("r", "crash")]
    assert plan([RUN], {}, LIMITS) == []


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        # A child on its own process goes on while its parent may be started again.
        ({"kind": "CRASHED", "rules": AGAIN}, {"heart": "beats"}, [("p", "relaunch")]),
        ({"kind": "CRASHED"}, {"heart": "beats"}, [("r", "cancel")]),
        ({"kind": "CANCELLED"}, {"heart": "beats"}, [("r", "cancel")]),
        ({"kind": "FAILED"}, {"kind": "SCHEDULED"}, [("r", "cancel")]),
        ({"kind": "CANCELLED"}, {"kind": "CANCELLING", "heart": "beats", "seconds": 5}, []),
        ({}, {"kind": "CRASHED", "rules": AGAIN}, [("r", "relaunch")]),
        # Nobody waits for it any more.
        ({"kind": "FAILED"}, {"kind": "CRASHED", "rules": AGAIN}, []),
        # In its parent's process: it has no signs, and ends with it.
        ({}, {"deployed": False}, []),
        ({"kind": "CANCELLED"}, {"deployed": False}, [("r", "cancelled")]),
        ({"kind": "CRASHED"}, {"deployed": False}, [("r", "crash")]),
        ({"kind": "SCHEDULED"}, {"deployed": False}, [("r", "crash")]),
        ({"starts": 2, "seconds": 10}, {"deployed": False}, [("r", "crash")]),
        ({"starts": 2, "seconds": 400}, {"deployed": False}, []),
    ],
)
def test_a_run_and_its_parent(
    parent: dict[str, Any], child: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    made = actions(replace(PARENT, **parent), replace(RUN, parent="p", **child))
    assert sorted(made) == sorted(expected)


kinds = st.sampled_from(sorted(ACTIVE | ENDED | {"SCHEDULED", "PAUSED"}))
seen = st.builds(
    SeenRun,
    id=st.just("r"), name=st.just("n"), state=st.just("s"), kind=kinds,
    seconds=st.floats(0, 5000), late=st.floats(0, 5000), starts=st.integers(0, 6),
    rules=st.builds(Rules, starts=st.integers(1, 5), lateness=st.none()),
    deployed=st.booleans(), parent=st.none(),
    heart=st.sampled_from(["beats", "silent", "none"]),
    process=st.sampled_from(["there", "gone", "unknown"]),
)  # fmt: skip


@given(seen, st.floats(0, 1000))
def test_what_lives_is_left_alone_and_budgets_are_kept(run: SeenRun, suspected: float) -> None:
    made = plan([run], {"s": suspected}, LIMITS)
    assert len(made) <= 1
    for decision in made:
        if decision.action == "crash":
            assert run.kind in ACTIVE
            assert run.heart != "beats"
            assert run.process == "gone" or run.seconds > LIMITS.pending
        if decision.action == "relaunch":
            assert run.kind == "CRASHED"
            assert run.starts < run.rules.starts
        assert decision.why
