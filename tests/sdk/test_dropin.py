"""`sdk.task` and `sdk.flow` in the place of Prefect's: what is derived, taken and returned."""

from __future__ import annotations

import asyncio
import functools
import inspect
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import cloudpickle
import prefect
import pytest
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import load_flow_from_entrypoint, load_flow_from_script
from prefect.states import Cancelled
from prefect.tasks import task_input_hash

from sdk import NONE, RetryPolicy, Run, Transient, current_run, default, flow, task
from sdk.flows import CustomerFlow
from sdk.tasks import StepTask

DAY = date(2026, 8, 15)
FAST = RetryPolicy("fast", attempts=3, base=0.001, cap=0.002)


def plain(x: int, /, y: str = "a", *rest: int, z: float = 1.0, **more: Any) -> int:
    """Say what it does."""
    return x


async def asynchronous(x: int) -> int:
    return x


def generator(x: int) -> Iterator[int]:
    yield x


async def asynchronous_generator(x: int) -> AsyncIterator[int]:
    yield x


@functools.wraps(asynchronous)
def wrapped(x: int) -> Any:
    return asynchronous(x)


class Shop:
    """Where functions may stand."""

    @staticmethod
    def static(x: int) -> int:
        return x

    def method(self, x: int) -> int:
        return x

    @classmethod
    def made(cls, x: int) -> int:
        return x


FUNCTIONS: list[Callable[..., Any]] = [
    plain,
    asynchronous,
    generator,
    asynchronous_generator,
    wrapped,
    Shop.static,
    Shop().method,
    Shop.made,
    lambda x: x,
]
named = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda item: item.__name__)

OPTIONS: dict[str, Any] = {
    "name": "other",
    "tags": ["a", "b"],
    "retries": 3,
    "retry_delay_seconds": [1, 2],
    "log_prints": True,
    "timeout_seconds": 60,
    "version": "7",
    "cache_key_fn": task_input_hash,
    "on_failure": [print],
}


def derived(made: Any) -> dict[str, Any]:
    """What Prefect derived from the function and the options."""
    own = {"fn", "__wrapped__", "step", "options", "task_runner"}
    return {name: value for name, value in vars(made).items() if name not in own}


@named
@pytest.mark.parametrize("options", [{}, OPTIONS], ids=["bare", "options"])
@pytest.mark.parametrize("ours", [{}, {"retry": FAST}], ids=["plain", "step"])
def test_a_task_is_what_prefect_makes_of_the_function(
    function: Callable[..., Any], options: dict[str, Any], ours: dict[str, Any]
) -> None:
    theirs, made = prefect.task(**options)(function), task(**options, **ours)(function)
    assert isinstance(made, StepTask)
    assert derived(made) == derived(theirs)
    assert inspect.signature(made) == inspect.signature(theirs)
    assert inspect.signature(made.fn) == inspect.signature(theirs.fn)
    cached = [
        task_input_hash(SimpleNamespace(task=item), {"x": 1})  # type: ignore[arg-type]
        for item in (made, theirs)
    ]
    assert cached[0] == cached[1]
    again = made.with_options(retries=1)
    assert derived(again) == derived(theirs.with_options(retries=1))
    assert (again.step is None) == (not ours)


@named
@pytest.mark.parametrize("ours", [{}, {"customer": "acme", "tier": "gold"}], ids=["plain", "day"])
def test_a_flow_is_what_prefect_makes_of_the_function(
    function: Callable[..., Any], ours: dict[str, Any]
) -> None:
    options = {"name": "other", "retries": 2, "timeout_seconds": 5, "flow_run_name": "run"}
    for given in ({"name": "flow"}, options):
        theirs, made = prefect.flow(**given)(function), flow(**given, **ours)(function)
        assert isinstance(made, CustomerFlow)
        assert derived(made) == derived(theirs)
        assert made.parameters.dict() == theirs.parameters.dict()
        assert inspect.signature(made) == inspect.signature(theirs)
        again = made.with_options(name="new")
        assert derived(again) == derived(theirs.with_options(name="new"))
        assert (again.options is None) == (not ours)


