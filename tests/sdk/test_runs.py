"""Tasks and flows through Prefect's real engine (the in-process API)."""

from __future__ import annotations

import asyncio
import inspect
from datetime import date
from typing import Any

import cloudpickle
import polars as pl
import prefect
import pytest
from prefect.states import Completed
from prefect.tasks import task_input_hash
from pydantic import SecretStr

from sdk import (
    Dataset,
    DatasetKey,
    Permanent,
    RetryPolicy,
    Store,
    Transient,
    branch,
    checks,
    current_run,
    default,
    flow,
    last_good,
    task,
)
from sdk.flows import CustomerFlow
from sdk.progress import Event, StepEnded, listening
from sdk.statistics import StepRecord
from sdk.tasks import StepTask

DAY = date(2026, 8, 15)
FAST = RetryPolicy("fast", attempts=3, base=0.001, cap=0.002)
GOOD = pl.DataFrame({"price": [1.0, 2.0]})


def summary_of(run: Any, *args: Any, **kwargs: Any) -> tuple[Any, list[StepRecord]]:
    records: list[StepRecord] = []

    def listen(event: Event) -> None:
        if isinstance(event, StepEnded):
            records.append(event.record)

    with listening(listen):
        state = run(*args, return_state=True, **kwargs)
    return state, records


def test_without_our_keywords_it_is_prefect(store_url: str) -> None:
    @task
    def one(x: int) -> int:
        return x + 1

    @flow
    def plain(x: int) -> int:
        assert current_run() is None
        return one(x) + one.submit(x).result()

    assert isinstance(one, StepTask)
    assert isinstance(one, prefect.Task)
    assert isinstance(plain, prefect.Flow)
    assert one.step is None
    assert inspect.isfunction(one.fn)
    assert inspect.isfunction(plain.fn)
    assert plain(1) == 4


def test_what_prefect_derives_comes_from_the_users_function() -> None:
    def body(x: int, *, y: str = "a") -> int:
        """Say what it does."""
        return x

    theirs, ours = prefect.task(body), task(retry=FAST)(body)
    assert (ours.name, ours.task_key, ours.description) == (
        theirs.name,
        theirs.task_key,
        theirs.description,
    )
    assert inspect.signature(ours.fn) == inspect.signature(body)
    assert ours.fn.__code__ is body.__code__
    their_flow, our_flow = prefect.flow(body), flow(customer="acme")(body)
    assert our_flow.version == their_flow.version
    assert our_flow.parameters == their_flow.parameters
    assert our_flow._entrypoint == their_flow._entrypoint
    assert ours.fn(3) == 3
    assert our_flow.fn(3) == 3


def test_every_argument_of_prefects_is_taken() -> None:
    for ours, theirs, made in ((task, prefect.task, StepTask), (flow, prefect.flow, CustomerFlow)):
        assert inspect.signature(ours) == inspect.signature(theirs)
        with pytest.raises(TypeError, match="nonsense"):
            ours(nonsense=1)(lambda: 1)
        named = ours(name="other", retries=2, tags=["a"]) if ours is task else ours(name="other")
        assert isinstance(named(lambda: 1), made)
    assert flow.from_source == prefect.Flow.from_source


def test_with_options_keeps_the_step() -> None:
    @task(dataset="offers", retry=FAST, timeout_seconds=7, tags=["x"])
    async def step() -> pl.DataFrame:
        return GOOD

    other = step.with_options(name="other", retry=FAST.with_attempts(9))
    assert other.step is not None
    assert step.step is not None
    assert (other.name, other.step.dataset, other.step.retry.attempts) == ("other", "offers", 9)
    assert (step.name, step.step.retry.attempts) == ("step", 3)
    assert other.step.time_limit == 7
    assert other.isasync
    assert other.tags == {"x"}

    @flow(customer="acme", owner="grocery")
    def daily() -> None: ...

    renamed = daily.with_options(name="renamed", owner="fresh")
    assert renamed.options is not None
    assert (renamed.name, renamed.options.customer, renamed.options.owner) == (
        "renamed",
        "acme",
        "fresh",
    )
    assert isinstance(renamed, CustomerFlow)


