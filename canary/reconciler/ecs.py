"""ECS as a sign of life: whether a run's task runs, and how it is stopped."""

from __future__ import annotations

import logging
from typing import Any

from canary.reconciler.seen import Process

log = logging.getLogger("canary")


class Tasks:
    """Tasks of ECS, by what Prefect's worker calls a run's infrastructure: ``cluster::arn``.

    Args:
        ecs: a boto3 client.
    """

    def __init__(self, ecs: Any) -> None:
        self.ecs = ecs

    def process(self, where: str) -> Process:
        """Return whether a task is there; unknown where ECS does not say.

        A task that stopped is described for an hour; after that it is missing.
        """
        cluster, _, arn = where.partition("::")
        try:
            found = self.ecs.describe_tasks(cluster=cluster, tasks=[arn])
        except Exception as error:  # botocore's; whatever it is, nothing is known
            log.warning("ECS does not say whether %s runs: %s", arn, type(error).__name__)
            return "unknown"
        if found.get("tasks"):
            return "gone" if found["tasks"][0].get("lastStatus") == "STOPPED" else "there"
        missing = [failure.get("reason") for failure in found.get("failures", ())]
        return "gone" if missing == ["MISSING"] else "unknown"

    def stop(self, where: str, why: str) -> None:
        """Ask ECS to stop a task; one that is gone is stopped."""
        cluster, _, arn = where.partition("::")
        try:
            self.ecs.stop_task(cluster=cluster, task=arn, reason=why)
        except Exception as error:
            log.warning("task %s could not be stopped: %s", arn, type(error).__name__)
