"""The functions that CodeDeploy calls at its events, and the one that looks after drivers.

CodeDeploy waits at an event for an hour, and a function lives a quarter of one at most: a function
drives nothing. It notes where CodeDeploy stands and, where nobody drives the release that is under
way, starts the driver's task (``python -m infra.release resume``), which has all the time there is.
An event that is delivered twice is noted once; one of a deployment that no driver has noted yet is
kept for it. `keep` is called by the clock and starts a driver in place of one that was killed.

Packed alone (`infra.release.aws.package`): this imports neither pydantic nor the driver.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.release.aws.appspec import OVER, UP
from infra.release.dynamo import DynamoStore
from infra.release.store import CURRENT, ConflictError, Store

DOCUMENT: Final = "codedeploy"
"""Of the store: where CodeDeploy stands."""

ENGAGED: Final = frozenset({"forward", "back"})
"""Ways of a release that a driver goes on with; a stuck one waits for people."""

AGAIN: Final = 300
"""Seconds after which a driver is asked for again that was asked for and has recorded nothing."""

RETRIES: Final = Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
)

log = logging.getLogger("infra.release")


class NotStartedError(Exception):
    """The driver's task was asked for and not started; the next call tries again."""


@dataclass(frozen=True, slots=True)
class Task:
    """The driver's task on ECS.

    Attributes:
        cluster: where it runs.
        definition: its family; the latest revision is run.
        subnets: it runs in.
        group: its security group.
    """

    cluster: str
    definition: str
    subnets: tuple[str, ...]
    group: str

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Task:
        """Return the task that a function's environment names."""
        return cls(
            environ["RELEASE_CLUSTER"],
            environ["RELEASE_TASK"],
            tuple(environ["RELEASE_SUBNETS"].split(",")),
            environ["RELEASE_GROUP"],
        )

    def start(self, ecs: Any, token: str) -> str:
        """Start it; one token starts one task.

        Args:
            ecs: boto3's client.
            token: of the request, at most 64 characters.

        Returns:
            Its ARN.

        Raises:
            NotStartedError: ECS did not take it.
        """
        network = {"subnets": list(self.subnets), "securityGroups": [self.group],
                   "assignPublicIp": "DISABLED"}  # fmt: skip
        try:
            answer = ecs.run_task(
                cluster=self.cluster,
                taskDefinition=self.definition,
                launchType="FARGATE",
                clientToken=token,
                networkConfiguration={"awsvpcConfiguration": network},
            )
        except (ClientError, BotoCoreError) as error:
            raise NotStartedError(str(error)) from None
        if not answer["tasks"]:
            reasons = [str(one.get("reason")) for one in answer.get("failures", ())]
            raise NotStartedError(", ".join(reasons) or "no task and no reason")
        return str(answer["tasks"][0]["taskArn"])


def note(store: Store, deployment: str, execution: str, event: str) -> bool:
    """Note that CodeDeploy waits at an event; say whether that was news."""
    if event not in (UP, OVER):
        raise ValueError(f"{event} is no event of ours: {UP}, {OVER}")
    while True:
        found = store.read(DOCUMENT)
        value = found.value
        known = value.get("deployment") == deployment
        early = dict(value.get("early", {}))
        hooks = dict(value.get("hooks", {}) if known else early.get(deployment, {}))
        if hooks.get(event) == execution:
            return False
        hooks[event] = execution
        early |= {} if known else {deployment: hooks}
        changed = {"hooks": hooks} if known else {"early": early}
        try:
            store.write(DOCUMENT, {**value, **changed}, found.revision)
        except ConflictError:
            continue
        return True


def unattended(store: Store, now: float) -> str | None:
    """Return the token of the driver that is missing; None where one drives, or nothing is to do.

    It is the same for all who see the same state within `AGAIN` seconds, so that they start one.

    Args:
        store: of releases.
        now: seconds since the epoch.
    """
    found = store.read(CURRENT)
    progress = found.value.get("progress") or {}
    lease = found.value.get("lease") or {}
    if progress.get("way") not in ENGAGED or lease.get("until", 0.0) > now:
        return None
    seen = f"{progress['release']['id']} {found.revision} {int(now // AGAIN)}"
    return hashlib.sha256(seen.encode()).hexdigest()


def answer(
    event: Mapping[str, Any],
    which: str,
    store: Store,
    start: Callable[[str], str],
    now: float,
) -> dict[str, Any]:
    """Note an event and have the release gone on with.

    Args:
        event: ``DeploymentId`` and ``LifecycleEventHookExecutionId``.
        which: the lifecycle event.
        store: of releases.
        start: starts the driver's task under a token.
        now: seconds since the epoch.
    """
    deployment = str(event["DeploymentId"])
    news = note(store, deployment, str(event["LifecycleEventHookExecutionId"]), which)
    said = {"deployment": deployment, "event": which, "news": news}
    try:
        return said | keep(store, start, now)
    except NotStartedError as error:
        # The event is noted, which is what CodeDeploy's call is about; the clock tries again.
        log.warning("no driver was started: %s", error)
        return said | {"driver": None}


def keep(store: Store, start: Callable[[str], str], now: float) -> dict[str, Any]:
    """Start a driver where a release is under way and nobody drives.

    Raises:
        NotStartedError: it could not be started.
    """
    token = unattended(store, now)
    return {"driver": start(token) if token else None}


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Be called by CodeDeploy, which does not say at which event: each has its own function."""
    which = os.environ["RELEASE_EVENT"]
    return answer(event, which, _store(), _start, time.time())


def keeper(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Be called by the clock."""
    return keep(_store(), _start, time.time())


def _store() -> DynamoStore:
    return DynamoStore(boto3.client("dynamodb", config=RETRIES), os.environ["RELEASE_TABLE"])


def _start(token: str) -> str:
    return Task.of(os.environ).start(boto3.client("ecs", config=RETRIES), token)
