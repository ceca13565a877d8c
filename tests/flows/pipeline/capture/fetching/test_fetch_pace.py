"""The pace of a host: never faster than asked for, slower in trouble, and back again."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture.fetching.answer import seconds_asked
from flows.pipeline.capture.fetching.pace import CALM, LONGEST, MOST_SLOWED, USUAL, Pace

EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("answered"), st.floats(0.0, 30.0)),
        st.tuples(st.just("refused"), st.one_of(st.none(), st.floats(0.0, 600.0))),
        st.tuples(st.just("failed"), st.none()),
        st.tuples(st.just("robots"), st.floats(0.0, 60.0)),
    ),
    max_size=200,
)


def _play(pace: Pace, events: list[tuple[str, float | None]]) -> list[float]:
    """Send a request before each event, as soon as the pace lets it; return the instants."""
    now, sent = 0.0, []
    for name, value in events:
        now += pace.wait(now)
        pace.sent(now)
        sent.append(now)
        if name == "answered":
            assert value is not None
            now += value
            pace.answered(now, value)
        elif name == "refused":
            pace.refused(now, value)
        elif name == "failed":
            pace.failed(now)
        else:
            assert value is not None
            pace.at_least(value)
    return sent


@given(st.floats(0.05, 60.0), EVENTS)
def test_no_two_requests_are_closer_than_the_base(
    base: float, events: list[tuple[str, float | None]]
) -> None:
    sent = _play(Pace(base), events)
    gaps = [later - before for before, later in pairwise(sent)]
    assert all(gap >= base * (1 - 1e-9) for gap in gaps)


@given(st.floats(0.05, 60.0), EVENTS)
def test_the_interval_stays_between_its_base_and_its_longest(
    base: float, events: list[tuple[str, float | None]]
) -> None:
    pace = Pace(base)
    _play(pace, events)
    assert pace.base <= pace.interval <= max(LONGEST, pace.base)


@given(st.floats(0.1, 1000.0))
def test_retry_after_is_waited_out(seconds: float) -> None:
    pace = Pace(1.0)
    pace.refused(100.0, seconds)
    assert pace.wait(100.0) >= seconds - 1e-9


def test_a_refusal_halves_the_pace_and_calm_brings_it_back() -> None:
    pace = Pace(1.0)
    pace.refused(0.0)
    assert pace.interval == 2.0
    for moment in range(100 * CALM):
        pace.answered(float(moment), 0.1)
    assert pace.interval == 1.0


def test_a_spell_of_trouble_counts_once_and_has_an_end() -> None:
    pace = Pace(1.0)
    for _ in range(5):  # five requests under way when the trouble began
        pace.refused(10.0, began=9.0)
    assert pace.interval == 2.0
    for moment in range(100):
        pace.refused(11.0 + moment, began=11.0 + moment)
    assert pace.interval == MOST_SLOWED


def test_rising_latency_slows_down_and_steady_latency_does_not() -> None:
    steady, rising = Pace(1.0), Pace(1.0)
    for moment in range(USUAL):
        steady.answered(float(moment), 0.4)
        rising.answered(float(moment), 0.4)
    for moment in range(USUAL, USUAL + 5):
        steady.answered(float(moment), 0.5)
        rising.answered(float(moment), 2.5)
    assert steady.interval == 1.0
    assert rising.interval > 1.0


def test_a_fast_host_that_becomes_less_fast_is_not_in_trouble() -> None:
    pace = Pace(1.0)
    for moment in range(USUAL):
        pace.answered(float(moment), 0.001)
    for moment in range(USUAL, USUAL + 10):
        pace.answered(float(moment), 0.05)
    assert pace.interval == 1.0


@pytest.mark.parametrize("delay", [0.5, 7.0])
def test_the_larger_of_site_file_and_robots_counts(delay: float) -> None:
    pace = Pace(1.0)
    pace.at_least(delay)
    assert pace.base == max(1.0, delay)


@pytest.mark.parametrize(
    "said",
    ["", "soon", "-5", "1.5", "Fri, 99999999999999999999 Dec 2026 10:00:00 GMT",
     "Fri, 31 Dec 2026 10:00:00 +99999999999999999999", "9" * 5000 + "s"],
)  # fmt: skip
def test_a_senseless_retry_after_asks_for_nothing(said: str) -> None:
    assert seconds_asked(said) is None


def test_a_retry_after_in_the_past_asks_for_no_wait() -> None:
    assert seconds_asked("Fri, 31 Dec 1999 23:59:59 GMT") == 0.0
