"""The function that sizes the fleets, and the alarms that say when it does not.

It is invoked every minute and never more than once at a time. Every alarm goes to one encrypted
topic. Those on things that must happen (a decision each minute, the watch's heartbeat) take
silence for a breach.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as notify
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.stacks.acknowledged import allow
from infra.stacks.data import Data
from infra.stacks.doors import Doors
from infra.stacks.environments import Fleet
from infra.stacks.foundation import Foundation
from infra.stacks.functions import function, function_role, missed_queue
from infra.stacks.permissions import CORDON, WATCH_NAMESPACE
from infra.stacks.workers import COLOURS, KINDS, POOL, Workers, coloured

NAMESPACE: Final = "Dataweave/Autoscaler"
MINUTE: Final = cdk.Duration.minutes(1)


class Scaling(cdk.Stack):
    """The autoscaler and the environment's alarms.

    Args:
        scope: the stage.
        base: network and key.
        data: the memory's table, the token.
        doors: where the API is.
        workers: the fleets.
        package: folder of the packed function, see `infra.autoscaler.package`.
        env: account and region.

    Attributes:
        function: the Lambda function.
        topic: of all alarms.
    """

    def __init__(
        self,
        scope: Construct,
        base: Foundation,
        data: Data,
        doors: Doors,
        workers: Workers,
        package: Path,
        env: cdk.Environment,
    ) -> None:
        site = base.site
        super().__init__(scope, "scaling", env=env, stack_name=site.named("scaling"))
        self.site, self.base, self.data = site, base, data
        self.doors, self.workers = doors, workers
        self.topic = self._topic()
        self.missed = missed_queue(self, "autoscaler-missed", base)
        self.function = self._function(package)
        self._schedule()
        self._alarms()
        self._budget()

    def _topic(self) -> sns.Topic:
        topic = sns.Topic(
            self,
            "alarms",
            topic_name=self.site.named("alarms"),
            master_key=self.base.key,
            enforce_ssl=True,
        )
        topic.add_subscription(subscriptions.EmailSubscription(self.site.mail))
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[
                    iam.ServicePrincipal("cloudwatch.amazonaws.com"),
                    iam.ServicePrincipal("budgets.amazonaws.com"),
                ],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.site.account}},
            )
        )
        return topic

    def fleets(self) -> str:
        """Return the function's fleets, as `infra.autoscaler.settings` reads them."""
        found = []
        for kind in KINDS:
            fleet: Fleet = getattr(self.site, kind)
            for colour in COLOURS:
                # The colour at rest has a group whose maximum is 0, and the group's bounds hold.
                found.append(
                    {
                        "name": f"{kind}-{colour}",
                        "group": self.workers.group_name(kind, colour),
                        "pool": POOL,
                        "queues": coloured(kind, colour),
                        "slots": fleet.slots,
                        "minimum": 0,
                        "maximum": fleet.most,
                    }
                )
        return json.dumps(found)

    def _function(self, package: Path) -> lambda_.Function:
        role = function_role(
            self,
            "autoscaler-role",
            "autoscaler",
            f"Sizes the fleets of {self.site.name}",
            self.base,
        )
        self._permissions(role)
        return function(
            self,
            "autoscaler",
            name="autoscaler",
            description="Sizes the fleets of machines",
            handler="infra.autoscaler.handler.handler",
            package=package,
            role=role,
            base=self.base,
            group="autoscaler",
            log="log",
            memory=512,
            timeout=cdk.Duration.seconds(90),
            missed=self.missed,
            retry_attempts=0,
            max_event_age=MINUTE,
            environment={
                "PREFECT_API_URL": self.doors.api,
                "AUTOSCALER_TABLE": self.site.named("autoscaler"),
                "AUTOSCALER_SECRET": f"dataweave/{self.site.name}/machine-token",
                "AUTOSCALER_FLEETS": self.fleets(),
            },
        )

    def _permissions(self, role: iam.Role) -> None:
        allow(
            role,
            "See",
            ["autoscaling:DescribeAutoScalingGroups", "ec2:DescribeInstances"],
            ["*"],
            because="Describing groups and instances knows no resources.",
        )
        groups = [
            self._arn(
                "autoscaling",
                f"autoScalingGroup:*:autoScalingGroupName/{self.workers.group_name(kind, colour)}",
            )
            for kind in KINDS
            for colour in COLOURS
        ]
        allow(
            role,
            "Size",
            [
                "autoscaling:SetDesiredCapacity",
                "autoscaling:SuspendProcesses",
                "autoscaling:TerminateInstanceInAutoScalingGroup",
            ],
            groups,
            because="A group's ARN has a random part before its name.",
        )
        allow(
            role,
            "Cordon",
            ["ec2:CreateTags"],
            [self._arn("ec2", "instance/*")],
            because="Machines come and go; the conditions hold it to this environment's workers "
            "and to the one tag.",
            conditions={
                "StringEquals": {"ec2:ResourceTag/dataweave:environment": self.site.name},
                "StringLike": {"ec2:ResourceTag/dataweave:fleet": ["coordinate", "work"]},
                "ForAllValues:StringEquals": {"aws:TagKeys": [CORDON]},
            },
        )
        allow(
            role,
            "Remember",
            ["dynamodb:GetItem", "dynamodb:PutItem"],
            [self.data.tables["autoscaler"].table_arn],
        )
        token = self.data.secrets["machine-token"].secret_arn
        allow(role, "MachineToken", ["secretsmanager:GetSecretValue"], [token])
        allow(role, "Key", ["kms:Decrypt", "kms:GenerateDataKey"], [self.base.key.key_arn])

    def _schedule(self) -> None:
        events.Rule(
            self,
            "every-minute",
            rule_name=self.site.named("autoscaler"),
            description="The autoscaler decides every minute, twice within it",
            schedule=events.Schedule.rate(MINUTE),
            targets=[
                targets.LambdaFunction(
                    self.function,
                    dead_letter_queue=self.missed,
                    retry_attempts=0,
                    max_event_age=MINUTE,
                )
            ],
        )

    def _alarms(self) -> None:
        function, duration = self.function, cdk.Duration.minutes
        breaching = cloudwatch.TreatMissingData.BREACHING
        quiet = cloudwatch.TreatMissingData.NOT_BREACHING
        alarms: dict[str, tuple[cloudwatch.IMetric, float, str, int, cloudwatch.TreatMissingData]]
        below, above = "below", "above"
        alarms = {
            "autoscaler-fails": (
                function.metric_errors(period=duration(5), statistic="Sum"), 2, above, 1, quiet,
            ),
            "autoscaler-silent": (
                function.metric_invocations(period=duration(5), statistic="Sum"),
                1, below, 1, breaching,
            ),
            "autoscaler-slow": (
                function.metric_duration(period=duration(5), statistic="Maximum"),
                80_000, above, 3, quiet,
            ),
            "watch-silent": (
                cloudwatch.Metric(
                    namespace=WATCH_NAMESPACE, metric_name="WatchHeartbeat", statistic="Sum",
                    period=duration(5), dimensions_map={"Environment": self.site.prefect},
                ),
                1, below, 1, breaching,
            ),
            "database-full": (
                self.data.database.metric_free_storage_space(
                    period=duration(5), statistic="Minimum"
                ),
                4 * 2**30, below, 1, breaching,
            ),
            "database-busy": (
                self.data.database.metric_cpu_utilization(period=duration(5)), 90, above, 3, quiet,
            ),
            "nobody-at-the-door": (
                self.doors.people.metrics.healthy_host_count(
                    period=duration(1), statistic="Minimum"
                ),
                1, below, 3, breaching,
            ),
        }  # fmt: skip
        # Either colour may be the one at work.
        for colour, servers in (("blue", self.doors.blue), ("green", self.doors.green)):
            alarms[f"server-unhealthy-{colour}"] = (
                servers.metrics.unhealthy_host_count(period=duration(1)), 1, above, 5, quiet,
            )  # fmt: skip
            for kind in KINDS:
                alarms[f"{kind}-{colour}-waits"] = (
                    cloudwatch.Metric(
                        namespace=NAMESPACE, metric_name="waiting", statistic="Minimum",
                        period=duration(5), dimensions_map={"fleet": f"{kind}-{colour}"},
                    ),
                    1, above, 6, quiet,
                )  # fmt: skip
        for name, (metric, limit, direction, periods, missing) in alarms.items():
            self._alarm(name, metric, limit, direction == above, periods, missing)

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        limit: float,
        above: bool,
        periods: int,
        missing: cloudwatch.TreatMissingData,
    ) -> None:
        at_least = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=self.site.named(name),
            metric=metric,
            threshold=limit,
            comparison_operator=(
                at_least if above else cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
            ),
            evaluation_periods=periods,
            treat_missing_data=missing,
        )
        action = notify.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)

    def _budget(self) -> None:
        budgets.CfnBudget(
            self,
            "budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=self.site.named("monthly"),
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=self.site.budget, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:dataweave:environment${self.site.name}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type=kind,
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[
                        budgets.CfnBudget.SubscriberProperty(
                            subscription_type="EMAIL", address=self.site.mail
                        )
                    ],
                )
                for kind, percent in (("ACTUAL", 80), ("FORECASTED", 100))
            ],
        )

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.site.region}:{self.site.account}:{resource}"
