"""A customer's day on the ECS pool, and what becomes of containers that do not end well.

Prefect's own ECS worker, a real server and real processes; AWS's APIs are answered over HTTP
(`infra.testing.ecs`). One server, one worker and one cluster for all of it: a start of each costs
seconds. Where it does not matter what a container does, it is a shell's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from flows.sample import generate
from infra.testing.ecs import Ecs
from sdk import Store
from sdk.api import Api
from sdk.dataset import DatasetKey
from sdk.testing.processes import wait_until
from sdk.testing.server import serving
from tests.e2e.ecs_site import PATIENCE, ROOT, SECRET, EcsSite, image

pytestmark = pytest.mark.timeout(1800)
DAY = date(2026, 3, 12)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EcsSite]:
    folder = tmp_path_factory.mktemp("ecs")
    (folder / "containers").mkdir()
    settings = {"PREFECT_WORKER_QUERY_SECONDS": "0.5",
                "PREFECT_API_SERVICES_SCHEDULER_ENABLED": "false"}  # fmt: skip
    with (
        Ecs(folder / "containers", image(), ROOT, grace=2) as ecs,
        serving(folder, postgres=False, settings=settings) as server,
        Api(server.api_url, patience=120) as api,
    ):
        yield EcsSite(server, api, ecs, folder)
        for container in ecs.containers.values():
            container.kill()  # a worker that is told to end waits for its runs


def test_a_whole_day_and_a_heavy_step_go_through_the_pool(site: EcsSite, tmp_path: Path) -> None:
    days = [DAY - timedelta(days=1), DAY]
    market = generate(tmp_path / "market", seed=11, days=days, products=100, faults=False)
    daily = site.deploy("orchard-daily", "flows/customers/orchard.py:orchard_daily", "coordinate",
                        cpu=512, memory=2048)  # fmt: skip
    site.deploy("run-step", "flows/operations/elsewhere.py:run_step", "work", "relaunch:2")
    parent = site.deploy(
        "acme-elsewhere", "tests/sdk/delegation/steps.py:acme_elsewhere", "coordinate"
    )
    day = site.start(daily, source=str(market.folder), day=DAY.isoformat())
    heavy = site.start(parent, folder=str(tmp_path), day=DAY.isoformat())

    site.wait(day, "Completed", "Degraded")
    report = Store(str(site.store)).dataset(
        DatasetKey(customer="orchard", name="report", day=DAY.isoformat())
    )
    assert report is not None
    assert report.read("report.html").startswith(b"<!doctype html>")
    wait_until(lambda: site.task(day)["lastStatus"] == "STOPPED", PATIENCE, "the task goes on")
    task = site.task(day)
    assert [container["exitCode"] for container in task["containers"]] == [0]
    assert (task["overrides"]["cpu"], task["overrides"]["memory"]) == ("512", "2048")

    site.wait(heavy, "Completed")
    made = Store(str(site.store)).dataset(
        DatasetKey(customer="acme", name="doubled", day=DAY.isoformat())
    )
    assert made is not None
    assert made.frame()["number"].to_list() == [0, 2, 4]
    subflows = site.api.post("/flow_runs/filter", {"flow_runs": {
        "parent_task_run_id": {"is_null_": False}}})  # fmt: skip
    [child] = [run for run in subflows if run["name"].startswith("doubled")]
    assert child["work_queue_name"] == "work"
    # Two tasks, each with a container of its own.
    assert site.ecs.task_of(str(child["id"])) not in {None, site.ecs.task_of(heavy)}

    environ = site.ecs.environments[site.ecs.task_of(day) or ""]
    assert environ["PREFECT_API_KEY"] == SECRET  # by reference, from Secrets Manager
    leaked = {"PREFECT_WORKER_QUERY_SECONDS", "PREFECT_WORKER_HEARTBEAT_SECONDS", "PREFECT_HOME",
              "PREFECT_LOGGING_TO_API_ENABLED"} & set(environ)  # fmt: skip
    assert leaked == set()
    described = str(site.task(day)) + str(site.ecs.client("ecs").describe_task_definition(
        taskDefinition=task["taskDefinitionArn"]))  # fmt: skip
    assert SECRET not in described


def test_how_a_container_ends_is_how_its_run_ends(site: EcsSite) -> None:
    # One that ended before the worker's first look would count as never started.
    exits = site.command("exits", "sleep 3; exit 3")
    killed = site.command("killed", "sleep 600")
    cancelled = site.command("cancelled", "sleep 600")
    deaf = site.command("deaf", 'trap "" TERM; while true; do sleep 0.1; done')
    refused = site.command("refused", "exit 0", memory=10**6)

    assert "non-zero status code 3" in site.wait(exits, "Crashed")["state"]["message"]
    site.wait_container(killed).kill()
    assert "non-zero status code 137" in site.wait(killed, "Crashed")["state"]["message"]
    for run, code in ((cancelled, 143), (deaf, 137)):
        site.wait_container(run)
        site.api.set_state(run, {"type": "CANCELLING", "name": "Cancelling"})
        site.wait(run, "Cancelled")
        wait_until(lambda run=run: site.task(run)["lastStatus"] == "STOPPED",  # type: ignore[misc]
                   PATIENCE, "the task is not stopped")  # fmt: skip
        task = site.task(run)
        assert (task["stopCode"], task["containers"][0]["exitCode"]) == ("UserInitiated", code)
    assert "could not be submitted" in site.wait(refused, "Crashed")["state"]["message"]
    assert site.ecs.task_of(refused) is None


def test_a_task_that_is_never_placed_is_stopped_before_its_run_starts_again(site: EcsSite) -> None:
    site.ecs.capacity = 0
    run = site.command("waits", "sleep 3", "relaunch:2", task_start_timeout_seconds=1)
    site.wait(run, "Crashed")
    first = site.ecs.task_of(run)
    assert site.task(run)["lastStatus"] == "PROVISIONING"  # Prefect's worker left it behind
    settled = site.reconciler().look()
    assert [decision.action for decision in settled if decision.run.id == run] == ["relaunch"]
    stopped = site.ecs.client("ecs").describe_tasks(cluster="flows", tasks=[first])["tasks"][0]
    assert stopped["lastStatus"] == "STOPPED"
    site.ecs.capacity = 100
    wait_until(lambda: site.ecs.task_of(run) != first, PATIENCE, "it is not started again")
    site.wait_container(run)
    assert first not in site.ecs.containers


def test_a_run_whose_worker_and_task_die_together_is_settled_and_started_again(
    site: EcsSite,
) -> None:
    lives = site.command("lives", "sleep 600")
    dies = site.command("dies", "sleep 600", "relaunch:2")
    site.wait_container(lives)
    container = site.wait_container(dies)
    site.worker.kill()
    container.kill()
    wait_until(lambda: site.task(dies)["lastStatus"] == "STOPPED", PATIENCE, "the task goes on")

    reconciler = site.reconciler()
    done: list[tuple[str, str]] = []

    def relaunched() -> bool:
        done.extend((made.run.id, made.action) for made in reconciler.look())
        return (dies, "relaunch") in done

    wait_until(relaunched, PATIENCE, "the run is not started again")
    assert [action for run, action in done if run == dies] == ["crash", "relaunch"]
    # One sign is no death: this one has no heart, but its task is there.
    assert lives not in {run for run, _ in done}
    site.worker = site.start_worker()
    wait_until(lambda: site.container(dies) is not container, PATIENCE, "no second container")
    again = site.wait_container(dies)
    assert again.exit_code() is None
