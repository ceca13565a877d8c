"""The simulator: traces, the world's bookkeeping, frontiers, the command."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.autoscaler.observation import Run
from infra.autoscaler.simulator import retail
from infra.autoscaler.simulator.__main__ import main
from infra.autoscaler.simulator.controllers import Keda, Orders, Static, View, peak_of
from infra.autoscaler.simulator.faults import NO_FAULTS, Faults
from infra.autoscaler.simulator.study import (
    SETTINGS,
    Point,
    compare,
    controller,
    cost_at,
    efficient,
    survey,
)
from infra.autoscaler.simulator.trace import Job, TraceError, announce, read_trace
from infra.autoscaler.simulator.world import World


def world(
    jobs: list[Job], name: str = "static", faults: Faults = NO_FAULTS, seed: int = 1
) -> World:
    made = controller(name, SETTINGS[name][0], jobs, 2)
    return World(jobs, made, faults=faults, seed=seed, slots=2, maximum=1000)


def later(jobs: list[Job]) -> list[Job]:
    """Begin a load after the first machines can have booted."""
    return [replace(job, arrival=job.arrival + 1000.0) for job in jobs]


jobs_of = st.lists(
    st.builds(Job, st.floats(0, 5000), st.floats(0.1, 2000), st.sampled_from("ab"), st.booleans()),
    min_size=1,
    max_size=40,
).map(lambda jobs: sorted(jobs, key=lambda job: job.arrival))


@settings(max_examples=25, deadline=None)
@given(jobs_of, st.sampled_from(sorted(SETTINGS)), st.integers(1, 5))
def test_whatever_happens_every_run_starts_once_and_is_paid_for(
    jobs: list[Job], name: str, seed: int
) -> None:
    faults = Faults(late=0.3, failed=0.2, stale_every=600.0, throttled=0.2, missed=0.2)
    outcome = world(jobs, name, faults, seed).run()
    assert len(outcome.waits) == len(jobs)
    assert min(outcome.waits) >= 0
    assert outcome.killed == 0
    work = sum(job.duration for job in jobs) / 3600.0
    assert outcome.hours * 2 >= work - 1e-9


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_machine_that_never_came_leaves_no_run_behind(name: str) -> None:
    for seed in range(1, 21):
        outcome = world([Job(10.0, 5.0)], name, Faults(failed=0.8), seed).run()
        assert len(outcome.waits) == 1


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_the_same_seed_gives_the_same_day(name: str) -> None:
    jobs = retail.generate(3, hours=2)
    first, second = (world(jobs, name, Faults(), 7).run() for _ in range(2))
    assert first == second


def test_the_cost_of_one_run_is_known_by_hand() -> None:
    outcome = world([Job(1000.0, 600.0)]).run()
    # One machine from the first decision at 0 to the end of the run at 1600.
    assert outcome.waits == [0.0]
    assert outcome.hours == pytest.approx(1600 / 3600)
    assert outcome.launches == 1


def test_a_reactive_policy_waits_for_a_boot_and_ours_does_not_if_it_is_announced() -> None:
    jobs = [Job(3000.0, 300.0, "f", announced=True) for _ in range(8)]
    keda = world(jobs, "keda").run()
    ours = world(jobs, "policy").run()
    assert min(keda.waits) >= 90
    assert max(ours.waits) <= 60


def test_the_oracle_lets_nothing_wait() -> None:
    assert max(world(later(retail.generate(5, hours=3)), "oracle").run().waits) == 0


def test_a_machine_that_is_ended_under_a_run_finishes_it() -> None:
    class Ender:
        def decide(self, view: View) -> Orders:
            return Orders(1 if view.observation.now < 500 else 0)

    jobs = [Job(300.0, 4000.0)]
    outcome = World(jobs, Ender(), faults=NO_FAULTS, seed=1, slots=1, maximum=3).run()
    assert outcome.killed == 0
    assert outcome.hours == pytest.approx(4300 / 3600)


def test_kedas_window_keeps_what_was_wanted() -> None:
    keda = Keda(4, 1.0, 300.0)
    seen = world([Job(0.0, 1.0)])._observe()[0]
    busy = replace(seen, waiting=tuple(Run("f", 0.0) for _ in range(9)))
    assert keda.decide(View(busy, (), 0, lambda _: 0)).desired == 3
    for now, wanted in ((299.0, 3), (300.0, 0)):
        later = replace(seen, now=now)
        assert keda.decide(View(later, (), 3, lambda _: 0)).desired == wanted


def test_a_trace_and_its_schedule_are_read(tmp_path: Path) -> None:
    trace, schedule = tmp_path / "t.csv", tmp_path / "s.csv"
    trace.write_text("arrival_s,duration_s,flow\n60,5,b\n0,10,a\n60,7,b\n")
    schedule.write_text("flow,arrival_s\nb,60\n")
    jobs = read_trace(trace, schedule)
    assert [(job.arrival, job.flow) for job in jobs] == [(0, "a"), (60, "b"), (60, "b")]
    assert [job.announced for job in jobs] == [False, True, False]
    trace.write_text("arrival_s,duration_s\n0,10\n")
    assert read_trace(trace) == [Job(0.0, 10.0)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("arrival_s\n1\n", "no column duration_s"),
        ("arrival_s,duration_s\n", "no row"),
        ("arrival_s,duration_s\n1,2\n3,soon\n", "t.csv:3: duration_s is 'soon'"),
        ("arrival_s,duration_s\n1,-2\n", "not negative"),
        ("arrival_s,duration_s\ninf,2\n", "finite"),
        ("arrival_s,duration_s\n1\n", "duration_s is None"),
    ],
)
def test_a_bad_trace_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(TraceError, match=words):
        read_trace(path)
    assert main(["--trace", str(path)]) == 2


@given(jobs_of)
def test_each_entry_of_a_schedule_announces_one_run(jobs: list[Job]) -> None:
    entries = [(job.flow, job.arrival) for job in jobs[::2]]
    assert sum(job.announced for job in announce(jobs, entries)) == len(entries)


def point(wait: float, hours: float) -> Point:
    return Point((), wait, hours, 0.0, 0, ())


def test_a_frontier_is_read_between_its_points_and_never_beyond() -> None:
    line = [point(10, 100), point(20, 80), point(15, 120), point(40, 40)]
    assert [p.p95_wait_s for p in efficient(line)] == [10, 20, 40]
    assert cost_at(line, 9) is None
    assert cost_at(line, 15) == pytest.approx(90)
    assert cost_at(line, 30) == pytest.approx(60)
    assert cost_at(line, 90) == 40
    table = compare({"policy": line, "keda": [point(15, 180), point(5, 300), point(30, 50)]})
    assert table["keda"]["cost_ratio_at_equal_p95"] == 0.5
    assert table["keda"]["worst_on_its_frontier"] == 1.2
    assert table["keda"]["not_reached"] == 1


def test_the_command_writes_json_and_a_chart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace, chart = tmp_path / "t.csv", tmp_path / "f.svg"
    rows = "".join(f"{60 * n},{30 + n},f\n" for n in range(30))
    trace.write_text("arrival_s,duration_s,flow\n" + rows)
    arguments = ["--trace", str(trace), "--policy", "all", "--seeds", "1", "--json"]
    assert main([*arguments, "--plot", str(chart), "--processes", "1"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result["policies"]) == set(SETTINGS)
    assert result["load"]["runs"] == [30]
    assert len(result["frontier"]["policy"]) == len(SETTINGS["policy"])
    assert chart.read_text().startswith("<svg")


def test_the_policy_meets_its_goals_on_a_morning_it_was_not_tuned_on() -> None:
    seeds = {seed: later(retail.generate(seed, hours=6)) for seed in (101, 102)}
    points = survey(["policy", "keda", "oracle"], seeds, frontier=False, processes=1)
    ours, keda, oracle = (points[name][0] for name in ("policy", "keda", "oracle"))
    assert ours.killed == 0
    assert ours.p95_wait_s <= 90
    assert ours.p95_wait_s < keda.p95_wait_s / 2
    assert ours.worker_hours < oracle.worker_hours
    assert ours.worker_hours < keda.worker_hours


def test_a_static_fleet_of_the_peak_never_waits_once_it_is_up() -> None:
    jobs = [Job(500.0 + n, 100.0) for n in range(50)]
    machines = math.ceil(peak_of(jobs) / 2)
    made = World(jobs, Static(machines), faults=NO_FAULTS, seed=1, slots=2, maximum=100)
    assert max(made.run().waits) == 0
