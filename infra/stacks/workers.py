"""Where flows run: two kinds of machines in auto-scaling groups, and tasks on ECS for bursts.

*coordinate* machines run parents, which mostly wait: many slots a core. *work* machines run heavy
steps. Each kind has a blue and a green group, which serves the queues of its colour; the one at
rest may have no machine, so that a release moves a fleet by moving maximum and warm pool.

Machines stand in private subnets, have no key and no open port: whoever must see one opens a
session of Systems Manager, which is logged. They protect themselves from scale-in; the agent
(`infra.worker`) drains and completes their termination.
"""

from __future__ import annotations

import string
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.stacks.acknowledged import accept
from infra.stacks.controller import LOGS
from infra.stacks.data import Data
from infra.stacks.doors import Doors
from infra.stacks.environments import Fleet
from infra.stacks.foundation import Foundation, log_group
from infra.stacks.permissions import Runtime

KINDS: Final = {"coordinate": ("coordinate", "realtime"), "work": ("work", "backfill")}
"""Queues of the pool ``ec2`` by kind of machine, without their colour."""

COLOURS: Final = ("blue", "green")
POOL: Final = "ec2"

BOOT: Final = Path(__file__).parents[1] / "worker" / "boot.sh"

LAUNCH_HOOK: Final = "boot"
TERMINATION_HOOK: Final = "drain"

LAUNCH_LIMIT: Final = cdk.Duration.minutes(7)
"""A machine that has not said that it is ready by then is given up, as `Config.pending_limit`."""

HEARTBEAT: Final = cdk.Duration.minutes(15)
"""Three and more of the agent's heartbeats; a machine whose agent is gone is ended after it."""

DRAIN_LIMIT: Final = 6 * 3600
"""Seconds of a drain, after which runs are handed back."""


