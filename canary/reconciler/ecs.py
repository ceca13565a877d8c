"""ECS as a sign of life: whether a run's task is there, and how it is stopped.

Prefect's worker notes a run's task on the server once it runs; until then (the worker waits for a
place, gave up waiting, or died meanwhile) a task is found by the label that the worker gives it.
One look asks for all tasks of a cluster at most once.

Where ECS's events come too (`canary.reconciler.events`), a task that they tell of is gone, and is
not asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from canary.reconciler.events import Stopped, fate
from canary.reconciler.seen import Process

log = logging.getLogger("canary")

RUN_TAG = "prefect.io/flow-run-id"
"""The label by which Prefect's worker names the flow run in a task's tags."""
AT_A_TIME = 100
"""Tasks that DescribeTasks takes."""


class Tasks:
    """Tasks of ECS.

    Args:
        ecs: a boto3 client.
        stopped: what ECS tells of by itself; None where no such events come.
    """

    def __init__(self, ecs: Any, stopped: Stopped | None = None) -> None:
        self.ecs, self.stopped = ecs, stopped
        self._by_run: dict[str, dict[str, list[str]] | None] = {}
        self._fates: dict[str, str] = {}

    def look(self) -> None:
        """Forget what the last look saw, and take what ECS has told since."""
        self._by_run, self._fates = {}, {}
        if self.stopped is not None:
            self.stopped.look()

    def fate(self, where: str) -> str:
        """Return why a task stopped that this look found gone; empty where nobody says."""
        return self._fates.get(where, "")

    def process(self, where: str) -> Process:
        """Return whether a task is there; unknown where ECS does not say.

        A task that stopped is described for an hour; after that it is missing.

        Args:
            where: what Prefect's worker calls a run's infrastructure: ``cluster::arn``.
        """
        cluster, _, arn = where.partition("::")
        told = self.stopped.fate(arn) if self.stopped is not None else None
        if told is not None:
            self._fates[where] = told
            return "gone"
        try:
            found = self.ecs.describe_tasks(cluster=cluster, tasks=[arn])
        except Exception as error:  # botocore's; whatever it is, nothing is known
            log.warning("ECS does not say whether %s runs: %s", arn, type(error).__name__)
            return "unknown"
        if found.get("tasks"):
            if found["tasks"][0].get("lastStatus") != "STOPPED":
                return "there"
            self._fates[where] = fate(found["tasks"][0])
            return "gone"
        missing = [failure.get("reason") for failure in found.get("failures", ())]
        return "gone" if missing == ["MISSING"] else "unknown"

    def process_of(self, run: str, clusters: Iterable[str]) -> Process:
        """Return whether a run has a task in some clusters, by its label."""
        tasks = [self._of(cluster) for cluster in clusters]
        if any(found is not None and run in found for found in tasks):
            return "there"
        return "unknown" if not tasks or None in tasks else "gone"

    def stop(self, where: str, why: str) -> None:
        """Ask ECS to stop a task; one that is gone is stopped."""
        cluster, _, arn = where.partition("::")
        try:
            self.ecs.stop_task(cluster=cluster, task=arn, reason=why)
        except Exception as error:
            log.warning("task %s could not be stopped: %s", arn, type(error).__name__)

    def stop_all(self, run: str, clusters: Iterable[str], why: str) -> None:
        """Stop every task of a run: one that finds its place late would run beside its successor.

        What is asked is what is there now, not what this look saw.
        """
        self._by_run = {}
        for cluster in clusters:
            for arn in (self._of(cluster) or {}).get(run, ()):
                self.stop(f"{cluster}::{arn}", why)

    def _of(self, cluster: str) -> dict[str, list[str]] | None:
        """Return the tasks of each run that are to run; None where ECS does not say."""
        if cluster not in self._by_run:
            try:
                self._by_run[cluster] = dict(self._listed(cluster))
            except Exception as error:
                log.warning("ECS does not list %s: %s", cluster, type(error).__name__)
                self._by_run[cluster] = None
        return self._by_run[cluster]

    def _listed(self, cluster: str) -> Iterator[tuple[str, list[str]]]:
        pages = self.ecs.get_paginator("list_tasks").paginate(
            cluster=cluster, desiredStatus="RUNNING"
        )
        arns = [arn for page in pages for arn in page["taskArns"]]
        found: dict[str, list[str]] = {}
        for start in range(0, len(arns), AT_A_TIME):
            some = arns[start : start + AT_A_TIME]
            told = self.ecs.describe_tasks(cluster=cluster, tasks=some, include=["TAGS"])
            for task in told["tasks"]:
                for tag in task.get("tags", ()):
                    if tag["key"] == RUN_TAG:
                        found.setdefault(tag["value"], []).append(task["taskArn"])
        yield from found.items()
