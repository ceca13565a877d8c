"""Functions on Lambda: in the private subnets, logged, encrypted, one call at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.stacks.acknowledged import accept, allow
from infra.stacks.foundation import Foundation, log_group


def function_role(
    scope: Construct, id: str, name: str, description: str, base: Foundation
) -> iam.Role:
    """Make the role of a function: it logs into its own group, and stands in the network.

    Args:
        scope: the stack.
        id: of the role in it.
        name: of the function, and of its log group.
        description: of the role.
        base: the network.
    """
    site = base.site
    role = iam.Role(
        scope,
        id,
        role_name=site.named(name),
        description=description,
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
    )
    group = f"arn:aws:logs:{site.region}:{site.account}:log-group:/dataweave/{site.name}/{name}"
    allow(
        role,
        "Log",
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        [f"{group}:*"],
        because="A stream for each instance of the function, in its own group.",
    )
    allow(
        role,
        "NetworkInterfaces",
        [
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ],
        ["*"],
        because="Lambda makes its interfaces in the VPC before they have names to allow.",
    )
    return role


def function(
    scope: Construct,
    id: str,
    *,
    name: str,
    description: str,
    handler: str,
    package: Path,
    role: iam.Role,
    base: Foundation,
    group: str,
    log: str,
    memory: int,
    timeout: cdk.Duration,
    missed: sqs.Queue,
    environment: Mapping[str, str],
    **more: Any,
) -> lambda_.Function:
    """Make a function of a package that is packed for Lambda.

    Args:
        scope: the stack.
        id: of the function in it.
        name: of the function and its log group.
        description: for people.
        handler: dotted name in the package.
        package: its folder.
        role: of `function_role`.
        base: network and key.
        group: its security group, see `infra.stacks.foundation.GROUPS`.
        log: id of its log group in the stack.
        memory: MiB.
        timeout: of a call.
        missed: where failed invocations end.
        environment: of the function.
        more: as the CDK takes it.
    """
    made = lambda_.Function(
        scope,
        id,
        function_name=base.site.named(name),
        description=description,
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.ARM_64,
        handler=handler,
        code=lambda_.Code.from_asset(str(package)),
        role=role,
        memory_size=memory,
        timeout=timeout,
        # What it remembers is written on condition; this spares the attempt.
        reserved_concurrent_executions=1,
        vpc=base.vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        security_groups=[base.groups[group]],
        environment_encryption=base.key,
        log_group=log_group(scope, log, name, base.site, base.key),
        logging_format=lambda_.LoggingFormat.TEXT,
        tracing=lambda_.Tracing.DISABLED,
        environment=dict(environment),
        **more,
    )
    # The CDK's own way would have the key's stack know this one's role.
    allow(role, "Missed", ["sqs:SendMessage"], [missed.queue_arn])
    bare: Any = made.node.default_child
    bare.dead_letter_config = lambda_.CfnFunction.DeadLetterConfigProperty(
        target_arn=missed.queue_arn
    )
    return made


def missed_queue(scope: Construct, name: str, base: Foundation) -> sqs.Queue:
    """Make the queue in which events and failed invocations of functions end."""
    missed = sqs.Queue(
        scope,
        "missed",
        queue_name=base.site.named(name),
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=base.key,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(4),
    )
    accept(missed, "It is where events and failed invocations end.", "SQS3")
    return missed
