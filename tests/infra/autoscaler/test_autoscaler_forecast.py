"""Forecast, run times and projection: the arithmetic under the policy."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.autoscaler.forecast import History, Rate
from infra.autoscaler.observation import RunTime
from infra.autoscaler.projection import Load, fewest, lateness
from infra.autoscaler.runtime import estimate, remaining, survival

POINTS = 12


def seen(counts: list[int], seconds: float = 30.0) -> History:
    history = History().add(0, 1000.0)
    for number, count in enumerate(counts, 1):
        history = history.add(count, 1000.0 + seconds * number)
    return history


def test_a_steady_rate_is_found_and_a_repeated_call_counts_nothing() -> None:
    history = seen([3] * 100)
    assert history.forecast(180.0).per_second == pytest.approx(0.1, rel=0.05)
    assert history.add(50, history.at) == history


def test_missed_decisions_do_not_change_the_rate() -> None:
    assert seen([6] * 60, 60.0).forecast(180.0).per_second == pytest.approx(0.1, rel=0.05)


def test_one_batch_does_not_pass_for_a_new_rate_and_a_busy_quarter_does() -> None:
    chance = random.Random(1)
    batches = [20 if chance.random() < 0.05 else 0 for _ in range(400)]
    phases = [4 if number // 40 % 2 else 0 for number in range(440)]
    alone = seen([*batches, 0, 0, 20]).forecast(180.0).per_second
    busy = seen([*phases, 4, 4, 4, 4]).forecast(180.0).per_second
    mean_of_batches = sum(batches) / len(batches) / 30.0
    mean_of_phases = sum(phases) / len(phases) / 30.0
    assert alone < 1.5 * mean_of_batches
    assert busy > 1.2 * mean_of_phases


def test_bursts_scatter_more_than_poisson() -> None:
    chance = random.Random(2)
    poisson = [sum(chance.random() < 0.01 for _ in range(100)) for _ in range(500)]
    bursts = [20 if chance.random() < 0.05 else 0 for _ in range(500)]
    assert seen(poisson).forecast(180.0).dispersion == pytest.approx(1.0, abs=0.6)
    assert seen(bursts).forecast(180.0).dispersion > 5


@given(st.floats(0, 5), st.floats(1, 50), st.floats(0, 4), st.floats(0, 900))
def test_the_buffer_only_adds(rate: float, dispersion: float, buffer: float, span: float) -> None:
    found = Rate(rate, dispersion)
    assert found.within(span, buffer) >= found.within(span, 0.0) >= 0.0
    assert found.within(-span, buffer) == 0.0


@given(st.floats(1, 10_000), st.floats(0, 3), st.floats(0, 1e6))
def test_a_run_only_ever_ends(median: float, spread: float, age: float) -> None:
    table = remaining(RunTime(median, spread), age, 15.0, POINTS)
    assert table[0] == pytest.approx(1.0)
    assert all(0 <= b <= a for a, b in pairwise(table))


def test_half_the_runs_outlive_the_median_and_the_outlived_go_on() -> None:
    assert survival(RunTime(100.0, 0.5), 100.0) == pytest.approx(0.5)
    assert remaining(RunTime(10.0, 0.4), 100_000.0, 15.0, 3)[1] > 0.99


def test_an_estimate_finds_the_median_and_is_careful_with_few() -> None:
    chance = random.Random(3)
    found = estimate(200.0 * math.exp(0.8 * chance.gauss(0, 1)) for _ in range(4000))
    assert found is not None
    assert found.median == pytest.approx(200.0, rel=0.1)
    assert found.spread == pytest.approx(0.8, rel=0.1)
    once = estimate([60.0])
    assert once is not None
    assert once.spread > 0.5
    assert estimate([]) is None
    assert estimate([0.0, -1.0]) is None


series = st.lists(st.floats(0, 20), min_size=POINTS, max_size=POINTS)


@st.composite
def loads(draw: st.DrawFn) -> Load:
    def rising() -> list[float]:
        steps, total, out = draw(series), 0.0, []
        for step in steps:
            total += step
            out.append(total)
        return out

    arrived = rising()
    share = draw(st.floats(0, 1))
    alive = [draw(st.floats(0.2, 1)) ** k for k in range(POINTS)]
    alive = [min(alive[: k + 1]) for k in range(POINTS)]
    running = sorted(draw(series), reverse=True)
    return Load(running, arrived, [share * value for value in arrived], alive)


@given(loads(), st.floats(0, 100), st.floats(0, 50))
def test_more_slots_never_make_a_run_later(load: Load, slots: float, more: float) -> None:
    few = lateness(load, [slots] * POINTS, 0, POINTS - 1)
    many = lateness(load, [slots + more] * POINTS, 0, POINTS - 1)
    assert many <= few + 1e-6


@given(loads(), st.integers(0, 60))
def test_the_search_finds_what_trying_all_finds(load: Load, at_most: int) -> None:
    slots, one, span = [2.0] * POINTS, [0.0] * 4 + [4.0] * (POINTS - 4), range(6, POINTS)

    def enough(machines: int) -> bool:
        offered = [a + machines * b for a, b in zip(slots, one, strict=True)]
        return lateness(load, offered, span.start, span.stop - 1) <= 0.5

    tried = next((n for n in range(at_most) if enough(n)), at_most)
    assert fewest(load, slots, one, at_most, span) == tried


def test_runs_that_end_free_their_slots() -> None:
    quick = Load([0.0] * 4, [4.0] * 4, [4.0] * 4, [1.0, 0.0, 0.0, 0.0])
    assert lateness(quick, [1.0] * 4, 0, 3) == 3.0
    assert lateness(quick, [1.0] * 4, 3, 3) == 0.0