def test_a_day_end_to_end(store_url: str) -> None:
    @task(dataset="raw", checks=[checks.rows(1)])
    def make(day: date) -> pl.DataFrame:
        return GOOD

    @task(dataset="double")
    def double(raw: Dataset) -> pl.DataFrame:
        return raw.frame() * 2

    @flow(customer="acme")
    def daily(day: date | None = None) -> Dataset:
        assert day == DAY
        made = double(make(day))
        assert branch(made.rows > 1, "there are rows", rows=made.rows)
        return made

    state, records = summary_of(daily, DAY)
    assert state.is_completed()
    assert state.name == "Completed"
    made = state.result()
    assert made.frame()["price"].to_list() == [2.0, 4.0]
    assert [record.step for record in records if record.dataset] == ["make", "double"]
    assert all(record.run_id for record in records)
    again, records = summary_of(daily, DAY)
    assert again.result() == made
    assert [record.outcome for record in records if record.dataset] == ["reused", "reused"]


@pytest.mark.parametrize("returns", ["dataset", "nothing", "state"])
def test_degraded_reaches_the_runs_name(store_url: str, returns: str) -> None:
    @task(dataset="raw", retry=FAST, fallback=default(GOOD))
    def make() -> pl.DataFrame:
        raise Transient("the site is down")

    @task(dataset="built")
    def build(raw: Dataset) -> pl.DataFrame:
        return raw.frame()

    @flow(customer="acme")
    def daily(day: date) -> Any:
        raw = make(return_state=True)
        assert raw.name == "Degraded"
        made = build(raw.result())
        return {"dataset": made, "nothing": None, "state": Completed(data=made)}[returns]

    state, records = summary_of(daily, DAY)
    assert state.is_completed()
    assert state.name == "Degraded"
    assert "the site is down" in (state.message or "")
    assert [record.outcome for record in records if record.dataset] == ["degraded", "degraded"]


def test_a_failed_future_still_fails_a_degraded_flow(store_url: str) -> None:
    @task(retry=FAST, fallback=default(1))
    def served() -> int:
        raise Transient("down")

    @task
    def fails() -> None:
        raise ValueError("no")

    @flow(customer="acme")
    def daily(day: date) -> None:
        assert served() == 1
        fails.submit()

    assert daily(DAY, return_state=True).is_failed()


def test_a_failure_is_the_steps_own_error(store_url: str) -> None:
    @task(dataset="raw", retry=FAST, fallback=last_good("3d"))
    def make() -> pl.DataFrame:
        raise Permanent("column price is missing", "Ask the customer.")

    @flow(customer="acme")
    def daily(day: date) -> None:
        make()

    with pytest.raises(Permanent, match="column price is missing"):
        daily(DAY)


def test_a_flow_recovers_at_its_second_attempt(store_url: str) -> None:
    attempts = 0

    @task(retry=FAST, fallback=default(0))
    def step() -> int:
        if attempts == 1:
            raise Transient("down")
        return 1

    @flow(customer="acme", retry=FAST)
    def daily(day: date) -> int:
        nonlocal attempts
        attempts += 1
        value = step()
        if attempts == 1:
            raise ConnectionResetError
        return value

    state = daily(DAY, return_state=True)
    assert attempts == 2
    assert state.name == "Completed", "the first attempt's fallback is not part of the run"
    assert state.result() == 1


def test_subflows_share_the_run(store_url: str) -> None:
    seen = []

    @task(dataset="raw")
    def make() -> pl.DataFrame:
        return GOOD

    @flow(retry=FAST, fallback=default(None))
    def stage() -> Dataset:
        run = current_run()
        assert run is not None
        seen.append(run)
        return make()

    @flow(customer="acme")
    def daily(day: date) -> Dataset:
        run = current_run()
        assert run is not None
        seen.append(run)
        return stage()

    made = daily(DAY)
    parent, child = seen
    assert made.customer == "acme"
    assert made.day == DAY
    assert child.root_id == parent.run_id != child.run_id
    assert child.path == (parent.run_id, child.run_id)


def test_async_steps_and_flows(store_url: str) -> None:
    calls = 0

    @task(dataset="raw", retry=FAST)
    async def make() -> pl.DataFrame:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        if calls == 1:
            raise ConnectionResetError
        return GOOD

    @task(retry=FAST, fallback=default("late"), timeout_seconds=0.2)
    async def slow() -> str:
        await asyncio.sleep(30)
        return "in time"

    @flow(customer="acme")
    async def daily(day: date) -> tuple[Dataset, str]:
        return await make(), await slow.with_options(retry=FAST.with_attempts(1))()

    state = asyncio.run(daily(DAY, return_state=True))
    assert state.name == "Degraded"
    made, said = state.result()
    assert made.frame().equals(GOOD)
    assert (calls, said) == (2, "late")


