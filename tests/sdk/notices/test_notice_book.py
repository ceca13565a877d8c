"""The book under any order of notices, duplicates, outages and crashes."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from sdk.notices.build_jira import mark
from sdk.notices.fault_state import FaultState, fold
from sdk.notices.notice import Notice
from sdk.storage import Storage
from sdk.testing.receivers import Faults


class Killed(BaseException):
    """The process is gone: nobody catches it, and nothing is written any more."""


class Dying(Storage):
    """A storage root of a process that dies at its n-th write, before or after it is done."""

    def __init__(self, url: str, writes: int, *, after: bool) -> None:
        super().__init__(url)
        self.left, self.after = writes, after

    def put(self, path: str, data: bytes) -> None:
        self._die(lambda: Storage.put(self, path, data))

    def put_if_absent(self, path: str, data: bytes) -> bool:
        made: list[bool] = []
        self._die(lambda: made.append(Storage.put_if_absent(self, path, data)))
        return made[0]

    def delete(self, path: str) -> None:
        self._die(lambda: Storage.delete(self, path))

    def _die(self, write: Any) -> None:
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self.after):
            raise Killed
        write()
        if self.left == 0:
            raise Killed


NUMBERS = st.lists(
    st.tuples(st.integers(0, 12), st.booleans(), st.sampled_from("abc")), min_size=1, max_size=40
)


@given(NUMBERS, st.randoms(use_true_random=False))
def test_counters_are_those_of_distinct_notices_in_whatever_order(
    notice: Any, given_: list[tuple[int, bool, str]], draw: Any
) -> None:
    notices = [
        notice(number, customer=customer, kind="failed" if broke else "mended")
        for number, broke, customer in given_
    ]
    first = _folded(notices)
    again = [*notices, *notices]
    draw.shuffle(again)
    second = _folded(again)
    broken = {n.event for n in notices if n.kind == "failed"}
    if not broken:
        assert first is second is None
        return
    assert first is not None and second is not None
    # What mends a fault that nobody knows of is forgotten, so the ends may differ; counts do not.
    assert first.count == second.count == len(broken)
    assert second.open == bool(second.broken_for)
    assert second.last_seen == first.last_seen


def _folded(notices: list[Notice]) -> FaultState | None:
    state: FaultState | None = None
    for number, notice in enumerate(notices):
        state = fold(state, notice, notice.happened + timedelta(seconds=number))
    return state


class Platform(RuleBasedStateMachine):
    """Faults, senders that die anywhere, and targets that fail: at rest, each thing is once."""

    make: Any = None
    site: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.here = self.site(self.folder.name)
        self.expected: dict[str, set[str]] = {}
        self.seed = 0

    @rule(number=st.integers(0, 30), step=st.sampled_from("pq"), customer=st.sampled_from("ab"))
    def break_out(self, number: int, step: str, customer: str) -> None:
        told = self.make(number, step=step, customer=customer)
        self.here.outbox.put(told)
        self.expected.setdefault(told.fault, set()).add(told.event)

    @rule(number=st.integers(0, 30), step=st.sampled_from("pq"), customer=st.sampled_from("ab"))
    def mend(self, number: int, step: str, customer: str) -> None:
        told = self.make(number, step=step, customer=customer, kind="mended", severity="info")
        self.here.outbox.put(told)

    @rule(writes=st.integers(1, 25), after=st.booleans())
    def send_and_die(self, writes: int, after: bool) -> None:
        sender = self.here.sender(Dying(self.here.root.url, writes, after=after))
        with pytest.raises(Killed):
            for _ in range(writes + 1):  # each pass writes its lease at least
                sender.deliver()
        self.here.clock.forward(seconds=61)

    @rule(minutes=st.sampled_from([0, 2, 70, 300]))
    def send(self, minutes: int) -> None:
        self.here.clock.forward(minutes=minutes)
        self.here.sender().deliver()

    @rule(share=st.sampled_from([0.0, 0.12]))
    def misbehave(self, share: float) -> None:
        self.seed += 1
        faults = Faults(limited=share, error=share, lost=share, retry_after=1, seed=self.seed)
        self.here.slack.faults = self.here.jira.faults = faults

    @invariant()
    def nothing_is_doubled(self) -> None:
        labels = Counter(text for t in self.here.jira.tickets for text in t.labels)
        assert all(labels[mark(fault)] <= 1 for fault in self.expected)
        for message in [*self.here.heads()]:
            keys = self._keys([message, *self.here.slack.channel("alerts").replies(message.ts)])
            assert len(keys) == len(set(keys))
        heads = self._keys(self.here.heads())
        assert len(heads) == len(set(heads))
        for ticket in self.here.jira.tickets:
            marks = [comment.text.split("\n")[-1] for comment in ticket.comments]
            assert len(marks) == len(set(marks))

    def teardown(self) -> None:
        self.here.slack.faults = self.here.jira.faults = Faults()
        for _ in range(4):
            self.here.clock.forward(minutes=6)
            self.here.sender().deliver()
        assert not self.here.root.names("_notices/outbox")
        states = {state.fingerprint: state for state in self.here.sender().book.states()}
        assert {name: state.count for name, state in states.items()} == {
            name: len(events) for name, events in self.expected.items()
        }
        told = {key.split("-")[0] for key in self._keys(self.here.heads())}
        assert told == set(self.expected), "every fault has its thread"
        opened = {text for t in self.here.jira.tickets for text in t.labels}
        assert all(mark(name) in opened for name, state in states.items() if state.open)
        self.nothing_is_doubled()
        self.here.close()
        self.folder.cleanup()

    @staticmethod
    def _keys(messages: list[Any]) -> list[str]:
        return [m.metadata["event_payload"]["key"] for m in messages if m.metadata]


def test_whatever_dies_or_fails_counters_are_right_and_nothing_is_doubled(
    notice: Any, new_site: Any
) -> None:
    class Tested(Platform):
        make = staticmethod(notice)
        site = staticmethod(new_site)

    run_state_machine_as_test(
        Tested,
        settings=settings(
            max_examples=25,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