@pytest.mark.parametrize(("ours", "theirs"), [(task, prefect.task), (flow, prefect.flow)])
def test_arguments_are_refused_as_prefect_refuses_them(
    ours: Callable[..., Any], theirs: Callable[..., Any]
) -> None:
    said = []
    for decorator in (ours, theirs):
        with pytest.raises(TypeError) as unknown:
            decorator(nonsense=1)
        with pytest.raises(TypeError):
            decorator(plain, "name")
        with pytest.raises(TypeError, match="'fn' must be callable"):
            decorator("name")
        said.append(str(unknown.value))
    assert said[0] == said[1]
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert (
        ours(name="n")(plain).name == ours(plain, name="n").name == ours(__fn=plain, name="n").name
    )


def test_a_task_follows_the_flows_log_prints(capsys: pytest.CaptureFixture[str]) -> None:
    @task
    def says() -> None:
        print("said by the task")

    @flow
    def daily() -> None:
        says()

    daily()
    assert "said by the task" in capsys.readouterr().out
    daily.with_options(log_prints=True)()
    assert "said by the task" not in capsys.readouterr().out, "it went to the log"


def test_hooks_of_steps_and_flows_run(store_url: str) -> None:
    heard: list[tuple[str, str, str]] = []

    def hook(task: Any, task_run: Any, state: Any) -> None:
        heard.append((type(task).__name__, task.name, state.name))

    def flow_hook(flow: Any, flow_run: Any, state: Any) -> None:
        heard.append((type(flow).__name__, flow.name, state.name))

    @task(retry=NONE, on_completion=[hook])
    def fine() -> int:
        return 1

    @task(retry=FAST, fallback=default(2), on_completion=[hook])
    def served() -> int:
        raise Transient("down")

    @task(retry=NONE, on_failure=[hook])
    def fails() -> None:
        raise ValueError("no")

    hooks: dict[str, Any] = {
        name: [flow_hook] for name in ("on_running", "on_failure", "on_completion")
    }

    @flow(customer="acme", **hooks)
    def daily(day: date) -> None:
        fine.submit().wait()
        served()
        fails()

    assert daily(DAY, return_state=True).is_failed()
    assert heard == [
        ("CustomerFlow", "daily", "Running"),
        ("StepTask", "fine", "Completed"),
        ("StepTask", "served", "Degraded"),
        ("StepTask", "fails", "Failed"),
        ("CustomerFlow", "daily", "Failed"),
    ]


def test_every_way_of_calling_keeps_the_step_and_its_run(store_url: str) -> None:
    calls: list[str] = []

    @task(retry=FAST, fallback=default(-1), cache_key_fn=task_input_hash)
    def step(x: int, y: int = 0) -> int:
        run = current_run()
        assert run is not None
        calls.append(run.customer)
        if x == 9:
            raise Transient("down")
        return x + y

    @flow(customer="acme")
    def daily(day: date) -> dict[str, Any]:
        first = step.submit(1)
        state = step(9, return_state=True)
        later = step.submit(2, wait_for=[first], return_state=True)
        renamed = step.with_options(name="renamed", retry=NONE)
        return {
            "mapped": [future.result() for future in step.map([3, 4], y=prefect.unmapped(10))],
            "state": (state.name, state.result()),
            "later": later.result(),
            "cached": step(1, return_state=True).name,
            "renamed": renamed(9, 1),
        }

    assert daily(DAY) == {
        "mapped": [13, 14],
        "state": ("Degraded", -1),
        "later": 2,
        "cached": "Cached",
        "renamed": -1,
    }
    # Three attempts of the step that fails, one of its renamed copy; what is cached is not run.
    assert calls.count("acme") == len(calls) == 1 + 3 + 1 + 2 + 1


def test_prefects_retries_stand_beside_the_policys(store_url: str) -> None:
    calls = 0

    @task(retry=FAST.with_attempts(2), retries=1, retry_delay_seconds=0)
    def step() -> int:
        nonlocal calls
        calls += 1
        if calls < 4:
            raise Transient("down")
        return calls

    @flow(customer="acme")
    def daily(day: date) -> int:
        return step()

    assert daily(DAY) == 4, "two attempts of the policy in each of Prefect's two"


def test_what_prefects_retry_takes_over_from_the_first_attempt_degrades(store_url: str) -> None:
    attempts = 0

    @task(retry=FAST, fallback=default(0))
    def step() -> int:
        if attempts == 1:
            raise Transient("down")
        return 1

    @flow(customer="acme", retries=1)
    def daily(day: date) -> int:
        nonlocal attempts
        attempts += 1
        value = step()
        if attempts == 1:
            raise ConnectionResetError
        return value

    state = daily(DAY, return_state=True)
    # Prefect does not run a task again that completed: its fallback is in the result.
    assert (attempts, state.name, state.result()) == (2, "Degraded", 0)


