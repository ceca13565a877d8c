"""How one version replaces another: CodeDeploy, the server blue-green, the fleets by their colour.

CodeDeploy moves the server's listener and moves it back when an alarm of this environment goes off
or a hook of the appspec fails. The fleets' blue and green groups are moved by whoever holds the
driver's role (`infra.stacks.driver`), workers first, then the controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.stacks.acknowledged import accept, allow
from infra.stacks.controller import Controller
from infra.stacks.data import Data
from infra.stacks.doors import Doors
from infra.stacks.driver import EVENTS, Driver, release_parameter
from infra.stacks.foundation import Foundation
from infra.stacks.workers import COLOURS, Workers

GUARDS: Final = (
    "server-unhealthy-blue",
    "server-unhealthy-green",
    "nobody-at-the-door",
    "autoscaler-fails",
)
"""Alarms that turn a release back."""

NOTHING_YET: Final = "none"
"""Value of a colour's release before the first one; the driver owns it afterwards."""


class Release(cdk.Stack):
    """CodeDeploy's side, the versions, and the role of the release driver."""

    def __init__(
        self,
        scope: Construct,
        base: Foundation,
        data: Data,
        doors: Doors,
        controller: Controller,
        workers: Workers,
        hooks: Path,
        env: cdk.Environment,
    ) -> None:
        site = base.site
        super().__init__(scope, "release", env=env, stack_name=site.named("release"))
        self.site = site
        driver = Driver(self, base, data, doors, controller, workers, hooks)
        self.deployer = self._deployer(controller, doors)
        application = codedeploy.EcsApplication(
            self, "controller", application_name=site.named("controller")
        )
        group = codedeploy.EcsDeploymentGroup(
            self,
            "server",
            application=application,
            deployment_group_name=site.named("server"),
            deployment_config=codedeploy.EcsDeploymentConfig.ALL_AT_ONCE,
            service=controller.server,
            blue_green_deployment_config=codedeploy.EcsBlueGreenDeploymentConfig(
                blue_target_group=doors.blue,
                green_target_group=doors.green,
                listener=doors.listener,
                test_listener=doors.test_listener,
                # The old server stays this long, so that going back takes no start.
                termination_wait_time=cdk.Duration.minutes(30),
            ),
            alarms=[
                cloudwatch.Alarm.from_alarm_arn(
                    self, f"guard-{name}", self._arn("cloudwatch", f"alarm:{site.named(name)}")
                )
                for name in GUARDS
            ],
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
            role=self.deployer,
        )
        self.versions = {
            colour: ssm.StringParameter(
                self,
                f"release-{colour}",
                parameter_name=release_parameter(site, colour),
                string_value=NOTHING_YET,
                description=f"SHA-256 of the release that {colour} machines run",
            )
            for colour in COLOURS
        }
        self._calls(driver.hooks)
        cdk.CfnOutput(self, "Application", value=application.application_name)
        cdk.CfnOutput(self, "DeploymentGroup", value=group.deployment_group_name)

    def _deployer(self, controller: Controller, doors: Doors) -> iam.Role:
        role = iam.Role(
            self,
            "deployer",
            role_name=self.site.named("deployer"),
            description=f"CodeDeploy in {self.site.name}",
            assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"),
        )
        allow(
            role,
            "MoveTheServer",
            [
                "ecs:DescribeServices",
                "ecs:CreateTaskSet",
                "ecs:UpdateServicePrimaryTaskSet",
                "ecs:DeleteTaskSet",
            ],
            [
                self._arn(
                    "ecs", f"service/{self.site.named('cluster')}/{self.site.named('server')}"
                ),
                self._arn(
                    "ecs",
                    f"task-set/{self.site.named('cluster')}/{self.site.named('server')}/*",
                ),
            ],
            because="Task sets get their names as they are made; the service is the server's.",
        )
        allow(
            role,
            "See",
            [
                "elasticloadbalancing:DescribeTargetGroups",
                "elasticloadbalancing:DescribeListeners",
                "elasticloadbalancing:DescribeRules",
                "cloudwatch:DescribeAlarms",
            ],
            ["*"],
            because="Describing balancers and alarms knows no resources and changes nothing.",
        )
        allow(
            role,
            "MoveTheListeners",
            ["elasticloadbalancing:ModifyListener"],
            [doors.listener.listener_arn, doors.test_listener.listener_arn],
        )
        task = controller.server.task_definition
        assert task.execution_role is not None
        allow(
            role,
            "GiveTasksTheirRoles",
            ["iam:PassRole"],
            [task.task_role.role_arn, task.execution_role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        )
        # CDK attaches CodeDeploy's managed policy to the role all the same.
        accept(
            role,
            "CodeDeploy's own policy for ECS; what it may pass and move is named beside it.",
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AWSCodeDeployRoleForECS]",
        )
        return role

    def _calls(self, hooks: Mapping[str, lambda_.Function]) -> None:
        # The managed policy knows functions of AWS's own naming alone.
        names = [self._arn("lambda", f"function:{self.site.named(EVENTS[one])}") for one in hooks]
        allow(self.deployer, "CallTheHooks", ["lambda:InvokeFunction"], names)

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.site.region}:{self.site.account}:{resource}"