def test_a_time_limit_is_for_one_attempt_and_leads_to_the_fallback(store_url: str) -> None:
    import time

    @task(retry=FAST.with_attempts(2), fallback=default("late"), timeout_seconds=0.3)
    def slow() -> str:
        for _ in range(1000):
            time.sleep(0.01)
        return "in time"

    @flow(customer="acme")
    def daily(day: date) -> str:
        return slow()

    state, [record, *_] = summary_of(daily, DAY)
    assert (state.name, state.result()) == ("Degraded", "late")
    assert record.statistics.attempts == 2
    assert "no result within 0.3 s" in (record.error or "")


def test_submit_map_and_cache_keys(store_url: str) -> None:
    @task(retry=FAST, cache_key_fn=task_input_hash)
    def add(x: int, y: int = 1) -> int:
        run = current_run()
        assert run is not None
        assert run.customer == "acme"
        return x + y

    @flow(customer="acme")
    def daily(day: date) -> list[int]:
        return [add.submit(1).result(), *(future.result() for future in add.map([1, 2, 3], y=2))]

    assert daily(DAY) == [2, 3, 4, 5]


def test_a_step_travels_pickled() -> None:
    @task(dataset="raw", retry=FAST, checks=[checks.rows(1)], fallback=last_good("3d"))
    def make(day: date) -> pl.DataFrame:
        return GOOD

    travelled = cloudpickle.loads(cloudpickle.dumps(make))
    assert travelled.step.retry == FAST
    assert travelled.fn(DAY).equals(GOOD)


def test_a_step_in_a_plain_prefect_flow_takes_its_place_from_its_inputs(store_url: str) -> None:
    made = Store(store_url).publish(
        DatasetKey(customer="acme", name="raw", day=DAY), GOOD, fingerprint=""
    )

    @task(dataset="built")
    def build(raw: Dataset) -> pl.DataFrame:
        return raw.frame()

    @prefect.flow
    def plain() -> Dataset:
        return build(made)

    built = plain()
    assert (built.customer, built.day, built.name) == ("acme", DAY, "built")


def test_a_run_that_is_told_no_day_is_of_the_day_it_was_due(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    monkeypatch.setenv("DATAWEAVE_TIMEZONE", "Pacific/Kiritimati")
    monkeypatch.setattr(
        "sdk.prefect2.scheduled_start", lambda: datetime(2026, 8, 14, 12, 30, tzinfo=UTC)
    )

    @flow(customer="acme")
    def daily(day: date | None = None) -> date | None:
        return day

    assert daily() == DAY


def test_secrets_are_found_nowhere(store_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    from pathlib import Path

    secret = "hunter2-correct-horse"

    @task(dataset="raw", retry=FAST, fallback=default(GOOD))
    def connect(password: SecretStr, url: str) -> pl.DataFrame:
        raise Transient(f"cannot log in with {password.get_secret_value()} at {url}")

    @flow(customer="acme")
    def daily(day: date) -> None:
        connect(SecretStr(secret), f"postgresql://reader:{secret}@127.0.0.1/prices")

    state = daily(DAY, return_state=True)
    assert state.name == "Degraded"
    written = "".join(path.read_text(errors="replace") for path in Path(store_url).rglob("*.json"))
    shown = capfd.readouterr()
    assert "cannot log in with" in written
    for text in (written, shown.out, shown.err, state.message or ""):
        assert secret not in text


def test_a_lost_column_is_an_error_that_its_own_advice_gets_past(store_url: str) -> None:
    from datetime import date

    columns = {"sku": ["1"], "price": [1.0]}

    def make(day: date) -> pl.DataFrame:
        return pl.DataFrame(columns)

    strict = task(dataset="raw", retry=FAST)(make)
    allowed = strict.with_options(accept_schema_change=True)

    @flow(customer="acme")
    def run(day: date, meant: bool) -> list[str]:
        return (allowed if meant else strict)(day).frame().columns

    assert run(date(2026, 8, 14), False) == ["sku", "price"]
    del columns["price"]
    with pytest.raises(Permanent, match="price"):
        run(date(2026, 8, 15), False)
    assert run(date(2026, 8, 15), True) == ["sku"]