def test_a_time_limit_ends_in_prefects_own_state(store_url: str) -> None:
    @task(retry=NONE, timeout_seconds=0.2, retries=1)
    def slow() -> None:
        for _ in range(1000):
            time.sleep(0.01)

    @flow(customer="acme")
    def daily(day: date) -> Any:
        state = slow(return_state=True)
        with pytest.raises(TimeoutError, match=r"no result within 0\.2 s"):
            state.result()
        return state.name, state.type.value

    assert slow.timeout_seconds == 0.2
    assert daily(DAY) == ("TimedOut", "FAILED")


def test_any_callable_is_a_step(store_url: str) -> None:
    """Also one that has an attribute of every name, as mocks and proxies do."""
    function = MagicMock(side_effect=[Transient("down"), 7])
    step = task(name="mock", retry=FAST)(function)

    @flow(customer="acme")
    def daily(day: date) -> int:
        return step()

    assert daily(DAY) == 7
    assert function.call_count == 2


def test_functions_of_classes_are_steps(store_url: str) -> None:
    class Reader:
        def __init__(self, price: int) -> None:
            self.price = price
            self.bound = task(retry=FAST)(self.read)

        def read(self, x: int) -> tuple[int, bool]:
            return self.price + x, current_run() is not None

        @staticmethod
        @task(retry=FAST)
        def over(x: int) -> tuple[int, bool]:
            return x, current_run() is not None

        @classmethod
        @task(retry=FAST)
        def made(cls, x: int) -> tuple[int, bool]:
            return x, cls.__name__ == "Reader" and current_run() is not None

    @flow(customer="acme")
    def daily(day: date) -> list[tuple[int, bool]]:
        reader = Reader(10)
        return [reader.bound(1), reader.over(3), Reader.made(4)]

    assert daily(DAY) == [(11, True), (3, True), (4, True)]
    for decorator in (prefect.task, task, task(retry=FAST)):
        with pytest.raises(AttributeError, match="could not be converted to a task"):
            decorator(staticmethod(plain))


