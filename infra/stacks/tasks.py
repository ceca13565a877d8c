"""Tasks on Fargate: one container each, of the controller's image, its file system read-only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.stacks.acknowledged import accept
from infra.stacks.data import Data
from infra.stacks.environments import Site
from infra.stacks.foundation import Foundation, log_group

STOP: Final = cdk.Duration.seconds(110)
"""Between SIGTERM and SIGKILL; Fargate allows 120."""

NO_IMAGE: Final = f"@sha256:{'0' * 64}"
"""Until the first release names one."""


def image_parameter(scope: Construct, id: str, site: Site) -> cdk.CfnParameter:
    """Make the parameter that names the controller's image by digest."""
    registry = f"{site.account}.dkr.ecr.{site.region}.amazonaws.com/{site.named('flows')}"
    return cdk.CfnParameter(
        scope,
        id,
        description="The controller's image by digest; a release gives it",
        default=f"{registry}{NO_IMAGE}",
        allowed_pattern=r"^[^@]+@sha256:[0-9a-f]{64}$",
    )


def fargate_task(
    scope: Construct,
    base: Foundation,
    data: Data,
    name: str,
    cpu: int,
    memory: int,
    role: iam.Role | None = None,
) -> ecs.FargateTaskDefinition:
    """Make a task's definition.

    Args:
        scope: the stack.
        base: network and key.
        data: the images.
        name: of the task.
        cpu: units; 1024 is a core.
        memory: MiB.
        role: of what runs in it; by default one of its own.
    """
    task = ecs.FargateTaskDefinition(
        scope,
        f"task-{name}",
        family=base.site.named(name),
        cpu=cpu,
        memory_limit_mib=memory,
        task_role=role,
        runtime_platform=ecs.RuntimePlatform(
            cpu_architecture=ecs.CpuArchitecture.X86_64,
            operating_system_family=ecs.OperatingSystemFamily.LINUX,
        ),
    )
    starter = task.obtain_execution_role()
    data.images.grant_pull(starter)
    starter.add_to_principal_policy(
        iam.PolicyStatement(sid="Key", actions=["kms:Decrypt"], resources=[base.key.key_arn])
    )
    accept(
        task,
        "Signing in to ECR knows no resources; pulling is held to one repository.",
        "IAM5[Resource::*]",
    )
    accept(
        task,
        "What stands in the environment is addresses and switches; secrets are references to "
        "Secrets Manager.",
        "ECS2",
    )
    return task


def container(
    scope: Construct,
    base: Foundation,
    task: ecs.FargateTaskDefinition,
    name: str,
    *,
    image: str,
    command: list[str],
    environment: Mapping[str, str],
    secrets: Mapping[str, ecs.Secret],
    port: int | tuple[int, ...] = (),
) -> ecs.ContainerDefinition:
    """Put the container into a task.

    Args:
        scope: the stack.
        base: network and key.
        task: its definition.
        name: of the container, and of its log group.
        image: by digest.
        command: program and arguments.
        environment: beside the home that every container gets.
        secrets: references by variable.
        port: it listens on, or ports.
    """
    ports = (port,) if isinstance(port, int) else port
    # A container's own file system is read-only; this is where it may write.
    task.add_volume(name="scratch")
    made = task.add_container(
        name,
        image=ecs.ContainerImage.from_registry(image),
        command=command,
        environment={"HOME": "/tmp", "PREFECT_HOME": "/tmp/prefect", **environment},  # noqa: S108
        secrets=dict(secrets),
        readonly_root_filesystem=True,
        user="10001",
        stop_timeout=STOP,
        port_mappings=[ecs.PortMapping(container_port=one) for one in ports],
        logging=ecs.LogDrivers.aws_logs(
            stream_prefix=name,
            log_group=log_group(scope, f"{name}-log", name, base.site, base.key),
        ),
    )
    made.add_mount_points(
        ecs.MountPoint(container_path="/tmp", source_volume="scratch", read_only=False)  # noqa: S108
    )
    return made


def mount(
    role: iam.IGrantable, files: efs.FileSystem, access: efs.AccessPoint, *, write: bool
) -> None:
    """Let a role mount the shared files through one access point, and nothing else of them."""
    actions = ["elasticfilesystem:ClientMount"]
    if write:
        actions.append("elasticfilesystem:ClientWrite")
    role.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(
            sid="SharedFiles",
            actions=actions,
            resources=[files.file_system_arn],
            conditions={
                "StringEquals": {"elasticfilesystem:AccessPointArn": access.access_point_arn}
            },
        )
    )
