"""The promises of the scaling policy, for any fleet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.autoscaler.config import Config
from infra.autoscaler.forecast import Forecast, History, Rate
from infra.autoscaler.observation import Observation, Run, RunTime, Worker
from infra.autoscaler.policy import Decision, State, decide, foresee

NOW = 1_000_000.0
CONFIG = Config(maximum=30, patience=0.0)


def fleet(ready: int = 0, busy: int = 0, waiting: int = 0, **more: object) -> Observation:
    """A fleet with so many ready workers, `busy` runs on each, and so many runs waiting."""
    workers = tuple(Worker(f"i-{n:03}", "ready", NOW - 3600 + n, busy) for n in range(ready))
    running = tuple(Run("f", NOW - 5, w.id) for w in workers for _ in range(busy))
    values: dict[str, object] = {
        "now": NOW,
        "measured_at": NOW,
        "waiting": tuple(Run("f", NOW - 100) for _ in range(waiting)),
        "running": running,
        "workers": workers,
        "run_times": {"f": RunTime(600.0, 0.5)},
    }
    return Observation(**(values | more))  # type: ignore[arg-type]


def decided(seen: Observation, config: Config = CONFIG, **state: object) -> Decision:
    return decide(seen, Forecast(), State(**state), config)  # type: ignore[arg-type]


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    states = st.sampled_from(["pending", "ready", "cordoned", "terminating", "lost"])
    workers, running = [], []
    for number in range(draw(st.integers(0, 12))):
        state = draw(states)
        busy = 0 if state == "pending" else draw(st.integers(0, 4))
        since = NOW - draw(st.floats(0, 5000))
        workers.append(Worker(f"i-{number:03}", state, since, busy))
        for _ in range(busy):
            age = draw(st.floats(0, 5000))
            running.append(Run(draw(st.sampled_from("abc")), NOW - age, f"i-{number:03}"))
    waiting = [
        Run(draw(st.sampled_from("abc")), NOW - draw(st.floats(0, 900)))
        for _ in range(draw(st.integers(0, 40)))
    ]
    return Observation(
        now=NOW,
        measured_at=NOW - draw(st.floats(0, 240)),
        waiting=tuple(sorted(waiting, key=lambda run: run.since)),
        running=tuple(running),
        workers=tuple(workers),
        arrived=draw(st.integers(0, 20)),
        run_times={"a": RunTime(30.0, 0.4), "b": RunTime(900.0, 1.0)},
    )


@st.composite
def forecasts(draw: st.DrawFn) -> Forecast:
    announced = [Run("a", NOW + draw(st.floats(1, 900))) for _ in range(draw(st.integers(0, 30)))]
    rate = Rate(draw(st.floats(0, 0.5)), draw(st.floats(1, 50)))
    return Forecast(tuple(sorted(announced, key=lambda run: run.since)), rate)


configs = st.builds(
    lambda low, more, **rest: Config(minimum=low, maximum=low + more, **rest),
    st.integers(0, 5),
    st.integers(0, 20),
    target_wait=st.sampled_from([0.0, 15.0, 45.0, 300.0]),
    buffer=st.sampled_from([0.0, 1.0, 3.0]),
    spare=st.sampled_from([0.0, 0.15, 1.0]),
    patience=st.sampled_from([0.0, 60.0]),
    drain_share=st.sampled_from([0.1, 1.0]),
    launch_at_most=st.sampled_from([1, 3, 100]),
)
state_values = st.builds(
    State, surplus_since=st.sampled_from([None, NOW - 500]), launched_at=st.just(NOW - 500)
)


def after(seen: Observation, decision: Decision) -> Observation:
    """What is to be seen once a decision has been carried out."""
    counted = sum(w.state != "terminating" for w in seen.workers)
    changed = []
    for worker in seen.workers:
        if worker.id in decision.cordon:
            changed.append(replace(worker, state="cordoned"))
        elif worker.id in decision.uncordon:
            changed.append(replace(worker, state="ready"))
        elif worker.id in (*decision.terminate, *decision.replace):
            changed.append(replace(worker, state="terminating"))
        else:
            changed.append(worker)
    launches = 0 if decision.desired is None else decision.desired - counted
    launches += len(decision.replace)
    new = [Worker(f"i-new-{n}", "pending", seen.now, 0) for n in range(launches)]
    return replace(seen, workers=(*changed, *new))


@settings(max_examples=300, deadline=None)
@given(observations(), forecasts(), state_values, configs)
def test_any_decision_keeps_the_promises(
    seen: Observation, forecast: Forecast, state: State, config: Config
) -> None:
    decision = decide(seen, forecast, state, config)
    by_id = {worker.id: worker for worker in seen.workers}
    counted = sum(worker.state != "terminating" for worker in seen.workers)
    working = sum(worker.state in ("ready", "pending") for worker in seen.workers)
    if decision.desired is not None:
        assert counted < decision.desired <= config.maximum
        assert decision.desired - counted <= config.launch_at_most
    for ended in decision.terminate:
        assert by_id[ended].state == "cordoned"
        assert by_id[ended].busy == 0
    for lost in decision.replace:
        assert by_id[lost].state == "lost"
        assert by_id[lost].busy == 0
    assert all(by_id[one].state == "ready" for one in decision.cordon)
    assert all(by_id[one].state == "cordoned" for one in decision.uncordon)
    if decision.terminate:
        assert counted - len(decision.terminate) >= config.minimum
    if decision.cordon:
        assert working - len(decision.cordon) >= config.minimum
    scales_in = bool(decision.cordon or decision.terminate)
    if seen.now - seen.measured_at > config.stale:
        assert not decision.acts
    if any(w.state == "pending" and seen.now - w.since <= config.overdue for w in by_id.values()):
        assert not scales_in
    assert not (scales_in and decision.desired is not None)
    assert "\n" not in decision.reason


@settings(max_examples=100, deadline=None)
@given(observations(), forecasts(), state_values, configs)
def test_a_decision_is_a_function_of_its_arguments(
    seen: Observation, forecast: Forecast, state: State, config: Config
) -> None:
    shuffled = replace(seen, workers=seen.workers[::-1], run_times=dict(seen.run_times))
    assert decide(seen, forecast, state, config) == decide(shuffled, forecast, state, config)


@settings(max_examples=100, deadline=None)
@given(observations(), forecasts(), state_values, configs)
def test_a_second_invocation_for_the_same_moment_does_nothing(
    seen: Observation, forecast: Forecast, state: State, config: Config
) -> None:
    first = decide(seen, forecast, state, config)
    if first.state.at == seen.now:
        assert not decide(after(seen, first), forecast, first.state, config).acts


@settings(max_examples=150, deadline=None)
@given(observations(), forecasts(), state_values, configs)
def test_what_was_launched_is_not_launched_again(
    seen: Observation, forecast: Forecast, state: State, config: Config
) -> None:
    config = replace(config, launch_at_most=1000)
    seen = replace(seen, measured_at=seen.now)
    first = decide(seen, forecast, state, config)
    # Even with the state lost, the pending machines are seen and suffice.
    again = decide(after(seen, first), forecast, state, config)
    assert again.desired is None


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 8), st.integers(0, 4), st.integers(0, 150), st.integers(1, 50), forecasts())
def test_more_waiting_runs_never_mean_fewer_machines(
    ready: int, busy: int, waiting: int, more: int, forecast: Forecast
) -> None:
    forecast = replace(forecast, rate=Rate(0.0, 1.0), announced=())
    few = decide(fleet(ready, busy, waiting), forecast, State(), CONFIG)
    many = decide(fleet(ready, busy, waiting + more), forecast, State(), CONFIG)
    assert many.metrics["desired"] >= few.metrics["desired"]
    assert len(many.cordon) <= len(few.cordon)


def test_a_queue_launches_what_it_needs_and_no_more() -> None:
    decision = decided(fleet(waiting=20), replace(CONFIG, spare=0.0))
    assert decision.desired == 5
    assert "launch 5" in decision.reason


def test_short_runs_that_the_fleet_will_have_done_before_a_boot_launch_nothing() -> None:
    quick = fleet(ready=2, waiting=30, run_times={"f": RunTime(5.0, 0.3)})
    assert decided(quick).desired is None
    assert decided(fleet(ready=2, waiting=30)).desired is not None


def test_an_announced_burst_is_met_by_the_last_launch_in_time_and_not_before() -> None:
    config = replace(CONFIG, spare=0.0)
    lead = config.boot - config.target_wait
    for seconds, launches in ((lead + 120, False), (lead - 30, True)):
        coming = Forecast(tuple(Run("f", NOW + seconds) for _ in range(16)))
        decision = decide(fleet(), coming, State(), config)
        assert (decision.desired == 4) is launches, seconds


def test_unannounced_arrivals_are_prepared_for_by_their_rate() -> None:
    none = decide(fleet(), Forecast(), State(), CONFIG)
    some = decide(fleet(), Forecast(rate=Rate(0.2, 1.0)), State(), CONFIG)
    bursts = decide(fleet(), Forecast(rate=Rate(0.2, 20.0)), State(), CONFIG)
    assert none.desired is None
    assert some.desired is not None
    assert bursts.desired is not None
    assert bursts.desired > some.desired


def test_stale_metrics_hold_even_with_a_long_queue() -> None:
    decision = decided(fleet(waiting=50, measured_at=NOW - 121))
    assert not decision.acts
    assert "121 s old" in decision.reason


def test_a_pending_launch_blocks_scale_in_until_it_is_overdue() -> None:
    seen = fleet(ready=5)
    pending = Worker("i-p", "pending", NOW - 60)
    overdue = replace(pending, since=NOW - 500)
    assert decided(seen).cordon
    assert not decided(replace(seen, workers=(*seen.workers, pending))).cordon
    assert decided(replace(seen, workers=(*seen.workers, overdue))).cordon


def test_an_overdue_launch_that_may_yet_come_lets_no_machine_go_that_is_needed() -> None:
    overdue = Worker("i-p", "pending", NOW - CONFIG.overdue - 1)
    idle = Worker("i-idle", "ready", NOW - 9000)
    seen = fleet(workers=(idle, overdue))
    coming = Forecast(tuple(Run("f", NOW + 90) for _ in range(4)))
    assert decided(seen).cordon == ("i-idle",)
    assert not decide(seen, coming, State(), CONFIG).cordon


def test_machines_are_cordoned_that_will_be_empty_soonest() -> None:
    soon, late = (Worker(name, "ready", NOW - 9000, 2) for name in ("i-soon", "i-late"))
    third = Worker("i-other", "ready", NOW - 9000, 1)
    seen = fleet(
        workers=(late, soon, third),
        running=(
            *(Run("f", NOW - 590, "i-soon") for _ in range(2)),
            *(Run("long", NOW - 5, "i-late") for _ in range(2)),
            Run("long", NOW - 5, "i-other"),
        ),
        run_times={"f": RunTime(600.0, 0.1), "long": RunTime(5000.0, 0.5)},
    )
    assert decided(seen, replace(CONFIG, drain_share=0.4)).cordon == ("i-soon",)


def test_runs_that_became_due_after_the_figures_were_read_are_not_forgotten() -> None:
    announced = tuple(Run("f", NOW - at) for at in (60.0, 20.0))
    forecast, _ = foresee(fleet(measured_at=NOW - 40), announced, State(), CONFIG)
    assert forecast.announced == announced[1:]


def test_idle_machines_are_cordoned_first_and_the_oldest_of_them_first() -> None:
    busy = Worker("i-busy", "ready", NOW - 9000, 1)
    idle = [Worker(f"i-{age}", "ready", NOW - age, 0) for age in (50, 5000, 500)]
    seen = fleet(workers=(busy, *idle), running=(Run("f", NOW - 5, "i-busy"),))
    assert decided(seen, replace(CONFIG, drain_share=0.5)).cordon == ("i-5000", "i-500")


def test_a_surplus_must_last_and_a_launch_must_be_past() -> None:
    config = replace(CONFIG, patience=60.0, cool_down=300.0)
    first = decided(fleet(ready=3), config)
    assert not first.cordon
    assert first.state.surplus_since == NOW
    long_enough = {"surplus_since": NOW - 60}
    assert decided(fleet(ready=3), config, **long_enough).cordon
    assert not decided(fleet(ready=3), config, **long_enough, launched_at=NOW - 200).cordon


def test_a_cordoned_machine_is_taken_back_before_one_is_launched() -> None:
    cordoned = Worker("i-c", "cordoned", NOW - 900, 1)
    seen = fleet(waiting=3, workers=(cordoned,), running=(Run("f", NOW - 5, "i-c"),))
    decision = decided(seen)
    assert decision.uncordon == ("i-c",)
    assert decision.desired is None


def test_lost_machines_are_replaced_once_they_have_no_run() -> None:
    lost = Worker("i-lost", "lost", NOW - 9000, 0)
    assert decided(fleet(workers=(lost,))).replace == ("i-lost",)
    assert decided(fleet(workers=(replace(lost, busy=1),))).replace == ()


def test_stale_figures_are_not_counted_as_arrivals() -> None:
    state = State(history=History(NOW - 30, ()))
    _, counted = foresee(fleet(arrived=7), (), state, CONFIG)
    _, held = foresee(fleet(arrived=7, measured_at=NOW - 500), (), state, CONFIG)
    assert counted.history.samples == ((30.0, 7.0),)
    assert held.history == state.history


@pytest.mark.parametrize(
    "wrong",
    [
        {"slots": 0},
        {"minimum": 5, "maximum": 4},
        {"boot": 0.0},
        {"buffer": -1.0},
        {"drain_share": 0.0},
        {"launch_at_most": 0},
        {"pending_limit": 100.0},
    ],
)
def test_a_configuration_that_cannot_work_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="fleet work"):
        Config(**wrong)  # type: ignore[arg-type]
