"""The driver's side of the release stack: every name that it is given is one of the templates'."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from infra.release.aws.account import Account
from infra.release.aws.appspec import OVER, UP, appspec
from infra.release.aws.hooks import DOCUMENT
from infra.release.dynamo import DynamoStore
from infra.release.store import CURRENT
from infra.stacks.environments import SITES
from infra.stacks.inspection import Template

REGION = "eu-central-1"
NAMES = {"region_name": REGION, "aws_access_key_id": "x", "aws_secret_access_key": "x"}


def of(templates: list[Template], kind: str, environment: str = "prod") -> list[Mapping[str, Any]]:
    return [
        properties
        for template in templates
        if template.environment == environment
        for _, _, properties in template.resources(kind)
    ]


def functions(templates: list[Template], environment: str = "prod") -> dict[str, Any]:
    return {one["FunctionName"]: one for one in of(templates, "AWS::Lambda::Function", environment)}


def driver(templates: list[Template], environment: str) -> Account:
    [container] = [
        one
        for task in of(templates, "AWS::ECS::TaskDefinition", environment)
        for one in task["ContainerDefinitions"]
        if one["Name"] == "release-driver"
    ]
    given = {one["Name"]: one["Value"] for one in container["Environment"]}
    assert "printenv RELEASE_ACCOUNT" in container["Command"][2]
    return Account.model_validate_json(given["RELEASE_ACCOUNT"])


def names(templates: list[Template], kind: str, field: str, environment: str) -> set[str]:
    return {one[field] for one in of(templates, kind, environment)}


@pytest.mark.parametrize("environment", [site.name for site in SITES])
def test_every_name_of_the_driver_is_a_resource(
    templates: list[Template], environment: str
) -> None:
    account = driver(templates, environment)

    def there(kind: str, field: str) -> set[str]:
        return names(templates, kind, field, environment)

    groups = [name for colour in account.groups.values() for name in colour]
    assert set(groups) == there("AWS::AutoScaling::AutoScalingGroup", "AutoScalingGroupName")
    assert set(account.parameters.values()) == there("AWS::SSM::Parameter", "Name")
    assert account.table in there("AWS::DynamoDB::Table", "TableName")
    assert {account.application} == there("AWS::CodeDeploy::Application", "ApplicationName")
    assert {account.deployment_group} == there(
        "AWS::CodeDeploy::DeploymentGroup", "DeploymentGroupName"
    )
    secrets = there("AWS::SecretsManager::Secret", "Name")
    assert {account.token_secret, account.database_secret} <= secrets
    [server] = [
        task
        for task in of(templates, "AWS::ECS::TaskDefinition", environment)
        if task["Family"] == account.task
    ]
    [container] = server["ContainerDefinitions"]
    assert container["Name"] == account.container
    assert [one["ContainerPort"] for one in container["PortMappings"]] == [account.port]
    hosts = {one["Name"] for one in of(templates, "AWS::Route53::RecordSet", environment)}
    for url in (account.api, account.test_api):
        assert f"{url.split('/')[2].partition(':')[0]}." in hosts


@pytest.mark.parametrize("environment", [site.name for site in SITES])
def test_every_function_of_the_appspec_is_there_and_codedeploy_may_call_it(
    templates: list[Template], environment: str
) -> None:
    account = driver(templates, environment)
    there = functions(templates, environment)
    made = json.loads(appspec("arn", account.container, account.port, account.hooks))
    called = {event: name for one in made["Hooks"] for event, name in one.items()}
    assert set(called) == {UP, OVER}
    for event, name in called.items():
        assert there[name]["Environment"]["Variables"]["RELEASE_EVENT"] == event
    allowed = {
        resource
        for policy in of(templates, "AWS::IAM::Policy", environment)
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
        for resource in statement["Resource"]
    }
    assert {arn.rpartition(":")[2] for arn in allowed} == set(called.values())


@pytest.fixture
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def called(
    function: Mapping[str, Any], package: Path, event: Mapping[str, Any], url: str
) -> subprocess.CompletedProcess[str]:
    """Call a function as Lambda does: of this project, the package is all that is there."""
    module, _, name = function["Handler"].rpartition(".")
    variables = {
        key: value if isinstance(value, str) else "subnet-1"  # references between stacks
        for key, value in function["Environment"]["Variables"].items()
    }
    script = (
        "import importlib, json, sys; sys.path.insert(0, sys.argv[1]); "
        f"module = importlib.import_module({module!r}); "
        "assert module.__file__.startswith(sys.argv[1]), module.__file__; "
        "heavy = {'pydantic', 'httpx', 'sqlalchemy', 'prefect'} & set(sys.modules); "
        "assert not heavy, heavy; "
        f"print(json.dumps(module.{name}(json.loads(sys.argv[2]), None)))"
    )
    return subprocess.run(
        [sys.executable, "-c", script, str(package), json.dumps(event)],
        cwd=package,
        env={
            "PATH": os.environ["PATH"],
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_packed_functions_do_their_work_on_what_calls_them(
    templates: list[Template], hooks: Path, moto: str
) -> None:
    there = functions(templates)
    up, keeper = there["dataweave-prod-release-up"], there["dataweave-prod-release-keeper"]
    given = up["Environment"]["Variables"]
    dynamo = boto3.client("dynamodb", endpoint_url=moto, **NAMES)
    [table] = [
        one
        for one in of(templates, "AWS::DynamoDB::Table")
        if one["TableName"] == given["RELEASE_TABLE"]
    ]
    dynamo.create_table(
        TableName=table["TableName"],
        KeySchema=table["KeySchema"],
        AttributeDefinitions=table["AttributeDefinitions"],
        BillingMode="PAY_PER_REQUEST",
    )
    ecs = boto3.client("ecs", endpoint_url=moto, **NAMES)
    ecs.create_cluster(clusterName=given["RELEASE_CLUSTER"])
    ecs.register_task_definition(
        family=given["RELEASE_TASK"],
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "release-driver", "image": "image", "memory": 512}],
    )
    ec2 = boto3.client("ec2", endpoint_url=moto, **NAMES)
    [subnet, *_] = ec2.describe_subnets()["Subnets"]
    [group, *_] = ec2.describe_security_groups()["SecurityGroups"]
    network = {"RELEASE_SUBNETS": subnet["SubnetId"], "RELEASE_GROUP": group["GroupId"]}

    def placed(function: Mapping[str, Any]) -> dict[str, Any]:
        variables = {**function["Environment"]["Variables"], **network}
        return {**function, "Environment": {"Variables": variables}}

    event = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}
    done = called(placed(up), hooks, event, moto)
    assert done.returncode == 0, done.stderr
    # Nothing is under way: noted for whoever comes, and nobody is started.
    assert json.loads(done.stdout) == {
        "deployment": "d-1", "event": UP, "news": True, "driver": None,
    }  # fmt: skip
    store = DynamoStore(dynamo, given["RELEASE_TABLE"])
    assert store.read(DOCUMENT).value["early"] == {"d-1": {UP: "e-1"}}
    store.write(CURRENT, {"progress": {"way": "forward", "release": {"id": "r"}}}, 0)
    done = called(placed(keeper), hooks, {"source": "aws.events"}, moto)
    assert done.returncode == 0, done.stderr
    [task] = ecs.list_tasks(cluster=given["RELEASE_CLUSTER"])["taskArns"]
    assert json.loads(done.stdout) == {"driver": task}
