"""The account's hands: real boto3 clients against moto over HTTP, CodeDeploy by botocore's model.

moto knows neither CodeDeploy's hooks nor its waiting, so CodeDeploy's answers are given by a
Stubber, which holds requests and answers against the service's model.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import ANY, Stubber
from moto.server import ThreadedMotoServer
from sqlalchemy import make_url

from infra.release.aws.account import Account
from infra.release.aws.appspec import OVER, UP
from infra.release.aws.controller import CodeDeployController
from infra.release.aws.fleet import GroupFleet
from infra.release.aws.hands import address
from infra.release.aws.hooks import AGAIN, DOCUMENT, NotStartedError, Task, answer, keep, note
from infra.release.dynamo import DynamoStore
from infra.release.model import Colour, Version
from infra.release.parts import Unanswered
from infra.release.seen import Look
from infra.release.store import (
    CURRENT,
    ConflictError,
    Document,
    FileStore,
    ReleaseProblemError,
    put,
)

BLUE, GREEN = Colour.BLUE, Colour.GREEN
OLD = Version("a" * 64, "", "old", "", "repository@sha256:" + "a" * 64)
NEW = Version("b" * 64, "", "new", "", "repository@sha256:" + "b" * 64)
ACCOUNT = Account(
    region="eu-central-1",
    table="releases",
    groups={BLUE: ["work-blue"], GREEN: ["work-green"]},
    parameters={BLUE: "/release/blue", GREEN: "/release/green"},
    application="controller",
    deployment_group="server",
    task="server",
    hooks={UP: "release-up", OVER: "release-over"},
    api="https://machines.example.com/api",
    test_api="https://machines.example.com:8443/api",
    token_secret="token",
    database_secret="database",
)


def client(service: str, endpoint: str | None = None) -> Any:
    return boto3.client(  # type: ignore[call-overload]
        service, region_name="eu-central-1", endpoint_url=endpoint, aws_access_key_id="x",
        aws_secret_access_key="x", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_dynamo_writes_on_condition(moto: str) -> None:
    dynamo = client("dynamodb", moto)
    dynamo.create_table(
        TableName="releases", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "release", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "release", "AttributeType": "S"}],
    )  # fmt: skip
    store = DynamoStore(dynamo, "releases")
    assert store.read("current") == Document({}, 0)
    assert store.write("current", {"x": 1}, 0) == 1
    with pytest.raises(ConflictError):
        store.write("current", {"x": 2}, 0)
    # A write whose answer was lost is sent again by the client: it is the same write.
    assert store.write("current", {"x": 1}, 0) == 1
    won: list[int] = []

    def write(number: int) -> None:
        try:
            DynamoStore(client("dynamodb", moto), "releases").write("current", {"x": number}, 1)
            won.append(number)
        except ConflictError:
            return

    threads = [threading.Thread(target=write, args=(number,)) for number in range(10, 18)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.read("current") == Document({"x": won[0]}, 2)


def test_a_fleet_comes_up_with_the_others_bounds_and_goes(moto: str) -> None:
    autoscaling, ssm, ec2 = (client(name, moto) for name in ("autoscaling", "ssm", "ec2"))
    image = ec2.describe_images()["Images"][0]["ImageId"]
    autoscaling.create_launch_configuration(
        LaunchConfigurationName="machine", ImageId=image, InstanceType="t3.micro"
    )
    for name, most, now in (("work-blue", 5, 2), ("work-green", 0, 0)):
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=name, LaunchConfigurationName="machine", MinSize=0, MaxSize=most,
            DesiredCapacity=now, AvailabilityZones=["eu-central-1a"],
        )  # fmt: skip
    ssm.put_parameter(Name="/release/blue", Value=OLD.digest, Type="String")
    ssm.put_parameter(Name="/release/green", Value="none", Type="String")
    pool = {"MinSize": 2, "MaxGroupPreparedCapacity": 2, "PoolState": "Stopped"}
    autoscaling.put_warm_pool(AutoScalingGroupName="work-blue", **pool)
    fleet = GroupFleet(ACCOUNT, autoscaling, ssm)
    assert fleet.look(BLUE, OLD)[0] is Look.DONE
    assert fleet.look(GREEN, NEW)[0] is Look.ABSENT
    fleet.start(GREEN, NEW)
    fleet.start(GREEN, NEW)  # again: nothing more
    assert fleet.look(GREEN, NEW)[0] is Look.DONE
    asked = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["work-green"])
    (group,) = asked["AutoScalingGroups"]
    assert (group["MaxSize"], len(group["Instances"])) == (5, 2)
    assert pool.items() <= group["WarmPoolConfiguration"].items()
    # Machines that run are not given another version's name.
    with pytest.raises(ReleaseProblemError, match="still has machines"):
        fleet.start(BLUE, NEW)
    assert fleet.gone(BLUE) is Look.ABSENT
    fleet.stop(BLUE)
    assert fleet.gone(BLUE) is Look.DONE
    # Machines that stand warm have booted the old version: they go with it.
    asked = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["work-blue"])
    assert not asked["AutoScalingGroups"][0].get("WarmPoolConfiguration")
    autoscaling.put_warm_pool(AutoScalingGroupName="work-blue", **pool)
    with pytest.raises(ReleaseProblemError, match="still has warm machines: work-blue"):
        fleet.start(BLUE, NEW)
    assert fleet.gone(BLUE) is Look.WAITING
    fleet.stop(BLUE)
    assert fleet.gone(BLUE) is Look.DONE
    assert fleet.look(BLUE, OLD)[0] is Look.ABSENT


TASK = {
    "taskDefinitionArn": "arn:aws:ecs:eu-central-1:111111111111:task-definition/server:1",
    "family": "server", "cpu": "512", "memory": "1024", "networkMode": "awsvpc",
    "containerDefinitions": [{"name": "server", "image": OLD.image}],
}  # fmt: skip


class Deploys:
    """CodeDeploy and ECS, whose next answers are given."""

    def __init__(self, store: FileStore) -> None:
        self.codedeploy, self.ecs = client("codedeploy"), client("ecs")
        self.deploy, self.tasks = Stubber(self.codedeploy), Stubber(self.ecs)
        self.deploy.activate()
        self.tasks.activate()
        self.controller = CodeDeployController(ACCOUNT, store, self.codedeploy, self.ecs)

    def status(self, status: str, description: str = "r2") -> None:
        self.deploy.add_response(
            "get_deployment",
            {"deploymentInfo": {"deploymentId": "d-1", "status": status,
                                "description": description}},
            {"deploymentId": "d-1"},
        )  # fmt: skip

    def listed(self, *deployments: str) -> None:
        self.deploy.add_response("list_deployments", {"deployments": list(deployments)})

    def done(self) -> None:
        self.deploy.assert_no_pending_responses()
        self.tasks.assert_no_pending_responses()


def started(store: FileStore) -> Deploys:
    """A deployment of the new version that was just made."""
    fake = Deploys(store)
    fake.listed()
    fake.tasks.add_response("describe_task_definition", {"taskDefinition": TASK})
    arn = TASK["taskDefinitionArn"].replace(":1", ":2")  # type: ignore[attr-defined]
    fake.tasks.add_response(
        "register_task_definition", {"taskDefinition": {"taskDefinitionArn": arn}},
        {"family": "server", "cpu": "512", "memory": "1024", "networkMode": "awsvpc",
         "containerDefinitions": [{"name": "server", "image": NEW.image}]},
    )  # fmt: skip
    fake.deploy.add_response(
        "create_deployment", {"deploymentId": "d-1"},
        {"applicationName": "controller", "deploymentGroupName": "server", "description": "r2",
         "revision": ANY},
    )  # fmt: skip
    fake.controller.start(GREEN, NEW, "r2")
    fake.done()
    return fake


def test_the_server_goes_over_hook_by_hook(tmp_path: Any) -> None:
    store = FileStore(tmp_path)
    fake = started(store)
    fake.status("InProgress")
    assert fake.controller.look(GREEN, NEW)[0] is Look.WAITING
    assert note(store, "d-1", "e-up", UP)
    assert not note(store, "d-1", "e-up", UP)  # delivered twice
    fake.status("InProgress")
    assert fake.controller.look(GREEN, NEW)[0] is Look.DONE
    assert fake.controller.url(GREEN) == ACCOUNT.test_api
    fake.status("InProgress")
    assert fake.controller.points_at() is BLUE
    fake.deploy.add_response(
        "put_lifecycle_event_hook_execution_status", {},
        {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "e-up", "status": "Succeeded"},
    )  # fmt: skip
    fake.controller.point(GREEN)
    fake.controller.point(GREEN)  # answered once
    fake.status("InProgress")
    assert fake.controller.points_at() is None  # CodeDeploy is moving it
    note(store, "d-1", "e-over", OVER)
    fake.status("InProgress")
    assert fake.controller.points_at() is GREEN
    fake.status("InProgress")
    assert fake.controller.gone(BLUE) is Look.ABSENT
    fake.deploy.add_client_error(
        "put_lifecycle_event_hook_execution_status", "LifecycleEventAlreadyCompletedException"
    )
    fake.controller.stop(BLUE)  # answered by a driver that was killed
    fake.status("InProgress")
    assert fake.controller.gone(BLUE) is Look.DONE
    assert fake.controller.look(GREEN, NEW)[0] is Look.DONE
    fake.done()


def test_a_deployment_that_was_made_and_not_noted_is_found(tmp_path: Any) -> None:
    store = FileStore(tmp_path)
    fake = Deploys(store)
    # Its first hook came before anybody knew of it.
    assert note(store, "d-1", "e-up", UP)
    fake.listed("d-1")
    fake.status("InProgress")
    fake.controller.start(GREEN, NEW, "r2")
    fake.status("InProgress")
    assert fake.controller.look(GREEN, NEW)[0] is Look.DONE
    fake.done()


def test_going_back_stops_the_deployment(tmp_path: Any) -> None:
    store = FileStore(tmp_path)
    fake = started(store)
    asked = {"deploymentId": "d-1", "autoRollbackEnabled": True}
    fake.deploy.add_response("stop_deployment", {"status": "Pending"}, asked)
    fake.controller.point(BLUE)
    fake.status("Stopped")
    assert fake.controller.points_at() is BLUE
    fake.status("Stopped")
    assert fake.controller.gone(GREEN) is Look.DONE
    fake.status("Stopped")
    assert fake.controller.look(GREEN, NEW)[0] is Look.FAILED
    fake.done()


def test_throttles_are_no_answer(tmp_path: Any) -> None:
    fake = started(FileStore(tmp_path))
    fake.deploy.add_client_error("get_deployment", "ThrottlingException", http_status_code=400)
    with pytest.raises(Unanswered):
        fake.controller.look(GREEN, NEW)


def test_the_appspec_names_both_hooks(tmp_path: Any) -> None:
    from infra.release.aws.appspec import appspec

    made = json.loads(appspec("arn", "server", 4200, ACCOUNT.hooks))
    assert made["Hooks"] == [{UP: "release-up"}, {OVER: "release-over"}]


def under_way(store: Any, way: str = "forward", until: float = 0.0) -> None:
    lease = {"holder": "somebody", "until": until} if until else None
    put(store, CURRENT, {"progress": {"way": way, "release": {"id": "r2"}}, "lease": lease})


EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}


def test_a_hook_notes_and_starts_a_driver_where_nobody_drives(tmp_path: Any) -> None:
    store, started = FileStore(tmp_path), []

    def start(token: str) -> str:
        started.append(token)
        return "task"

    under_way(store)
    assert answer(EVENT, UP, store, start, 1000.0)["news"] is True
    assert answer(EVENT, UP, store, start, 1001.0)["news"] is False
    # The same request twice: ECS makes one task of a token.
    assert len(started) == 2 and len(set(started)) == 1 and len(started[0]) <= 64
    assert store.read(DOCUMENT).value["early"] == {"d-1": {UP: "e-1"}}
    # Nothing came of it: it is asked for anew, which the same token would not do.
    keep(store, start, 1000.0 + AGAIN)
    assert len(set(started)) == 2


@pytest.mark.parametrize(
    ("way", "until"), [("stuck", 0.0), ("released", 0.0), ("forward", 1100.0), ("", 0.0)]
)
def test_nobody_is_started_beside_a_driver_or_without_need(
    tmp_path: Any, way: str, until: float
) -> None:
    store = FileStore(tmp_path)
    if way:
        under_way(store, way, until)
    assert keep(store, lambda token: pytest.fail("started"), 1000.0) == {"driver": None}


def test_a_driver_that_was_killed_is_replaced_when_its_lease_is_over(tmp_path: Any) -> None:
    store = FileStore(tmp_path)
    under_way(store, "back", 1100.0)
    assert keep(store, lambda token: "task", 1100.0) == {"driver": "task"}


def test_an_event_is_noted_though_no_driver_starts(tmp_path: Any) -> None:
    store, ecs = FileStore(tmp_path), client("ecs")
    under_way(store)
    task = Task("cluster", "driver", ("subnet-1",), "sg-1")
    with Stubber(ecs) as stub:
        stub.add_client_error("run_task", "ThrottlingException")
        said = answer(EVENT, UP, store, lambda token: task.start(ecs, token), 1000.0)
        assert said["news"] and said["driver"] is None
        full = {"tasks": [], "failures": [{"reason": "RESOURCE:FARGATE"}]}
        stub.add_response("run_task", full)
        with pytest.raises(NotStartedError, match="RESOURCE:FARGATE"):
            keep(store, lambda token: task.start(ecs, token), 1000.0)
    assert store.read(DOCUMENT).value["early"] == {"d-1": {UP: "e-1"}}


def test_the_databases_address_is_read_as_rds_keeps_it() -> None:
    kept = {"username": "prefect", "password": "a@b/c", "host": "db.example", "port": 5432,
            "dbname": "prefect", "engine": "postgres"}  # fmt: skip
    url = make_url(address(json.dumps(kept)))
    assert (url.username, url.password, url.host, url.port) == (
        "prefect", "a@b/c", "db.example", 5432,
    )  # fmt: skip
    assert address("postgresql://u:p@h/d") == "postgresql://u:p@h/d"
