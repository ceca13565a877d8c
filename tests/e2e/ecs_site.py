"""A customer's platform on ECS: a real server and worker, and the stand-in that runs the tasks."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from canary.reconciler.ecs import Tasks
from canary.reconciler.loop import Reconciler
from canary.reconciler.plan import Limits
from canary.reconciler.server import Runs
from canary.reconciler.signs import Signs
from infra.images.task_definition import declared, register
from infra.testing.containers import Container
from infra.testing.ecs import Ecs
from sdk.api import Api
from sdk.pools import server as pools
from sdk.pools.declarations import FOLDER
from sdk.storage import storage
from sdk.testing.processes import Process, wait_until
from sdk.testing.server import PrefectServer

ROOT = Path(__file__).parents[2]
PATIENCE = 600.0
"""Seconds for a run to get somewhere: a few on an idle machine; no test is about time."""
SECRET = "sesame-of-the-machines"
CLUSTER = "flows"


class EcsSite:
    """Pools of staging with ECS alone, the image's task definition, and a worker of the pool."""

    def __init__(self, server: PrefectServer, api: Api, ecs: Ecs, folder: Path) -> None:
        self.server, self.api, self.ecs, self.folder = server, api, ecs, folder
        self.store = folder / "store"
        self.root = storage(str(self.store))
        given = _resources(ecs)
        definition, _ = register(ecs.client("ecs"), declared(given))
        given |= {"ECS_CLUSTER": CLUSTER, "ECS_TASK_DEFINITION": definition,
                  "DATAWEAVE_STORAGE": str(self.store)}  # fmt: skip
        only = folder / "work_pools"
        only.mkdir()
        (only / "ecs.yaml").write_text((FOLDER / "ecs.yaml").read_text())
        variables = {"staging": {"work_pool": "ecs", "heavy_pool": "ecs"}}
        (only / "variables.yaml").write_text(yaml.safe_dump(variables))
        pools.apply(api, "staging", given, dry_run=False, say=lambda line: None, folder=only)
        self.worker = self.start_worker()

    def start_worker(self) -> Process:
        return self.server.worker("ecs", **self.ecs.environ)

    def deploy(
        self, flow: str, entrypoint: str, queue: str, *tags: str, **job_variables: Any
    ) -> str:
        flow_id = self.api.post("/flows/", {"name": flow})["id"]
        # A task is looked at every five seconds where it costs money to ask more often.
        job_variables = {"task_watch_poll_interval": 0.2, **job_variables}
        made = self.api.post("/deployments/", {
            "name": flow, "flow_id": flow_id, "tags": list(tags), "entrypoint": entrypoint,
            "work_pool_name": "ecs", "work_queue_name": queue, "path": str(ROOT),
            "infra_overrides": job_variables,
            "pull_steps": [{"prefect.deployments.steps.set_working_directory":
                            {"directory": str(ROOT)}}],
        })  # fmt: skip
        return str(made["id"])

    def start(self, deployment: str, **parameters: Any) -> str:
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return str(self.api.post(f"/deployments/{deployment}/create_flow_run", body)["id"])

    def command(self, name: str, script: str, *tags: str, **job_variables: Any) -> str:
        """Start a run whose container runs a shell's script: an engine takes seconds to start."""
        made = self.deploy(name, "none.py:none", "work", *tags,
                           command=f"sh -c '{script}'", **job_variables)  # fmt: skip
        return self.start(made)

    def run(self, run: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"/flow_runs/{run}")
        return found

    def wait(self, run: str, *states: str) -> dict[str, Any]:
        def arrived() -> bool:
            return self.run(run)["state_name"] in states

        try:
            wait_until(arrived, PATIENCE, f"run {run} is never {states}", self.worker)
        except TimeoutError as error:
            state = self.run(run)["state"]
            raise AssertionError(f"{state}\n{error}\n{self.output(run)}") from None
        return self.run(run)

    def wait_container(self, run: str) -> Container:
        """Return a run's container once it is there and the server knows its task."""
        wait_until(lambda: self.container(run) is not None, PATIENCE, "no container")
        wait_until(lambda: bool(self.run(run)["infrastructure_pid"]), PATIENCE, "no task is noted")
        found = self.container(run)
        assert found is not None
        return found

    def container(self, run: str) -> Container | None:
        return self.ecs.container_of(run)

    def output(self, run: str) -> str:
        """Return what a run's latest container wrote."""
        task = self.ecs.task_of(run)
        path = self.ecs.folder / f"{(task or 'none').rpartition('/')[2]}.log"
        return path.read_text() if path.exists() else ""

    def task(self, run: str) -> Mapping[str, Any]:
        """Return a run's latest task as ECS describes it."""
        asked = [self.ecs.task_of(run)]
        found = self.ecs.client("ecs").describe_tasks(cluster=CLUSTER, tasks=asked)["tasks"]
        described: Mapping[str, Any] = found[0]
        return described

    def reconciler(self, **limits: float) -> Reconciler:
        """Return the reconciler as it is in AWS: hearts, and ECS as the second sign."""
        chosen = Limits(**{"silent": 2.0, "starting": 2.0, "confirm": 1.0, **limits})
        signs = Signs(self.root, chosen.silent, longest=60)
        tasks = Tasks(self.ecs.client("ecs"))
        return Reconciler(Runs(self.api, signs, tasks, timedelta(hours=1)), chosen)


def image() -> dict[str, str]:
    """Return what the image's environment gives: the code, and Python on the path."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": os.environ.get("HOME", "/"),
        "DATAWEAVE_HEARTBEAT": "0.5",
    }


def _resources(ecs: Ecs) -> dict[str, str]:
    """Make what the stacks make; return their outputs."""
    ecs.client("ecs").create_cluster(clusterName=CLUSTER)
    ec2 = ecs.client("ec2")
    secret = ecs.client("secretsmanager").create_secret(Name="api-key", SecretString=SECRET)
    return {
        "ECS_SUBNETS": ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        "ECS_SECURITY_GROUPS": ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],
        "ECS_API_KEY_SECRET": secret["ARN"],
        "ECS_EXECUTION_ROLE": "arn:aws:iam::123456789012:role/execution",
        "ECS_TASK_ROLE": "arn:aws:iam::123456789012:role/task",
        "ECS_LOG_GROUP": "flows",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "DATAWEAVE_IMAGE": "registry.example/flows:1",
    }