def test_a_plain_wrapper_of_a_coroutine_function_is_a_step_too(store_url: str) -> None:
    calls = 0

    def traced(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return call

    @task(retry=FAST)
    @traced
    async def step() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        if calls == 1:
            raise Transient("down")
        return calls

    @flow(customer="acme")
    @traced
    async def daily(day: date) -> tuple[int, bool]:
        await asyncio.sleep(0)
        return step(), current_run() is not None

    @flow(customer="acme")
    def in_a_plain_flow(day: date) -> int:
        return step()

    assert in_a_plain_flow(DAY) == 2
    calls = 0
    assert asyncio.run(daily(DAY)) == (2, True)


def test_generators_end_as_prefect_ends_them(store_url: str) -> None:
    def numbers(n: int) -> Iterator[int]:
        yield from range(n)

    @flow(customer="acme")
    def daily(day: date) -> tuple[list[int], list[int]]:
        return list(prefect.task(numbers)(3)), list(task(retry=FAST)(numbers)(3))

    assert daily(DAY) == ([0, 1, 2], [0, 1, 2])


def test_a_flow_that_calls_itself_has_a_run_each_time(store_url: str) -> None:
    paths: list[int] = []

    @flow(customer="acme")
    def daily(day: date, depth: int) -> None:
        run = current_run()
        assert run is not None
        paths.append(len(run.path))
        if depth:
            daily(day, depth - 1)

    daily(DAY, 2)
    assert paths == [1, 2, 3]


def test_a_functions_own_call_of_itself_is_plain(store_url: str) -> None:
    @task(retry=FAST)
    def factorial(n: int) -> int:
        return 1 if n < 2 else n * factorial.fn(n - 1)

    @flow(customer="acme")
    def daily(day: date) -> int:
        return factorial(5)

    assert daily(DAY) == 120
    assert factorial.fn(4) == 24


FLOW_FILE = """
from datetime import date
from sdk import flow, task, RetryPolicy

@task(retry=RetryPolicy("two", attempts=2, base=0))
def step(x: int) -> int:
    return x + 1

@flow(customer="acme", owner="grocery", tier="gold", deadline="90m")
def daily(day: date | None = None, x: int = 1) -> int:
    '''Make the day.'''
    return step(x)

renamed = daily.with_options(name="renamed", owner="fresh")
"""


def test_flows_are_found_by_entrypoint_and_in_scripts(tmp_path: Path, store_url: str) -> None:
    file = tmp_path / "customer_flow.py"
    file.write_text(FLOW_FILE)
    found = load_flow_from_entrypoint(f"{file}:daily")
    assert isinstance(found, CustomerFlow)
    assert found.options is not None
    assert (found.options.owner, found.description) == ("grocery", "Make the day.")
    assert found(DAY) == 2
    renamed = load_flow_from_script(str(file), flow_name="renamed")
    assert isinstance(renamed, CustomerFlow), "not what Prefect made on the way"
    assert renamed.options is not None
    assert renamed.options.owner == "fresh"
    assert renamed(DAY, 2) == 3


def test_deployments_are_those_of_prefects_flow(tmp_path: Path) -> None:
    file = tmp_path / "deployed_flow.py"
    made = []
    head, foot = FLOW_FILE.split("@flow", 1)
    of_prefects = (
        head + "from prefect import flow\n@flow(" + foot.split(")", 1)[1].split("renamed")[0]
    )
    for text in (FLOW_FILE, of_prefects.replace("@flow(", "@flow", 1)):
        file.write_text(text)
        deployment = RunnerDeployment.from_entrypoint(f"{file}:daily", "nightly", tags=["x"])
        made.append(deployment.dict(exclude={"version"}))  # a hash of the file, and these differ
    assert made[0] == made[1]
    assert made[0]["entrypoint"].endswith("deployed_flow.py:daily")


def test_a_step_runs_in_another_process(tmp_path: Path, store_url: str) -> None:
    file = tmp_path / "pickled_flow.py"
    file.write_text(
        FLOW_FILE.replace("return x + 1", "raise TimeoutError")
        .replace("base=0))", 'base=0), fallback=default("served"))')
        .replace("import flow", "import default, flow")
    )
    pickled = tmp_path / "flow.pickle"
    pickled.write_bytes(cloudpickle.dumps(load_flow_from_entrypoint(f"{file}:daily")))
    file.unlink()
    code = (
        "import cloudpickle, datetime, pathlib, sys\n"
        "made = cloudpickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "state = made(datetime.date(2026, 8, 15), return_state=True)\n"
        "print(type(made).__name__, state.name, state.result())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(pickled)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("CustomerFlow Degraded served")


def test_a_run_travels() -> None:
    run = Run(customer="acme", day=DAY, store="s", run_id="r", root_id="r", path=("r",))
    assert cloudpickle.loads(cloudpickle.dumps(run)) == run


@pytest.mark.parametrize("is_async", [False, True])
def test_a_failure_that_a_body_does_not_raise_is_tried_again(
    store_url: str, is_async: bool
) -> None:
    attempts = 0

    @task
    def fetch() -> int:
        if attempts < 3:
            raise ConnectionResetError
        return attempts

    def body(day: date) -> None:
        nonlocal attempts
        attempts += 1
        fetch.submit()

    async def async_body(day: date) -> None:
        body(day)

    function = async_body if is_async else body
    daily = flow(function, name="daily", customer="acme", retry=FAST)
    state = daily(DAY, return_state=True)
    state = asyncio.run(state) if inspect.isawaitable(state) else state
    assert (attempts, state.name) == (3, "Completed"), "the failures of before are forgotten"
    attempts = -9
    served = flow(function, name="served", customer="acme", retry=NONE, fallback=default(7))
    state = served(DAY, return_state=True)
    state = asyncio.run(state) if inspect.isawaitable(state) else state
    assert (state.name, state.result()) == ("Degraded", 7)


def test_a_cancelled_run_is_no_reason_for_a_retry_or_fallback(store_url: str) -> None:
    attempts = 0

    @task
    def stopped() -> Any:
        return Cancelled(message="by hand")

    @flow(customer="acme", retry=FAST, fallback=default(7))
    def daily(day: date) -> int:
        nonlocal attempts
        attempts += 1
        return stopped()

    state = daily(DAY, return_state=True)
    assert (attempts, state.is_completed()) == (1, False)
