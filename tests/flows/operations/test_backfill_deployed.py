"""Backfills of a deployment, against Prefect's API; the workers are the test's.

A tick of `Workers` stands where the driver waits: it takes scheduled runs from the work queue as
a worker would, makes some of them running, and ends others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pendulum
import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.states import Completed, Failed, Running, Scheduled
from prefect.testing.utilities import prefect_test_harness

from flows.operations.backfill.deployed import Deployed
from flows.operations.backfill.request import Request
from sdk import ConfigurationError, DatasetKey, Store
from sdk.deployments import Deployment, deployment_of, open_runs, runs_of_keys, start_run
from tests.flows.operations.acme import DAYS, GOOD, acme_daily

POOL = "workers"


def ask(question: Callable[[PrefectClient], Coroutine[Any, Any, Any]]) -> Any:
    async def asked() -> Any:
        async with get_client() as client:
            return await question(client)

    return asyncio.run(asked())


@pytest.fixture(scope="module", autouse=True)
def api() -> Iterator[None]:
    with prefect_test_harness():
        yield


@pytest.fixture
def deployment() -> Deployment:
    """A deployment of a flow of its own: runs of other tests are not its."""
    name = f"acme-daily-{uuid4().hex[:6]}"

    async def make(client: PrefectClient) -> None:
        if POOL not in [pool.name for pool in await client.read_work_pools()]:
            await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        flow_id = await client.create_flow_from_name(name)
        await client.create_deployment(
            flow_id, name, work_pool_name=POOL, work_queue_name="coordinate"
        )

    ask(make)
    return deployment_of(name)


class Workers:
    """Takes runs from a queue, one more at each tick, and ends one; publishes what it was to."""

    def __init__(self, store: str, source: Path, queue: str = "backfill") -> None:
        self.store, self.source, self.queue = store, source, queue
        self.running: list[FlowRun] = []
        self.most_open = 0
        self.taken: list[FlowRun] = []
        self.killed_after: int | None = None
        self.ticks = 0

    def tick(self) -> None:
        self.ticks += 1
        ask(self._tick)
        if self.killed_after is not None and self.ticks >= self.killed_after:
            raise KeyboardInterrupt

    async def _tick(self, client: PrefectClient) -> None:
        due = await client.get_scheduled_flow_runs_for_work_pool(POOL, [self.queue])
        self.most_open = max(self.most_open, len(due) + len(self.running))
        if self.running:
            await self._end(client, self.running.pop(0))
        for response in due[:1]:
            run = response.flow_run
            await client.set_flow_run_state(run.id, Running(), force=True)
            self.running.append(run)
            self.taken.append(run)

    async def _end(self, client: PrefectClient, run: FlowRun) -> None:
        day = date.fromisoformat(run.parameters["day"])
        state = Completed()
        if (self.source / str(day)).exists():
            state = Failed(message=f"Flow run encountered an exception. Permanent: no {day}\nWait.")
        else:
            key = DatasetKey(customer="acme", name="report", day=day)
            Store(self.store).publish(key, GOOD, fingerprint="")
        await client.set_flow_run_state(run.id, state, force=True)


def driver(
    deployment: Deployment, store_url: str, source: Path, pause: Callable[[], None], **options: Any
) -> Deployed:
    return Deployed(
        Request("acme", DAYS[0], DAYS[-1], source=str(source), **options),
        Store(store_url),
        deployment,
        acme_daily.name,
        timezone="Asia/Jerusalem",
        log=logging.getLogger("test"),
        pause=pause,
    )


def ends(hands: Deployed) -> dict[date, str]:
    return {outcome.day: outcome.end for outcome in hands.run(hands.decisions())}


@pytest.mark.parametrize("concurrency", [1, 3])
def test_days_run_on_the_queue_so_many_at_a_time(
    deployment: Deployment, store_url: str, tmp_path: Path, concurrency: int
) -> None:
    (tmp_path / str(DAYS[1])).write_text("fail")
    workers = Workers(store_url, tmp_path)
    hands = driver(deployment, store_url, tmp_path, workers.tick, concurrency=concurrency)
    outcomes = {outcome.day: outcome for outcome in hands.run(hands.decisions())}
    assert [outcomes[day].end for day in DAYS] == ["fresh", "failed", "fresh", "fresh"]
    assert outcomes[DAYS[1]].detail.startswith(f"Permanent: no {DAYS[1]} (run ")
    assert workers.most_open == min(concurrency, len(DAYS))
    assert [run.parameters for run in workers.taken] == [
        {"day": str(day), "source": str(tmp_path)} for day in DAYS
    ]
    assert {run.tags[0] for run in workers.taken} == {"backfill"}

    again = Workers(store_url, tmp_path)
    (tmp_path / str(DAYS[1])).unlink()
    hands = driver(deployment, store_url, tmp_path, again.tick, concurrency=concurrency)
    assert ends(hands) == {day: "fresh" if day == DAYS[1] else "skipped" for day in DAYS}
    [second] = again.taken
    assert second.idempotency_key == f"backfill/acme/{DAYS[1]}/2"


def test_a_killed_driver_finds_its_runs_again(
    deployment: Deployment, store_url: str, tmp_path: Path
) -> None:
    for killed_after in (1, 2, 3):
        workers = Workers(store_url, tmp_path)
        workers.killed_after = killed_after
        hands = driver(deployment, store_url, tmp_path, workers.tick)
        if killed_after == 1:
            with pytest.raises(KeyboardInterrupt):
                ends(hands)
        else:
            with contextlib.suppress(KeyboardInterrupt):
                ends(hands)
        # Workers go on without the driver and end what they had begun.
        workers.killed_after, workers.queue = None, "coordinate"
        while workers.running:
            workers.tick()
    last = Workers(store_url, tmp_path)
    ends(driver(deployment, store_url, tmp_path, last.tick))
    keys = [f"backfill/acme/{day}/{attempt}" for day in DAYS for attempt in (1, 2)]
    assert sorted(str(run.key) for run in runs_of_keys(deployment, keys)) == keys[::2]
    assert open_runs(deployment) == []
    store = Store(store_url)
    for day in DAYS:
        assert store.versions(DatasetKey(customer="acme", name="report", day=day)) == [1]


def test_runs_of_others_are_left_alone_and_ours_are_waited_for(
    deployment: Deployment, store_url: str, tmp_path: Path
) -> None:
    theirs = start_run(deployment, {"day": str(DAYS[0])}, key="by hand")
    ours = start_run(
        deployment, {"day": str(DAYS[1])}, key=f"backfill/acme/{DAYS[1]}/1", queue="backfill"
    )

    async def schedule(client: PrefectClient) -> Any:
        # 22:30 UTC is the next day in Jerusalem, and a run that is told no day is of that one.
        due = f"{DAYS[1]}T22:30:00+00:00"
        return await client.create_flow_run_from_deployment(
            UUID(deployment.id), state=Scheduled(scheduled_time=pendulum.parse(due))
        )

    scheduled = ask(schedule)
    workers = Workers(store_url, tmp_path)
    hands = driver(deployment, store_url, tmp_path, workers.tick)
    decisions = {decision.day: decision for decision in hands.decisions()}
    assert [decisions[day].action for day in DAYS] == ["skip", "wait", "skip", "run"]
    assert theirs.id in decisions[DAYS[0]].why
    assert ours.id in decisions[DAYS[1]].why
    assert str(scheduled.id) in decisions[DAYS[2]].why
    assert ends(hands) == dict(zip(DAYS, ["skipped", "fresh", "skipped", "fresh"], strict=True))


def test_a_key_is_one_run(deployment: Deployment) -> None:
    runs = {start_run(deployment, {"day": str(DAYS[0])}, key="same").id for _ in range(3)}
    assert len(runs) == 1


def test_a_flow_without_a_deployment_is_explained() -> None:
    with pytest.raises(ConfigurationError, match="no deployment of flow nobody-daily"):
        deployment_of("nobody-daily")


def test_of_several_deployments_the_flows_namesake_is_taken() -> None:
    name = f"acme-daily-{uuid4().hex[:6]}"

    async def make(client: PrefectClient) -> None:
        flow_id = await client.create_flow_from_name(name)
        for deployed in ("a", "b"):
            await client.create_deployment(flow_id, deployed)

    ask(make)
    with pytest.raises(ConfigurationError, match="several deployments: a, b"):
        deployment_of(name)

    async def make_namesake(client: PrefectClient) -> None:
        await client.create_deployment(await client.create_flow_from_name(name), name)

    ask(make_namesake)
    assert deployment_of(name).name == f"{name}/{name}"
