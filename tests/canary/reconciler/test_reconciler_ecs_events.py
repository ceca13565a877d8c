"""ECS's events as a sign: moto's EventBridge, SQS and ECS over HTTP."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from canary.reconciler.ecs import Tasks
from canary.reconciler.events import FOLDER, PATTERN, Stopped, fate
from sdk.storage import Storage, storage

ACCOUNT = "123456789012"
CLUSTER = f"arn:aws:ecs:eu-central-1:{ACCOUNT}:cluster/flows"
KILLED = f"arn:aws:ecs:eu-central-1:{ACCOUNT}:task/flows/0b69d5c0d6554b4aa2e3b1ddf8b9c7c1"
LIVES = f"arn:aws:ecs:eu-central-1:{ACCOUNT}:task/flows/c13b4cb40f1f4fe4a2971f76ae5a47ad"


def detail(arn: str = KILLED, status: str = "STOPPED", **changed: Any) -> dict[str, Any]:
    """Return what an event says, in the form that ECS documents: a task as it is described."""
    return {
        "attachments": [],
        "availabilityZone": "eu-central-1a",
        "clusterArn": CLUSTER,
        "containers": [
            {
                "containerArn": f"arn:aws:ecs:eu-central-1:{ACCOUNT}:container/flows/1/2",
                "exitCode": 137,
                "lastStatus": status,
                "name": "prefect",
                "reason": "OutOfMemoryError: Container killed due to memory usage",
                "taskArn": arn,
                "networkInterfaces": [],
                "cpu": "512",
            }
        ],
        "desiredStatus": "STOPPED",
        "lastStatus": status,
        "overrides": {"containerOverrides": [{"name": "prefect"}]},
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "taskArn": arn,
        "taskDefinitionArn": f"arn:aws:ecs:eu-central-1:{ACCOUNT}:task-definition/flows:3",
        "version": 5,
        **changed,
    }


class Account:
    """A rule of EventBridge, its queue, and an empty cluster."""

    def __init__(self) -> None:
        self.ecs, self.sqs, self.bus = map(boto3.client, ("ecs", "sqs", "events"))
        self.ecs.create_cluster(clusterName="flows")
        self.queue = self.sqs.create_queue(
            QueueName="stopped", Attributes={"VisibilityTimeout": "0"}
        )["QueueUrl"]
        self.bus.put_rule(Name="stopped", EventPattern=json.dumps(PATTERN))
        arn = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:stopped"
        self.bus.put_targets(Rule="stopped", Targets=[{"Id": "queue", "Arn": arn}])

    def tell(self, told: dict[str, Any]) -> None:
        entry = {"Source": "aws.ecs", "DetailType": "ECS Task State Change",
                 "Resources": [told["taskArn"]], "Detail": json.dumps(told)}  # fmt: skip
        assert self.bus.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def left(self) -> int:
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["All"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():
        monkeypatch.setenv(name, value)
    try:
        yield Account()
    finally:
        server.stop()


@pytest.fixture
def root(tmp_path: Path) -> Storage:
    return storage(str(tmp_path))


def tasks(account: Account, root: Storage) -> Tasks:
    return Tasks(account.ecs, Stopped(account.sqs, account.queue, root))


def test_a_task_that_ecs_tells_of_is_gone_and_why(account: Account, root: Storage) -> None:
    account.tell(detail())
    account.tell(detail(LIVES, "RUNNING"))  # the rule does not send it
    assert account.left() == 1
    seen, where = tasks(account, root), f"flows::{KILLED}"
    # Not asked: a throttled ECS would not answer.
    seen.ecs = None
    seen.look()
    assert seen.process(where) == "gone"
    assert seen.fate(where) == (
        "Essential container in task exited; "
        "prefect: OutOfMemoryError: Container killed due to memory usage; prefect: exit code 137"
    )
    assert seen.process(f"flows::{LIVES}") == "unknown"
    assert account.left() == 0


def test_what_one_reconciler_read_the_other_knows(account: Account, root: Storage) -> None:
    account.tell(detail())
    account.tell(detail())  # at least once
    tasks(account, root).look()
    other = tasks(account, root)
    other.ecs = None
    other.look()
    assert other.process(f"flows::{KILLED}") == "gone"
    assert other.process(f"flows::{LIVES}") == "unknown"


def test_a_message_is_kept_before_it_is_deleted(account: Account, root: Storage) -> None:
    account.tell(detail())

    class Died(BaseException):
        pass

    class Dies:
        def receive_message(self, **asked: Any) -> Any:
            return account.sqs.receive_message(**asked)

        def delete_message(self, **_: Any) -> None:
            raise Died

    with pytest.raises(Died):
        Stopped(Dies(), account.queue, root).look()
    assert len(root.names(FOLDER)) == account.left() == 1
    tasks(account, root).look()
    assert account.left() == 0


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[]",
        "{}",
        json.dumps({"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": None}),
        json.dumps({"source": "somebody", "detail-type": "ECS Task State Change",
                    "detail": detail()}),
        json.dumps({"source": "aws.ecs", "detail-type": "ECS Task State Change",
                    "detail": detail(status="RUNNING")}),
        json.dumps({"source": "aws.ecs", "detail-type": "ECS Task State Change",
                    "detail": detail(f"{CLUSTER}/../../elsewhere")}),
    ],
)  # fmt: skip
def test_what_is_no_such_event_is_dropped(account: Account, root: Storage, body: str) -> None:
    account.sqs.send_message(QueueUrl=account.queue, MessageBody=body)
    tasks(account, root).look()
    assert (root.names(FOLDER), account.left()) == ([], 0)


def test_a_queue_that_is_away_costs_this_sign_alone(account: Account, root: Storage) -> None:
    account.tell(detail())
    tasks(account, root).look()
    away = Tasks(account.ecs, Stopped(account.sqs, f"{account.queue}-none", root))
    away.look()
    assert away.process(f"flows::{KILLED}") == "gone"  # it was told of before


def test_a_cause_is_short_and_one_line() -> None:
    assert fate({}) == ""
    assert fate({"stoppedReason": "Host\n terminated", "containers": [{"exitCode": 0}]}) == (
        "Host terminated"
    )
    assert len(fate({"stoppedReason": "x" * 5000})) == 300
