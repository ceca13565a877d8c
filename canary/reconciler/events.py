"""ECS's own word that a task has stopped: its events, by EventBridge and a queue of SQS.

    python -m canary.reconciler --ecs --ecs-events QUEUE_URL

`canary.reconciler.ecs` asks, and is answered only while ECS does not throttle and for an hour after
a task's end. ECS tells as well, once, with the cause. What it told is kept under the storage root:
reconcilers take turns and share the queue, and who reads a message need not be whose turn it is.

Events come late, twice, and in any order. Only the last one of a task matters here, and nothing
comes after it: a task that stopped never runs again. So no other event is kept, and neither order
nor number of them changes what is known.

The rule sends what `PATTERN` says; whoever may write to the queue can have a task taken for gone,
so its policy lets EventBridge alone.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sdk.storage import Storage

log = logging.getLogger("canary")

FOLDER = "_ecs_stopped"
PATTERN: Final[Mapping[str, Any]] = {
    "source": ["aws.ecs"],
    "detail-type": ["ECS Task State Change"],
    "detail": {"lastStatus": ["STOPPED"]},
}
"""Of the EventBridge rule whose target the queue is."""
AT_A_TIME = 10
"""Messages that ReceiveMessage gives."""
BATCHES = 20
"""In one look: a whole fleet that stops must not keep the reconciler from its other runs."""
KEPT = timedelta(days=1)
ARN = re.compile(r"arn:[\w-]+:ecs:[\w-]+:\d+:task/(?:[\w-]+/)?(?P<id>[\w-]+)")
LONGEST = 300
"""Characters of a cause: it goes into a state's message."""


def fate(task: Mapping[str, Any]) -> str:
    """Return why a task stopped, as ECS says it; empty where it does not.

    Args:
        task: as DescribeTasks returns it; an event's ``detail`` has the same form.
    """
    told = [str(task.get("stoppedReason") or "")]
    for container in task.get("containers") or ():
        code = container.get("exitCode")
        said = [str(container.get("reason") or ""), f"exit code {code}" if code else ""]
        told += [": ".join(filter(None, (container.get("name"), part))) for part in said if part]
    return " ".join("; ".join(filter(None, told)).split())[:LONGEST]


class Stopped:
    """The tasks that stopped, as ECS told.

    Args:
        sqs: a boto3 client.
        queue: address of the queue.
        root: the storage root.
    """

    def __init__(self, sqs: Any, queue: str, root: Storage) -> None:
        self.sqs, self.queue, self.root = sqs, queue, root
        self._told: set[str] = set()

    def look(self) -> None:
        """Take what has come into the queue.

        A queue that does not answer costs this sign alone: ECS is asked as without it.

        Raises:
            PlatformError: the storage does not answer; what was not kept comes again.
        """
        for _ in range(BATCHES):
            messages = self._received()
            for message in messages:
                self._keep(message["Body"])
                self._delete(message["ReceiptHandle"])
            if not messages:
                break
        entries = self.root.entries(FOLDER)
        old = datetime.now(UTC) - KEPT
        for entry in entries:
            if entry.modified is not None and entry.modified < old:
                self.root.delete(entry.path)
        self._told = {entry.path.rpartition("/")[2] for entry in entries}

    def fate(self, arn: str) -> str | None:
        """Return why a task stopped; None where nothing was told of it."""
        found = ARN.fullmatch(arn)
        if found is None or found["id"] not in self._told:
            return None
        try:
            kept = json.loads(self.root.read(f"{FOLDER}/{found['id']}"))
        except FileNotFoundError:  # another reconciler has just forgotten it
            return None
        return str(kept["why"]) if kept["task"] == arn else None

    def _received(self) -> list[Mapping[str, Any]]:
        try:
            answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=AT_A_TIME)
        except Exception as error:  # botocore's; whatever it is, nothing was told
            log.warning("the queue of ECS's events does not answer: %s", type(error).__name__)
            return []
        messages: list[Mapping[str, Any]] = answer.get("Messages", [])
        return messages

    def _delete(self, receipt: str) -> None:
        try:
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=receipt)
        except Exception as error:  # it comes again, and says the same
            log.warning("an event of ECS stays in its queue: %s", type(error).__name__)

    def _keep(self, body: str) -> None:
        task = stopped(body)
        if task is None:
            log.warning("a message is no event of a stopped task and is dropped: %.200s", body)
            return
        arn = str(task["taskArn"])
        kept = json.dumps({"task": arn, "why": fate(task)}).encode()
        self.root.put(f"{FOLDER}/{arn.rpartition('/')[2]}", kept)


def stopped(body: str) -> Mapping[str, Any] | None:
    """Return the task of an event, as EventBridge sends it; None where it is of something else."""
    try:
        event = json.loads(body)
        detail = event["detail"]
        wanted = (
            event["source"] in PATTERN["source"]
            and event["detail-type"] in PATTERN["detail-type"]
            and detail["lastStatus"] in PATTERN["detail"]["lastStatus"]
            and ARN.fullmatch(detail["taskArn"])
        )
    except (ValueError, TypeError, KeyError):
        return None
    return detail if wanted else None
