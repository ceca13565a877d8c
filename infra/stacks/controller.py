"""The controller's tasks: Prefect's server, nginx at the doors, the watch, and the reconcilers.

Services of their own, because they go and come at different times. The *server* is replaced
blue-green by CodeDeploy. *nginx* stays while the server changes, and serves flow and application
logs from the shared files, which it cannot write. The *watch* must be there when the others are
not. Of the *reconciler* there are two, which take turns: a run that dies with the one's machine is
settled by the other.

All run from one image, which is a parameter: the target ``controller`` of `infra/images`, which is
the image of flows with nginx beside it. `infra.controller.doors` writes nginx's configuration for
the two doors and becomes nginx.
"""

from __future__ import annotations

import json
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.stacks.data import WEBHOOK, Data
from infra.stacks.doors import Doors
from infra.stacks.foundation import MACHINES, PEOPLE, SERVER, Foundation, log_group
from infra.stacks.permissions import WATCH_NAMESPACE, Runtime
from infra.stacks.tasks import container, fargate_task, image_parameter, mount

LOGS: Final = "/var/lib/dataweave/logs"
"""Where flow and application logs are in a container and on a machine."""


class Controller(cdk.Stack):
    """The cluster, and the controller's services on it.

    Attributes:
        cluster: of all tasks of the environment.
        server: Prefect's server, deployed by CodeDeploy.
        doors: nginx.
        watch: the watch.
        reconciler: the reconcilers of dead runs.
    """

    def __init__(
        self, scope: Construct, base: Foundation, data: Data, doors: Doors, env: cdk.Environment
    ) -> None:
        site = base.site
        super().__init__(scope, "controller", env=env, stack_name=site.named("controller"))
        self.site, self.base, self.data = site, base, data
        self.cluster = self._cluster()
        self.image = image_parameter(self, "ControllerImage", site)
        self.server = self._server(doors)
        self.doors = self._nginx(doors)
        self.watch = self._watch(doors)
        self.reconciler = self._reconciler(doors)
        cdk.CfnOutput(self, "EcsCluster", value=self.cluster.cluster_name)

    def _cluster(self) -> ecs.Cluster:
        commands = log_group(self, "commands-log", "commands", self.site, self.base.key)
        return ecs.Cluster(
            self,
            "cluster",
            cluster_name=self.site.named("cluster"),
            vpc=self.base.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
            enable_fargate_capacity_providers=True,
            execute_command_configuration=ecs.ExecuteCommandConfiguration(
                kms_key=self.base.key,
                logging=ecs.ExecuteCommandLogging.OVERRIDE,
                log_configuration=ecs.ExecuteCommandLogConfiguration(
                    cloud_watch_log_group=commands, cloud_watch_encryption_enabled=True
                ),
            ),
        )

    def _server(self, doors: Doors) -> ecs.FargateService:
        task = self._task("server", self.site.controller_cpu, self.site.controller_memory)
        # Prefect puts the password into the URL itself: the braces are its own.
        definition: Any = task.node.default_child
        definition.add_metadata("cfn-lint", {"config": {"ignore_checks": ["E1029"]}})
        Validations.of(task).acknowledge(
            Acknowledgment(
                id="CloudFormation-Validate::E1029",
                reason="The braces are Prefect's, not Fn::Sub's.",
            )
        )
        url = (
            "postgresql+asyncpg://prefect:${PREFECT_API_DATABASE_PASSWORD}"
            f"@{self.data.database.db_instance_endpoint_address}:5432/prefect?ssl=require"
        )
        self._container(
            task,
            "server",
            command=["prefect", "server", "start", "--host", "0.0.0.0"],  # noqa: S104
            port=SERVER,
            environment={
                "PREFECT_API_DATABASE_CONNECTION_URL": url,
                "PREFECT_UI_API_URL": f"https://flows.{self.site.domain}/api",
                "PREFECT_EXPERIMENTAL_EVENTS": "true",
                "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
                # A release migrates before it starts a server; two servers must not both try.
                "PREFECT_API_DATABASE_MIGRATE_ON_START": "false",
            },
            secrets={
                "PREFECT_API_DATABASE_PASSWORD": ecs.Secret.from_secrets_manager(
                    self._known("database", self.data.password), "password"
                )
            },
        )
        service = self._service(
            "server",
            task,
            health_check_grace_period=cdk.Duration.seconds(180),
            deployment_controller=ecs.DeploymentController(
                type=ecs.DeploymentControllerType.CODE_DEPLOY
            ),
            min_healthy_percent=100,
            max_healthy_percent=200,
        )
        doors.blue.add_target(
            service.load_balancer_target(container_name="server", container_port=SERVER)
        )
        return service

    def _nginx(self, doors: Doors) -> ecs.FargateService:
        task = self._task("doors", 512, 1024)
        task.add_volume(
            name="logs",
            efs_volume_configuration=ecs.EfsVolumeConfiguration(
                file_system_id=self.data.files.file_system_id,
                transit_encryption="ENABLED",
                authorization_config=ecs.AuthorizationConfig(
                    access_point_id=self.data.mount.access_point_id, iam="ENABLED"
                ),
            ),
        )
        mount(task.task_role, self.data.files, self.data.mount, write=False)
        nginx = self._container(
            task,
            "nginx",
            command=["python", "-m", "infra.controller.doors"],
            port=(PEOPLE, MACHINES),
            environment={"PREFECT_SERVER": doors.server, "LOGS": LOGS},
            secrets={"MACHINE_TOKEN": self._token("machine-token")},
        )
        nginx.add_mount_points(
            ecs.MountPoint(container_path=LOGS, source_volume="logs", read_only=True)
        )
        service = self._service(
            "doors",
            task,
            count=2,
            health_check_grace_period=cdk.Duration.seconds(60),
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            min_healthy_percent=100,
            max_healthy_percent=200,
        )
        for group, port in ((doors.people, PEOPLE), (doors.machines, MACHINES)):
            group.add_target(
                service.load_balancer_target(container_name="nginx", container_port=port)
            )
        return service

    def _watch(self, doors: Doors) -> ecs.FargateService:
        task = self._task("watch", 256, 512)
        self._container(
            task,
            "watch",
            # The watch reads a file; a container of this image has none of its own.
            command=[
                "sh",
                "-c",
                "printenv WATCH_CONFIG >/tmp/watch.yaml"
                " && exec python -m canary.watch --config /tmp/watch.yaml",
            ],
            environment={
                "AWS_DEFAULT_REGION": self.site.region,
                "WATCH_CONFIG": json.dumps(self._watch_config(doors)),
            },
            secrets={
                "PREFECT_API_KEY": self._token("machine-token"),
                "WATCH_WEBHOOK": self._token(WEBHOOK),
            },
        )
        Runtime(self.site, self.base.key.key_arn, self.data).watches(task.task_role)
        # Two watches would alert twice: the old one goes before the new one comes.
        return self._service(
            "watch",
            task,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            min_healthy_percent=0,
            max_healthy_percent=100,
        )

    def _reconciler(self, doors: Doors) -> ecs.FargateService:
        task = self._task("reconciler", 256, 512)
        self._container(
            task,
            "reconciler",
            command=["python", "-m", "canary.reconciler", "--ecs"],
            environment={
                "AWS_DEFAULT_REGION": self.site.region,
                "PREFECT_API_URL": doors.api,
                "DATAWEAVE_STORAGE": self._lake(),
                "DATAWEAVE_ENVIRONMENT": self.site.prefect,
            },
            secrets={"PREFECT_API_KEY": self._token("machine-token")},
        )
        Runtime(self.site, self.base.key.key_arn, self.data).settles(task.task_role)
        return self._service(
            "reconciler",
            task,
            group="watch",  # it talks to the same: the API as machines see it, and AWS
            count=2,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            min_healthy_percent=50,
            max_healthy_percent=200,
        )

    def _lake(self) -> str:
        return f"s3://{self.site.named('lake')}-{self.site.account}"

    def _watch_config(self, doors: Doors) -> dict[str, Any]:
        """Return the watch's settings, see `canary.watch.settings`; JSON is YAML, too."""
        return {
            "server": doors.api,
            "storage": self._lake(),
            "environment": self.site.prefect,
            "alerts": {"webhook_variable": "WATCH_WEBHOOK"},
            "heartbeat": {
                "cloudwatch": {"namespace": WATCH_NAMESPACE, "environment": self.site.prefect}
            },
        }

    def _token(self, name: str) -> ecs.Secret:
        return ecs.Secret.from_secrets_manager(self._known(name, self.data.secrets[name]))

    def _known(self, name: str, secret: secretsmanager.ISecret) -> secretsmanager.ISecret:
        """Return a secret as a stranger's: reading it then changes no policy of its key's stack."""
        id = f"known-{name}"
        known = self.node.try_find_child(id)
        return known or secretsmanager.Secret.from_secret_complete_arn(self, id, secret.secret_arn)

    def _service(
        self,
        name: str,
        task: ecs.FargateTaskDefinition,
        count: int = 1,
        group: str | None = None,
        **more: Any,
    ) -> ecs.FargateService:
        return ecs.FargateService(
            self,
            f"service-{name}",
            service_name=self.site.named(name),
            cluster=self.cluster,
            task_definition=task,
            desired_count=count,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            security_groups=[self.base.groups[group or name]],
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
            **more,
        )

    def _task(self, name: str, cpu: int, memory: int) -> ecs.FargateTaskDefinition:
        return fargate_task(self, self.base, self.data, name, cpu, memory)

    def _container(
        self, task: ecs.FargateTaskDefinition, name: str, **more: Any
    ) -> ecs.ContainerDefinition:
        image = self.image.value_as_string
        return container(self, self.base, task, name, image=image, **more)
