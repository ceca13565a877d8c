"""Runs on a real worker of a real server: killed, cancelled, failed; who says so, and how often."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events.worker import EventsWorker
from prefect.states import Scheduled
from prefect_slack import SlackCredentials

from blocks import JiraProject, SlackChannel
from blocks.automations.commands import apply
from blocks.automations.declarations import DECLARED
from flows.operations.notices.deadlines import sweep
from sdk.notices.deadlines import Limits
from sdk.notices.fault import fingerprint
from sdk.notices.notice import Notice
from sdk.notices.outbox import Outbox
from sdk.notices.watch import watched, with_life
from sdk.storage import storage
from sdk.testing.processes import wait_until
from sdk.testing.receivers import JiraReceiver, SlackReceiver
from sdk.testing.server import PrefectServer, connected, prefect_server

__all__ = ["prefect_server"]

POOL = "noticed"
HERE = "tests/flows/operations/noticed_flows.py"
ROOT = Path(__file__).parent.parent.parent.parent
LIMITS = {
    "endless-daily": Limits(
        deadline=timedelta(milliseconds=1), cancel=True, owner="grocery", customer="acme"
    )
}
PATIENCE = 240
"""Seconds; four processes that import Prefect at once take a busy machine a minute."""

pytestmark = pytest.mark.timeout(900)


def ask(question: Callable[[PrefectClient], Coroutine[Any, Any, Any]]) -> Any:
    async def asked() -> Any:
        async with get_client() as client:
            return await question(client)

    return asyncio.run(asked())


@dataclass
class Stage:
    """A server with our automations, a worker, Slack and Jira."""

    server: PrefectServer
    slack: SlackReceiver
    jira: JiraReceiver
    store: str

    def start(self, flow: str) -> UUID:
        """Run a flow of `noticed_flows` on the worker; return the run's id."""

        async def made(client: PrefectClient) -> UUID:
            flow_id = await client.create_flow_from_name(flow.replace("_", "-"))
            deployment = await client.create_deployment(
                flow_id,
                flow,
                entrypoint=f"{HERE}:{flow}",
                path=str(ROOT),
                # Without it each run would copy the whole folder, environments and all.
                pull_steps=[
                    {"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}
                ],
                work_pool_name=POOL,
                work_queue_name="coordinate",
            )
            return (await client.create_flow_run_from_deployment(deployment)).id

        return UUID(str(ask(made)))

    def run(self, run_id: UUID) -> FlowRun:
        return ask(lambda client: client.read_flow_run(run_id))

    def comes_to(self, run_id: UUID, state: StateType) -> FlowRun:
        def is_there() -> bool:
            return self.run(run_id).state_type == state

        wait_until(is_there, PATIENCE, f"the run does not come to {state}")
        return self.run(run_id)

    def sweep(self, later: timedelta, run_id: UUID) -> list[str]:
        """Look at one run, so late: those of the other tests may be there yet."""
        now = datetime.now(UTC)
        seen = [run for run in watched(LIMITS, now) if run.run_id == str(run_id)]
        runs = with_life(seen, self.store, LIMITS)
        done = sweep(runs, LIMITS, now + later)
        EventsWorker.instance().drain()
        return done

    @property
    def headings(self) -> list[str]:
        return [head.blocks[0]["text"]["text"] for head in self.slack.channel("alerts").heads]

    @property
    def summaries(self) -> list[str]:
        return [ticket.summary for ticket in self.jira.tickets]


def process_of(run: FlowRun) -> int:
    assert run.infrastructure_pid is not None
    return int(run.infrastructure_pid.rpartition(":")[2])


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    return False


async def pool_and_queue(client: PrefectClient) -> None:
    await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    await client.create_work_queue("coordinate", work_pool_name=POOL)


@pytest.fixture(scope="module")
def stage(
    prefect_server: PrefectServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("noticed")
    declared = folder / "declared"
    declared.mkdir()
    for path in DECLARED.glob("*.yaml"):
        text = path.read_text()
        for slow in ("60", "300"):
            # Of failed and crashed runs: the time that a process needs to end.
            text = text.replace(f"within: {slow}\n", "within: 15\n")
        (declared / path.name).write_text(text)
    with (
        SlackReceiver(["alerts", "oncall"]) as slack,
        JiraReceiver() as jira,
        connected(prefect_server),
        pytest.MonkeyPatch.context() as environment,
    ):
        credentials = SlackCredentials(token=slack.token)
        for name, channel in (("operations", "alerts"), ("oncall", "oncall")):
            SlackChannel(credentials=credentials, channel=channel, base_url=slack.api_url).save(
                name, overwrite=True
            )
        JiraProject(server=jira.url, user=jira.user, token=jira.token, project="OPS").save(
            "support", overwrite=True
        )
        asyncio.run(apply("production", dry_run=False, say=lambda line: None, folder=declared))
        ask(pool_and_queue)
        settings = {
            "DATAWEAVE_STORAGE": str(folder / "store"),
            "DATAWEAVE_ENVIRONMENT": "production",
            "DATAWEAVE_SLACK_BLOCK": "operations",
            "DATAWEAVE_ONCALL_BLOCK": "oncall",
            "DATAWEAVE_JIRA_BLOCK": "support",
            "DATAWEAVE_CODE": str(ROOT),
        }
        for name, value in settings.items():
            environment.setenv(name, value)
        queue = ("--work-queue", "coordinate", "--limit", "3")
        worker = prefect_server.worker(POOL, *queue, **settings)
        try:
            yield Stage(prefect_server, slack, jira, settings["DATAWEAVE_STORAGE"])
        finally:
            worker.stop()


def test_who_is_told_of_killed_and_failed_runs_and_that_once(stage: Stage) -> None:
    names = ("endless_plain", "endless_daily", "failing_plain", "failing_daily")
    runs = {name: stage.start(name) for name in names}
    for name in ("endless_plain", "endless_daily"):
        begun = stage.comes_to(runs[name], StateType.RUNNING)
        os.kill(process_of(begun), signal.SIGKILL)
        stage.comes_to(runs[name], StateType.CRASHED)
    # Of the flow that it knows the watch tells; of the other Prefect's server.
    daily = runs["endless_daily"]
    assert stage.sweep(timedelta(), daily) == [f"{daily}-crashed-2"]
    assert stage.sweep(timedelta(), daily) == []

    expected = {
        "[production] endless-plain crashed",
        "[production] failing-plain failed",
        "endless-daily crashed: acme (production)",
        "failing-daily/read_prices failed: acme (production)",
    }
    wait_until(lambda: expected <= set(stage.headings), PATIENCE, "not everything is told")
    wait_until(lambda: expected <= set(stage.summaries), PATIENCE, "tickets are missing")
    # What is not to be said had the same time to be said, from the same moment on.
    assert sorted(stage.headings) == sorted(expected) == sorted(stage.summaries)
    (told,) = [h for h in stage.slack.channel("alerts").heads if "endless-daily" in str(h.blocks)]
    words = json.dumps(told.blocks)
    assert "Prefect says: Flow run infrastructure exited" in words
    assert str(runs["endless_daily"]) in words


def test_a_run_far_beyond_its_deadline_is_cancelled_by_its_worker(stage: Stage) -> None:
    run_id = stage.start("endless_daily")
    begun = stage.comes_to(run_id, StateType.RUNNING)
    assert stage.sweep(timedelta(), run_id) == [f"{run_id}-overrunning-1"]
    assert stage.run(run_id).state_type == StateType.RUNNING
    assert stage.sweep(timedelta(hours=2), run_id) == [f"{run_id}-overrunning-4"]
    stage.comes_to(run_id, StateType.CANCELLED)
    wait_until(lambda: not is_alive(process_of(begun)), PATIENCE, "its process goes on")
    assert stage.sweep(timedelta(hours=3), run_id) == []
    (head,) = [h for h in stage.slack.channel("alerts").heads if "deadline" in str(h.blocks[0])]
    assert "the run is being cancelled" in json.dumps(head.blocks)
    assert len(stage.slack.channel("oncall").heads) == 1
    assert [s for s in stage.summaries if "deadline" in s]


def test_one_that_never_began_is_cancelled_at_once_and_one_that_ended_is_left(
    stage: Stage,
) -> None:
    from sdk.notices.watch import cancel

    async def waiting(client: PrefectClient) -> UUID:
        flow_id = await client.create_flow_from_name("endless-daily")
        made = await client._client.post("/flow_runs/", json={"flow_id": str(flow_id)})
        await client.set_flow_run_state(made.json()["id"], Scheduled())
        return UUID(made.json()["id"])

    run_id = ask(waiting)
    (run,) = [r for r in watched(LIMITS, datetime.now(UTC)) if r.run_id == str(run_id)]
    assert cancel(run)
    assert stage.run(run_id).state_type == StateType.CANCELLED
    assert not cancel(run)


def test_the_deployed_sender_tells_what_is_left_and_drops_the_runs_it_missed(stage: Stage) -> None:
    left = Notice(
        event="left-1",
        fault=fingerprint("production", "left", "over", "Transient"),
        kind="failed",
        severity="error",
        environment="production",
        flow="left",
        step="over",
        error_class="Transient",
        customer="acme",
        day=date(2026, 8, 15),
        headline="Slack was away",
        happened=datetime.now(UTC),
    )
    Outbox(storage(stage.store)).put(left)
    ask(_variable)
    deployed = stage.server.prefect("deploy", "--name", "notices-deliver")
    assert deployed.returncode == 0, deployed.stderr + deployed.stdout

    async def missed(client: PrefectClient) -> list[UUID]:
        found = await client.read_deployment_by_name("notices-deliver/notices-deliver")
        begin = datetime.now(UTC)
        made = []
        for minutes in range(30, 0, -2):
            due: Any = Scheduled(scheduled_time=begin - timedelta(minutes=minutes))
            made.append((await client.create_flow_run_from_deployment(found.id, state=due)).id)
        return made

    runs = ask(missed)
    wait_until(lambda: "left/over failed: acme (production)" in stage.headings, PATIENCE, "untold")

    def ended() -> bool:
        return all(stage.run(run).state.is_final() for run in runs)  # type: ignore[union-attr]

    wait_until(ended, PATIENCE, "runs are left")
    states = [stage.run(run).state_name for run in runs]
    assert states.count("Skipped") >= len(runs) - 5, states
    assert not storage(stage.store).names("_notices/outbox")


async def _variable(client: PrefectClient) -> None:
    await client._client.post("/variables/", json={"name": "work_pool", "value": POOL})
