"""The fake group's state machine: lifecycles, timeouts, convergence."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from infra.testing.group import AutoScalingGroup, Boot, Hooks, LifecycleError


def group_of(*boots: Boot, maximum: int = 5) -> AutoScalingGroup:
    return AutoScalingGroup(
        "g",
        minimum=0,
        maximum=maximum,
        boot=lambda n: boots[n] if n < len(boots) else Boot(100.0),
        hooks=Hooks(launch_timeout=300.0, terminate_timeout=60.0),
    )


def states(group: AutoScalingGroup) -> list[str]:
    return [instance.state for instance in group.instances.values()]


def test_a_launch_waits_for_its_boot() -> None:
    group = group_of(Boot(100.0))
    group.set_desired(1, 0.0)
    assert states(group) == ["Pending:Wait"]
    group.advance(99.0)
    assert states(group) == ["Pending:Wait"]
    assert [t.state for t in group.advance(100.0)] == ["InService"]


@pytest.mark.parametrize("bad", [Boot(100.0, fails=True), Boot(500.0)])
def test_a_launch_that_never_reports_is_abandoned_and_replaced(bad: Boot) -> None:
    group = group_of(bad)
    group.set_desired(1, 0.0)
    group.advance(299.0)
    assert states(group) == ["Pending:Wait"]
    group.advance(300.0)
    assert states(group) == ["Pending:Wait"]
    assert len(group.terminated) == 1
    group.advance(400.0)
    assert states(group) == ["InService"]


def test_a_termination_waits_for_heartbeats_and_for_its_completion() -> None:
    group = group_of()
    group.set_desired(1, 0.0)
    group.advance(100.0)
    (name,) = group.instances
    group.terminate(name, 100.0, decrement=True)
    for at in range(150, 1000, 50):
        group.advance(float(at))
        group.heartbeat(name, float(at))
    assert states(group) == ["Terminating:Wait"]
    group.complete(name, 1000.0)
    assert group.instances == {}
    assert not group.terminated[0].timed_out
    with pytest.raises(LifecycleError):
        group.complete(name, 1001.0)


def test_without_heartbeats_it_proceeds_at_the_timeout() -> None:
    group = group_of()
    group.set_desired(1, 0.0)
    group.advance(100.0)
    group.set_desired(0, 100.0)
    group.advance(159.0)
    assert states(group) == ["Terminating:Wait"]
    group.advance(160.0)
    assert group.terminated[0].timed_out
    assert group.terminated[0].terminated_at == 160.0


def test_no_heartbeat_renews_beyond_the_limit() -> None:
    group = group_of()
    group.set_desired(1, 0.0)
    group.advance(100.0)
    (name,) = group.instances
    group.set_desired(0, 100.0)
    at = 100.0
    while name in group.instances:
        at += 50.0
        group.advance(at)
        if name in group.instances:
            group.heartbeat(name, at)
    assert group.terminated[0].terminated_at == 100.0 + 100 * 60.0


def test_the_group_ends_its_oldest_unprotected_instances() -> None:
    group = group_of()
    for at in range(3):
        group.set_desired(at + 1, float(at))
    group.advance(200.0)
    first, second, third = group.instances
    group.protect(first, True)
    group.set_desired(1, 200.0)
    going = [i.id for i in group.instances.values() if i.state == "Terminating:Wait"]
    assert going == [second, third]


def test_ending_without_decrement_launches_another() -> None:
    group = group_of()
    group.set_desired(1, 0.0)
    group.advance(100.0)
    (name,) = group.instances
    group.terminate(name, 100.0, decrement=False)
    group.terminate(name, 101.0, decrement=False)
    assert sorted(states(group)) == ["Pending:Wait", "Terminating:Wait"]
    assert group.desired == 1


class AnyUse(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.group = group_of(Boot(100.0), Boot(50.0, fails=True), Boot(900.0), maximum=6)
        self.launched: set[str] = set()

    def names(self) -> list[str]:
        return sorted(self.group.instances)

    @rule(capacity=st.integers(0, 6))
    def set_desired(self, capacity: int) -> None:
        self.group.set_desired(capacity, self.now)

    @rule(seconds=st.floats(0.0, 400.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for happened in self.group.advance(self.now):
            assert happened.at <= self.now

    @rule(pick=st.integers(0, 5), what=st.sampled_from(["end", "replace", "beat", "complete"]))
    def touch(self, pick: int, what: str) -> None:
        names = self.names()
        if not names:
            return
        name = names[pick % len(names)]
        try:
            if what in ("end", "replace"):
                self.group.terminate(name, self.now, decrement=what == "end")
            elif what == "beat":
                self.group.heartbeat(name, self.now)
            else:
                self.group.complete(name, self.now)
        except LifecycleError:
            assert what in ("beat", "complete")

    @invariant()
    def counts_what_is_desired(self) -> None:
        counted = [one for one in self.group.instances.values() if one.counts]
        assert len(counted) == self.group.desired

    @invariant()
    def every_ended_instance_has_its_times(self) -> None:
        for one in self.group.terminated:
            assert one.terminated_at is not None
            assert one.terminated_at >= one.launched_at
            assert one.id not in self.group.instances


TestAnyUse = AnyUse.TestCase
TestAnyUse.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
