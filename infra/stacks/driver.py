"""Who drives a release: the role, the task that runs as it, and the functions that start the task.

CodeDeploy's appspec names the functions (`infra.release.aws.hooks`). They note at which event it
waits, and start the task where nobody drives; the clock does so every few minutes, for a driver
that was killed. The task is ``python -m infra.release resume`` in the controller's image. People
and pipelines take the same role.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.release.aws.appspec import OVER, UP
from infra.stacks.acknowledged import allow
from infra.stacks.controller import Controller
from infra.stacks.data import Data
from infra.stacks.doors import Doors
from infra.stacks.environments import Site
from infra.stacks.foundation import SERVER, Foundation
from infra.stacks.functions import function, function_role, missed_queue
from infra.stacks.tasks import container, fargate_task, image_parameter
from infra.stacks.workers import COLOURS, KINDS, POOL, Workers

TASK: Final = "release-driver"
EVENTS: Final = {UP: "release-up", OVER: "release-over"}
"""Functions by the event of the appspec at which CodeDeploy calls them."""

KEEPER: Final = "release-keeper"
EVERY: Final = cdk.Duration.minutes(5)
"""Between two looks for a driver that was killed; its lease lasts three."""


class Driver:
    """The driver of an environment's releases.

    Args:
        scope: the stack of releases.
        base: network and key.
        data: table and secrets.
        doors: where the API is.
        controller: the server that is deployed.
        workers: the fleets.
        package: folder of the packed hooks, see `infra.release.aws.package`.

    Attributes:
        role: of whoever drives.
        hooks: functions by event, as the appspec names them.
    """

    def __init__(
        self,
        scope: Construct,
        base: Foundation,
        data: Data,
        doors: Doors,
        controller: Controller,
        workers: Workers,
        package: Path,
    ) -> None:
        self._scope, self._base, self._data, self._site = scope, base, data, base.site
        self._doors, self._controller, self._workers = doors, controller, workers
        self.role = self._role()
        self._task = self._made_task()
        self._missed = missed_queue(scope, "release-missed", base)
        self.hooks = {
            event: self._function(name, package, f"CodeDeploy waits at {event}", event)
            for event, name in EVENTS.items()
        }
        self._keep(package)
        cdk.CfnOutput(scope, "ReleaseAccount", value=json.dumps(account(base.site, doors)))

    def _role(self) -> iam.Role:
        site = self._site
        role = iam.Role(
            self._scope,
            "driver",
            role_name=site.named(TASK),
            description=f"Releases in {site.name}",
            assumed_by=iam.CompositePrincipal(
                iam.AccountPrincipal(site.account),
                iam.ServicePrincipal(
                    "ecs-tasks.amazonaws.com",
                    conditions={"StringEquals": {"aws:SourceAccount": site.account}},
                ),
            ),
            max_session_duration=cdk.Duration.hours(12),
        )
        self._fleets(role)
        allow(
            role,
            "Remember",
            ["dynamodb:GetItem", "dynamodb:PutItem"],
            [self._data.tables["releases"].table_arn],
        )
        allow(
            role,
            "Artifacts",
            ["s3:GetObject", "s3:PutObject"],
            [f"arn:aws:s3:::{site.named('artifacts')}-{site.account}/releases/*"],
            because=f"Releases are named by hashes, in {site.named('artifacts')}.",
        )
        allow(role, "Key", ["kms:Decrypt", "kms:GenerateDataKey"], [self._base.key.key_arn])
        secrets = [self._data.secrets["machine-token"].secret_arn, self._data.password.secret_arn]
        allow(role, "Secrets", ["secretsmanager:GetSecretValue"], secrets)
        self._server(role)
        return role

    def _fleets(self, role: iam.Role) -> None:
        groups = [self._workers.group_name(kind, one) for kind in KINDS for one in COLOURS]
        allow(
            role,
            "MoveTheFleets",
            [
                "autoscaling:UpdateAutoScalingGroup",
                "autoscaling:PutWarmPool",
                "autoscaling:DeleteWarmPool",
            ],
            [
                self._arn("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{group}")
                for group in groups
            ],
            because="A group's ARN has a random part before its name.",
        )
        allow(
            role,
            "See",
            ["autoscaling:DescribeAutoScalingGroups", "ecs:DescribeTaskDefinition"],
            ["*"],
            because="Describing groups and definitions knows no resources and changes nothing.",
        )
        allow(
            role,
            "NameTheRelease",
            ["ssm:PutParameter", "ssm:GetParameter"],
            [self._arn("ssm", f"parameter{release_parameter(self._site, one)}") for one in COLOURS],
        )

    def _server(self, role: iam.Role) -> None:
        named = self._site.named
        application = named("controller")
        allow(
            role,
            "DeployTheServer",
            [
                "codedeploy:CreateDeployment",
                "codedeploy:GetDeployment",
                "codedeploy:ListDeployments",
                "codedeploy:StopDeployment",
                "codedeploy:PutLifecycleEventHookExecutionStatus",
            ],
            [self._arn("codedeploy", f"deploymentgroup:{application}/{named('server')}")],
        )
        # Making a deployment of an appspec registers it as a revision, by the caller's right.
        allow(
            role,
            "Revisions",
            ["codedeploy:GetApplicationRevision", "codedeploy:RegisterApplicationRevision"],
            [self._arn("codedeploy", f"application:{application}")],
        )
        allow(
            role,
            "HowItIsDeployed",
            ["codedeploy:GetDeploymentConfig"],
            [self._arn("codedeploy", "deploymentconfig:CodeDeployDefault.ECSAllAtOnce")],
        )
        allow(
            role,
            "NameTheServersImage",
            ["ecs:RegisterTaskDefinition"],
            ["*"],
            because="Registering knows no resources; the roles that it may name are held below.",
        )
        task = self._controller.server.task_definition
        assert task.execution_role is not None
        self._pass(role, task.task_role, task.execution_role)

    def _made_task(self) -> ecs.FargateTaskDefinition:
        scope, base = self._scope, self._base
        # Not the controller's parameter: a stack cannot change what another one takes from it.
        image = image_parameter(scope, "DriverImage", self._site)
        task = fargate_task(scope, base, self._data, TASK, 256, 1024, self.role)
        container(
            scope,
            base,
            task,
            TASK,
            image=image.value_as_string,
            # The driver reads a file; a container of this image has none of its own.
            command=[
                "sh",
                "-c",
                "printenv RELEASE_ACCOUNT >/tmp/account.json"
                " && exec python -m infra.release --aws /tmp/account.json resume",
            ],
            environment={
                "AWS_DEFAULT_REGION": self._site.region,
                "RELEASE_ACCOUNT": json.dumps(account(self._site, self._doors)),
            },
            secrets={},
        )
        return task

    def _function(self, name: str, package: Path, what: str, event: str = "") -> lambda_.Function:
        scope, base, site = self._scope, self._base, self._site
        role = function_role(scope, f"{name}-role", name, f"{what} in {site.name}", base)
        allow(
            role,
            "Remember",
            ["dynamodb:GetItem", "dynamodb:PutItem"] if event else ["dynamodb:GetItem"],
            [self._data.tables["releases"].table_arn],
        )
        allow(role, "Key", ["kms:Decrypt", "kms:GenerateDataKey"], [base.key.key_arn])
        allow(
            role,
            "StartTheDriver",
            ["ecs:RunTask"],
            [self._arn("ecs", f"task-definition/{site.named(TASK)}:*")],
            because="Every revision of the one definition that the driver has.",
            conditions={
                "ArnEquals": {"ecs:cluster": self._arn("ecs", f"cluster/{site.named('cluster')}")}
            },
        )
        assert self._task.execution_role is not None
        self._pass(role, self._task.task_role, self._task.execution_role)
        subnets = base.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
        environment = {
            "RELEASE_TABLE": site.named("releases"),
            "RELEASE_CLUSTER": site.named("cluster"),
            "RELEASE_TASK": site.named(TASK),
            "RELEASE_SUBNETS": ",".join(subnets.subnet_ids),
            "RELEASE_GROUP": base.groups["release"].security_group_id,
        }
        return function(
            scope,
            name,
            name=name,
            description=what,
            handler=f"infra.release.aws.hooks.{'handler' if event else 'keeper'}",
            package=package,
            role=role,
            base=base,
            group="hooks",
            log=f"{name}-log",
            memory=256,
            timeout=cdk.Duration.seconds(60),
            missed=self._missed,
            environment=environment | ({"RELEASE_EVENT": event} if event else {}),
        )

    def _keep(self, package: Path) -> None:
        keeper = self._function(KEEPER, package, "Starts a driver in place of a killed one")
        events.Rule(
            self._scope,
            "every-few-minutes",
            rule_name=self._site.named(KEEPER),
            description="A release that is under way has a driver",
            schedule=events.Schedule.rate(EVERY),
            targets=[
                targets.LambdaFunction(
                    keeper,
                    dead_letter_queue=self._missed,
                    retry_attempts=0,
                    max_event_age=EVERY,
                )
            ],
        )

    def _pass(self, role: iam.Role, *passed: iam.IRole) -> None:
        allow(
            role,
            "GiveTasksTheirRoles",
            ["iam:PassRole"],
            [one.role_arn for one in passed],
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        )

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self._site.region}:{self._site.account}:{resource}"


def release_parameter(site: Site, colour: str) -> str:
    """Return the parameter's name that says which release a colour's machines boot."""
    return f"/dataweave/{site.name}/release/{colour}"


def account(site: Site, doors: Doors) -> Mapping[str, Any]:
    """Return the environment's names as the driver reads them: `infra.release.aws.account`."""
    named = site.named
    return {
        "region": site.region,
        "table": named("releases"),
        "groups": {one: [named(f"{kind}-{one}") for kind in KINDS] for one in COLOURS},
        "parameters": {one: release_parameter(site, one) for one in COLOURS},
        "application": named("controller"),
        "deployment_group": named("server"),
        "task": named("server"),
        "container": "server",
        "port": SERVER,
        "hooks": {event: named(name) for event, name in EVENTS.items()},
        "api": doors.api,
        "test_api": f"https://server.{site.domain}:{SERVER + 1}/api",
        "token_secret": f"dataweave/{site.name}/machine-token",
        "database_secret": f"dataweave/{site.name}/database",
        "pool": POOL,
    }
