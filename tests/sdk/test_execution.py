"""Walks of executions without Prefect: retry, fallback and checks, by example and by model."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdk import checks
from sdk.errors import CheckFailed, ConfigurationError, Permanent, StorageError, Transient
from sdk.execution import Execution
from sdk.fallback import Fallback, alternative, default, duration, last_good
from sdk.manifest import Input
from sdk.policy import NONE, RetryPolicy
from sdk.run import Run
from sdk.statistics import read_records, record
from sdk.step import Call, Result, Step, Wait, arguments_of, invoke
from sdk.store import Store

DAY = date(2026, 8, 15)
THREE = RetryPolicy("three", attempts=3, base=1, cap=4)
GOOD = pl.DataFrame({"price": [1.0, 2.0, 3.0]})
BAD = pl.DataFrame({"price": [-1.0]})


def run_for(store: str, day: date = DAY, **fields: Any) -> Run:
    return Run(
        customer="acme", day=day, store=store, run_id="r", root_id="r", path=("r",), **fields
    )


def walk(
    step: Step, function: Callable[..., Any], run: Run | None, **parameters: Any
) -> tuple[Result, list[float]]:
    """Walk an execution on a clock that only waits move."""
    now = 0.0
    waits: list[float] = []
    execution = Execution(step, function, parameters, run, clock=lambda: now, draw=random.Random(1))
    steps = execution.walk()
    try:
        action = next(steps)
        while True:
            if isinstance(action, Wait):
                waits.append(action.seconds)
                now += action.seconds
                action = steps.send(None)
                continue
            assert isinstance(action, Call)
            try:
                value = invoke(action.function, action.arguments)
            except Exception as error:
                action = steps.throw(error)
            else:
                action = steps.send(value)
    except StopIteration as stop:
        return stop.value, waits


class Flaky:
    """Raises the given errors in turn, then returns."""

    def __init__(self, *errors: Exception, value: Any = GOOD) -> None:
        self.errors = list(errors)
        self.value = value
        self.calls = 0

    def __call__(self) -> Any:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.value


@pytest.mark.parametrize("fallback", [alternative(lambda: GOOD), default(GOOD)])
def test_what_a_failed_attempt_recorded_says_nothing_of_a_fallback(
    tmp_path: Path, fallback: Fallback
) -> None:
    def half() -> pl.DataFrame:
        record(coverage=0.1)
        raise Permanent("most sites are away")

    step = Step("s", dataset="s", retry=NONE, fallbacks=(fallback,))
    result, _ = walk(step, half, run_for(str(tmp_path)))
    assert result.value.coverage == 1.0
    assert result.record.statistics.recorded == {}


def test_what_a_failed_attempt_recorded_is_kept_where_the_fallback_fails_too(
    tmp_path: Path,
) -> None:
    def half() -> None:
        record(coverage=0.1)
        raise Permanent("most sites are away")

    def none() -> None:
        record(other=1)
        raise Permanent("nor here")

    run = run_for(str(tmp_path))
    with pytest.raises(Permanent, match="most sites"):
        walk(Step("s", retry=NONE, fallbacks=(alternative(none),)), half, run)
    assert [entry.statistics.recorded for entry in read_records(run)] == [{"coverage": 0.1}]


def test_transient_errors_are_tried_again_and_the_delays_recorded(tmp_path: Path) -> None:
    made = Flaky(Transient("busy"), ConnectionResetError())
    result, waits = walk(Step("s", dataset="d", retry=THREE), made, run_for(str(tmp_path)))
    assert made.calls == 3
    statistics = result.record.statistics
    assert statistics.attempts == 3
    assert statistics.delays == tuple(round(wait, 3) for wait in waits)
    assert len(waits) == 2
    manifest = Store(str(tmp_path)).latest(result.value.key)
    assert manifest is not None
    assert manifest.statistics is not None
    assert manifest.statistics.delays == statistics.delays


def test_permanent_errors_are_not_tried_again(tmp_path: Path) -> None:
    made = Flaky(Permanent("no such column"))
    with pytest.raises(Permanent, match="no such column"):
        walk(Step("s", dataset="d", retry=THREE), made, run_for(str(tmp_path)))
    assert made.calls == 1
    assert [entry.outcome for entry in read_records(run_for(str(tmp_path)))] == ["failed"]


def test_retry_after_is_obeyed_and_the_budget_kept(tmp_path: Path) -> None:
    policy = RetryPolicy("tight", attempts=9, base=0, cap=0, budget=25)
    made = Flaky(*[Transient("busy", retry_after=10) for _ in range(9)])
    with pytest.raises(Transient):
        walk(Step("s", retry=policy), made, run_for(str(tmp_path)))
    assert made.calls == 3, "0 s, 10 s, 20 s; the next would be at 30 s"


def test_an_identical_run_is_reused_and_another_is_not(tmp_path: Path) -> None:
    step = Step(
        "s", dataset="d", retry=NONE, inputs=lambda source: [Input(name="f", content_hash=source)]
    )
    calls: list[str] = []

    def make(source: str, price: float) -> pl.DataFrame:
        calls.append(source)
        return pl.DataFrame({"price": [price]})

    run = run_for(str(tmp_path))
    first, _ = walk(step, make, run, source="hash1", price=1.0)
    again, _ = walk(step, make, run, source="hash1", price=1.0)
    assert again.value == first.value
    assert again.record.outcome == "reused"
    assert again.record.statistics.attempts == 0
    for parameters in ({"source": "hash2", "price": 1.0}, {"source": "hash2", "price": 2.0}):
        other, _ = walk(step, make, run, **parameters)
        assert other.record.outcome == "fresh"
    refreshed, _ = walk(step, make, run_for(str(tmp_path), refresh=True), source="hash2", price=2.0)
    assert refreshed.record.outcome == "fresh"
    assert len(calls) == 4


def test_a_damaged_dataset_is_made_anew(tmp_path: Path) -> None:
    step, run = Step("s", dataset="d", retry=NONE), run_for(str(tmp_path))
    first, _ = walk(step, lambda: GOOD, run)
    Path(first.value.url()).unlink()
    again, _ = walk(step, lambda: GOOD, run)
    assert again.record.outcome == "fresh"
    assert again.value.frame().equals(GOOD)


def test_last_good_is_served_and_travels(tmp_path: Path) -> None:
    step = Step("s", dataset="d", retry=NONE, fallbacks=(last_good("3d"),))
    walk(step, lambda: GOOD, run_for(str(tmp_path), DAY - timedelta(days=2)))
    run = run_for(str(tmp_path))
    result, _ = walk(step, Flaky(Transient("site is down")), run)
    assert result.record.outcome == "degraded"
    assert result.value.source == "last_good"
    assert result.value.age_days == 2
    [reason] = result.value.degraded
    assert (reason.dataset, reason.reason, reason.age_days) == ("d", "site is down", 2)
    built, _ = walk(Step("t", dataset="e", retry=NONE), lambda d: d.frame(), run, d=result.value)
    assert built.value.degraded == (reason,)
    assert built.record.outcome == "degraded"
    recovered, _ = walk(step, lambda: GOOD, run)
    assert recovered.value.source == "fresh"
    fresh, _ = walk(Step("t", dataset="e", retry=NONE), lambda d: d.frame(), run, d=recovered.value)
    assert fresh.value.degraded == ()
    assert fresh.record.outcome == "fresh", "not the degraded version of the same rows"


def test_fallbacks_are_asked_in_order(tmp_path: Path) -> None:
    def other(source: str) -> pl.DataFrame:
        raise ConnectionRefusedError

    step = Step(
        "s",
        dataset="d",
        retry=NONE,
        fallbacks=(last_good("3d"), alternative(other), default(BAD)),
    )
    result, _ = walk(step, Flaky(Transient("down")), run_for(str(tmp_path)))
    assert result.value.source == "default"
    assert result.value.frame().equals(BAD)
    assert result.record.fallback == "default"


def test_a_failed_blocking_check_serves_nothing_unless_asked(tmp_path: Path) -> None:
    must = {"data": [checks.between("price", 0)]}
    strict = Step("s", dataset="d", retry=THREE, checks=must, fallbacks=(default(GOOD),))
    made = Flaky(value=BAD)
    with pytest.raises(CheckFailed, match="price in 0"):
        walk(strict, made, run_for(str(tmp_path)))
    assert made.calls == 1, "wrong rows do not become right by asking again"
    assert Store(str(tmp_path)).days("acme", "d") == []
    asked = Step("s", dataset="d", checks=must, fallbacks=(default(GOOD, on_failed_check=True),))
    result, _ = walk(asked, Flaky(value=BAD), run_for(str(tmp_path)))
    assert result.value.frame().equals(GOOD)


def test_rows_are_set_aside_in_a_dataset_of_their_own(tmp_path: Path) -> None:
    rows = pl.DataFrame({"price": [1.0, -1.0, 5.0, None]})
    step = Step(
        "s",
        dataset="d",
        checks={"data": [checks.between("price", 0, otherwise="quarantine", at_most=0.5)]},
    )
    run = run_for(str(tmp_path))
    result, _ = walk(step, lambda: rows, run)
    assert result.value.frame()["price"].to_list() == [1.0, 5.0, None]
    assert result.record.quarantined == 1
    aside = Store(str(tmp_path)).dataset(
        result.value.key.model_copy(update={"name": "d.quarantine"})
    )
    assert aside is not None
    assert aside.frame()["price"].to_list() == [-1.0]
    assert aside.frame()["quarantine_reason"].to_list() == ["price in 0.."]


def test_what_a_step_says_of_itself_reaches_the_dataset(tmp_path: Path) -> None:
    def make() -> pl.DataFrame:
        record(coverage=0.75)
        return GOOD

    result, _ = walk(Step("s", dataset="d"), make, run_for(str(tmp_path)))
    assert result.value.coverage == 0.75


def test_a_step_that_publishes_for_nobody_says_so() -> None:
    with pytest.raises(ConfigurationError, match="publishes 'd' for nobody"):
        walk(Step("s", dataset="d"), lambda: GOOD, None)
    with pytest.raises(ConfigurationError, match="last_good"):
        Step("s", fallbacks=(last_good(),))


def test_a_store_that_cannot_be_written_fails_in_words(tmp_path: Path) -> None:
    (tmp_path / "acme").write_text("a file where a folder is needed")
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        walk(Step("s", dataset="d"), lambda: GOOD, run_for(str(tmp_path)))


def test_durations() -> None:
    assert duration("1h30m") == timedelta(minutes=90)
    assert duration("2w") == timedelta(days=14)
    for bad in ("", "soon", "3", "3d later", "1.5h"):
        with pytest.raises(ValueError, match="not a duration"):
            duration(bad)


def test_arguments_reach_every_kind_of_parameter() -> None:
    def every(a: int, /, b: int, *rest: int, c: int = 3, **named: int) -> tuple[object, ...]:
        return a, b, rest, c, named

    arguments = arguments_of(every, (1, 2, 7, 8), {"d": 4})
    assert invoke(every, arguments) == (1, 2, (7, 8), 3, {"d": 4})
    assert invoke(lambda b: b, arguments) == 2


# -- the model: what must come of any history of errors, checks and fallbacks -------------------

errors = st.sampled_from(["transient", "permanent", "unknown", "bad rows"])


@settings(max_examples=150, deadline=None)
@given(
    script=st.lists(errors, max_size=6),
    attempts=st.integers(1, 5),
    retry_unknown=st.booleans(),
    kinds=st.lists(st.sampled_from(["last_good", "alternative", "broken", "default"]), max_size=3),
    asked=st.booleans(),
    good_before=st.booleans(),
)
def test_every_history_ends_as_the_model_says(
    script: list[str],
    attempts: int,
    retry_unknown: bool,
    kinds: list[str],
    asked: bool,
    good_before: bool,
) -> None:
    made = {"transient": Transient, "permanent": Permanent, "unknown": RuntimeError}
    calls = 0

    def function() -> pl.DataFrame:
        nonlocal calls
        calls += 1
        now = script[calls - 1] if calls <= len(script) else "good"
        if now in made:
            raise made[now](now)
        return BAD if now == "bad rows" else GOOD

    def broken() -> pl.DataFrame:
        raise RuntimeError("the other source is down, too")

    policy = RetryPolicy("any", attempts=attempts, base=0, retry_unknown=retry_unknown)
    fallbacks: dict[str, Fallback] = {
        "last_good": last_good("3d", on_failed_check=asked),
        "alternative": alternative(lambda: GOOD, on_failed_check=asked),
        "broken": alternative(broken, on_failed_check=asked),
        "default": default(GOOD, on_failed_check=asked),
    }
    step = Step(
        "s",
        dataset="d",
        retry=policy,
        checks={"data": [checks.between("price", 0)]},
        fallbacks=tuple(fallbacks[kind] for kind in kinds),
    )

    # The model.
    expected_calls, ending = 0, "good"
    for ending in [*script, "good"]:
        expected_calls += 1
        again = ending == "transient" or (ending == "unknown" and retry_unknown)
        if not again or expected_calls == attempts:
            break
    usable = [
        kind
        for kind in kinds
        if kind in ("alternative", "default") or (kind == "last_good" and good_before)
    ]
    served = usable[0] if usable and (ending != "bad rows" or asked) else None

    with tempfile.TemporaryDirectory() as folder:
        if good_before:
            walk(Step("s", dataset="d"), lambda: GOOD, run_for(folder, DAY - timedelta(days=1)))
        store = Store(folder)
        try:
            result, waits = walk(step, function, run_for(folder))
        except Exception as error:
            assert ending != "good"
            assert served is None
            assert str(error).startswith(ending) or isinstance(error, CheckFailed)
            assert DAY not in store.days("acme", "d"), "nothing that anyone can read"
            outcome = "failed"
        else:
            assert len(waits) == expected_calls - 1
            if ending == "good":
                assert result.value.source == "fresh"
                assert result.value.degraded == ()
                outcome = "fresh"
            else:
                assert result.value.source == served
                assert len(result.value.degraded) == 1
                outcome = "degraded"
            assert store.latest(result.value.key) is not None
            assert result.value.frame().equals(GOOD)
        assert calls == expected_calls
        assert [entry.outcome for entry in read_records(run_for(folder))][-1] == outcome