class Workers(cdk.Stack):
    """Fleets and the roles of flows.

    Attributes:
        fleets: auto-scaling groups by kind and colour.
    """

    def __init__(
        self, scope: Construct, base: Foundation, data: Data, doors: Doors, env: cdk.Environment
    ) -> None:
        site = base.site
        super().__init__(scope, "workers", env=env, stack_name=site.named("workers"))
        self.site, self.base, self.data, self.doors = site, base, data, doors
        self.runtime = Runtime(site, base.key.key_arn, data)
        self.role = self._machine_role()
        self.log = log_group(self, "workers-log", "workers", site, base.key)
        self.fleets = {
            (kind, colour): self._fleet(kind, colour) for kind in KINDS for colour in COLOURS
        }
        self._lifecycle_log()
        self._tasks()

    def group_name(self, kind: str, colour: str) -> str:
        """Return the name of a fleet's group."""
        return self.site.named(f"{kind}-{colour}")

    def _machine_role(self) -> iam.Role:
        role = iam.Role(
            self,
            "machine",
            role_name=self.site.named("machine"),
            description=f"Worker machines of {self.site.name}",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
        )
        groups = [self.group_name(kind, colour) for kind in KINDS for colour in COLOURS]
        self.runtime.flows(role)
        self.runtime.machine(role, groups)
        return role

    def _fleet(self, kind: str, colour: str) -> autoscaling.AutoScalingGroup:
        fleet: Fleet = getattr(self.site, kind)
        name = self.group_name(kind, colour)
        template = ec2.LaunchTemplate(
            self,
            f"machine-{kind}-{colour}",
            launch_template_name=name,
            instance_type=ec2.InstanceType(fleet.machine),
            machine_image=ec2.MachineImage.latest_amazon_linux2023(cached_in_context=False),
            role=self.role,
            security_group=self.base.groups["workers"],
            associate_public_ip_address=False,
            detailed_monitoring=True,
            require_imdsv2=True,
            http_put_response_hop_limit=1,
            # The agent reads the cordon tag from there.
            instance_metadata_tags=True,
            user_data=ec2.UserData.custom(self._boot(kind, colour, fleet)),
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(
                        60,
                        volume_type=ec2.EbsDeviceVolumeType.GP3,
                        encrypted=True,
                        kms_key=self.base.key,
                        delete_on_termination=True,
                    ),
                )
            ],
        )
        resting = colour == "green"
        group = autoscaling.AutoScalingGroup(
            self,
            f"fleet-{kind}-{colour}",
            auto_scaling_group_name=name,
            vpc=self.base.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            launch_template=template,
            min_capacity=0 if resting else fleet.least,
            max_capacity=0 if resting else fleet.most,
            new_instances_protected_from_scale_in=True,
            health_checks=autoscaling.HealthChecks.ec2(grace_period=LAUNCH_LIMIT),
            default_instance_warmup=cdk.Duration.seconds(0),
            group_metrics=[autoscaling.GroupMetrics.all()],
            termination_policies=[autoscaling.TerminationPolicy.OLDEST_INSTANCE],
        )
        group.add_lifecycle_hook(
            LAUNCH_HOOK,
            lifecycle_hook_name=LAUNCH_HOOK,
            lifecycle_transition=autoscaling.LifecycleTransition.INSTANCE_LAUNCHING,
            heartbeat_timeout=LAUNCH_LIMIT,
            default_result=autoscaling.DefaultResult.ABANDON,
        )
        group.add_lifecycle_hook(
            TERMINATION_HOOK,
            lifecycle_hook_name=TERMINATION_HOOK,
            lifecycle_transition=autoscaling.LifecycleTransition.INSTANCE_TERMINATING,
            heartbeat_timeout=HEARTBEAT,
            default_result=autoscaling.DefaultResult.CONTINUE,
        )
        if fleet.warm and not resting:
            group.add_warm_pool(
                min_size=fleet.warm,
                # The same: so many, always. A larger one would be filled up to it.
                max_group_prepared_capacity=fleet.warm,
                pool_state=autoscaling.PoolState.STOPPED,
                # A machine that has run flows is ended, not kept with what they left.
                reuse_on_scale_in=False,
            )
        accept(
            group,
            "Every launch and termination is logged, and an alarm goes off where runs wait; a "
            "mail for each machine of a fleet that sizes itself would be read by nobody.",
            "AS3",
        )
        cdk.Tags.of(group).add("dataweave:fleet", kind)
        return group

    def _boot(self, kind: str, colour: str, fleet: Fleet) -> str:
        queues = " ".join(f"--queue {queue}" for queue in coloured(kind, colour))
        return string.Template(BOOT.read_text(encoding="utf-8")).substitute(
            region=self.site.region,
            environment=self.site.prefect,
            colour=colour,
            group=self.group_name(kind, colour),
            launch_hook=LAUNCH_HOOK,
            termination_hook=TERMINATION_HOOK,
            pool=POOL,
            queues=queues,
            slots=fleet.slots,
            drain_limit=DRAIN_LIMIT,
            api=self.doors.api,
            token_secret=f"dataweave/{self.site.name}/machine-token",
            release_parameter=f"/dataweave/{self.site.name}/release/{colour}",
            artifacts=self.data.buckets["artifacts"].bucket_name,
            storage=f"s3://{self.runtime.bucket('lake')}",
            files=self.data.files.file_system_id,
            access_point=self.data.mount.access_point_id,
            logs=LOGS,
        )

    def _lifecycle_log(self) -> None:
        """Keep every lifecycle event where people and alarms find it."""
        log = log_group(self, "lifecycle-log", "lifecycle", self.site, self.base.key)
        logs.ResourcePolicy(
            self,
            "lifecycle-log-policy",
            resource_policy_name=self.site.named("lifecycle"),
            policy_statements=[
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal("events.amazonaws.com")],
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[log.log_group_arn],
                )
            ],
        )
        groups = [self.group_name(kind, colour) for kind in KINDS for colour in COLOURS]
        events.CfnRule(
            self,
            "lifecycle",
            name=self.site.named("lifecycle"),
            description="Every launch and termination of the fleets",
            event_pattern={
                "source": ["aws.autoscaling"],
                "detail": {"AutoScalingGroupName": groups},
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="log",
                    arn=f"arn:aws:logs:{self.site.region}:{self.site.account}:log-group:"
                    f"{log.log_group_name}",
                )
            ],
        )

    def _tasks(self) -> None:
        """Roles and places of tasks; their definition is registered at deploy (infra.images)."""
        log = log_group(self, "flows-log", "flows", self.site, self.base.key)
        cdk.CfnOutput(self, "EcsLogGroup", value=log.log_group_name, description="For infra.images")
        principal = iam.ServicePrincipal(
            "ecs-tasks.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": self.site.account}},
        )
        task = iam.Role(
            self,
            "task",
            role_name=self.site.named("flow-task"),
            description=f"What a flow may do on ECS in {self.site.name}",
            assumed_by=principal,
        )
        self.runtime.flows(task)
        execution = iam.Role(
            self,
            "execution",
            role_name=self.site.named("flow-execution"),
            description=f"What ECS does to start a flow in {self.site.name}",
            assumed_by=principal,
        )
        self.runtime.execution(execution)
        self.runtime.launches(self.role, task, execution)
        for name, role in (("EcsTaskRole", task), ("EcsExecutionRole", execution)):
            cdk.CfnOutput(self, name, value=role.role_arn, description="For infra.images")


def coloured(kind: str, colour: str) -> list[str]:
    """Return the queues of a kind of machine and a colour, as a release names them."""
    return [f"{queue}-{colour}" for queue in KINDS[kind]]
