from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk.policy import COMPUTE, NETWORK, NONE, POLICIES, RetryPolicy

policies = st.builds(
    RetryPolicy,
    name=st.just("any"),
    attempts=st.integers(1, 200),
    base=st.floats(0, 100),
    cap=st.floats(0, 1000),
    budget=st.one_of(st.none(), st.floats(0, 10_000)),
)


@given(
    policies,
    st.integers(1, 300),
    st.floats(0, 20_000),
    st.one_of(st.none(), st.floats(0, 5000)),
    st.integers(),
)
def test_a_wait_keeps_every_bound(
    policy: RetryPolicy, attempt: int, elapsed: float, asked: float | None, seed: int
) -> None:
    wait = policy.delay(attempt, elapsed=elapsed, retry_after=asked, draw=random.Random(seed))
    if attempt >= policy.attempts:
        assert wait is None
        return
    if wait is None:
        assert policy.budget is not None
        return
    assert wait >= (asked or 0)
    assert wait <= max(policy.cap, asked or 0)
    if policy.budget is not None:
        assert elapsed + wait <= policy.budget


def test_full_jitter_draws_from_the_whole_range() -> None:
    policy = RetryPolicy("wide", attempts=9, base=1, cap=8)
    draw = random.Random(3)
    waits = [policy.delay(5, elapsed=0, draw=draw) or 0 for _ in range(4000)]
    assert min(waits) < 0.1
    assert 7.9 < max(waits) <= 8
    assert 3.8 < sum(waits) / len(waits) < 4.2


def test_kinds_of_errors() -> None:
    assert NETWORK.allows("transient")
    assert NETWORK.allows("unknown")
    assert not NETWORK.allows("permanent")
    assert not COMPUTE.allows("unknown")
    assert NONE.delay(1, elapsed=0, draw=random.Random(0)) is None
    assert NETWORK.with_attempts(2).attempts == 2
    assert all(policy.name == name for name, policy in POLICIES.items())


@pytest.mark.parametrize("bad", [{"attempts": 0}, {"base": -1}, {"cap": -1}, {"budget": -1}])
def test_nonsense_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="policy x"):
        RetryPolicy("x", **bad)  # type: ignore[arg-type]
