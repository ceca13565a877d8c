"""What machines and tasks may do, statement by statement, on this environment's things alone.

ARNs are written out from names: a reader sees what is meant, and no stack needs another's output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from aws_cdk import aws_iam as iam

from infra.stacks.acknowledged import allow
from infra.stacks.data import SECRETS, WEBHOOK, Data
from infra.stacks.environments import Site

WATCH_NAMESPACE: Final = "Dataweave/Watch"
"""Of the watch's heartbeat."""

CORDON: Final = "worker-cordon"
"""Tag of a machine that takes no new run, see `infra.autoscaler.fleet`."""


class Runtime:
    """Permissions of an environment's roles.

    Args:
        site: the environment.
        key: ARN of its key.
        data: its buckets, tables and secrets.
    """

    def __init__(self, site: Site, key: str, data: Data) -> None:
        self._site, self._key, self._data = site, key, data

    def bucket(self, name: str) -> str:
        """Return a bucket's name."""
        return f"{self._site.named(name)}-{self._site.account}"

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self._site.region}:{self._site.account}:{resource}"

    def flows(self, role: iam.Role) -> None:
        """What a flow may do wherever it runs: data, queries, its tables and tokens."""
        name = self._site.name
        buckets = [f"arn:aws:s3:::{self.bucket(one)}" for one in ("landing", "lake", "queries")]
        allow(role, "FindFiles", ["s3:ListBucket", "s3:GetBucketLocation"], buckets)
        objects = "Which objects there are is what flows decide; the buckets are the environment's."
        allow(
            role,
            "ReadFiles",
            ["s3:GetObject", "s3:GetObjectVersion"],
            [f"{bucket}/*" for bucket in buckets],
            because=objects,
        )
        allow(
            role,
            "WriteFiles",
            ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            [f"{bucket}/*" for bucket in buckets[1:]],
            because=objects,
        )
        allow(role, "Key", ["kms:Decrypt", "kms:GenerateDataKey"], [self._key])
        allow(
            role,
            "Query",
            [
                "athena:StartQueryExecution",
                "athena:GetQueryExecution",
                "athena:GetQueryResults",
                "athena:StopQueryExecution",
            ],
            [self._arn("athena", f"workgroup/{self._site.named('queries')}")],
        )
        allow(
            role,
            "Catalogue",
            [
                "glue:GetDatabase",
                "glue:GetTable",
                "glue:GetTables",
                "glue:GetPartitions",
                "glue:CreateTable",
                "glue:UpdateTable",
                "glue:BatchCreatePartition",
            ],
            [
                self._arn("glue", "catalog"),
                self._arn("glue", f"database/dataweave_{name}"),
                self._arn("glue", f"table/dataweave_{name}/*"),
            ],
            because="Tables come with datasets; the database is the environment's.",
        )
        allow(
            role,
            "Notices",
            [
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:DeleteItem",
                "dynamodb:Query",
            ],
            [self._arn("dynamodb", f"table/{self._site.named('notices')}")],
        )
        allow(
            role,
            "Tokens",
            ["secretsmanager:GetSecretValue"],
            [
                self._arn("secretsmanager", f"secret:dataweave/{name}/{one}-??????")
                for one in SECRETS
                if one != WEBHOOK
            ],
        )

    def machine(self, role: iam.Role, groups: Sequence[str]) -> None:
        """What a worker's machine does beside its flows: sessions, logs, its own termination."""
        name = self._site.name
        # The managed policy for sessions gives Parameter Store with it; these are the sessions.
        allow(
            role,
            "Sessions",
            [
                "ssm:UpdateInstanceInformation",
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ],
            ["*"],
            because="Session Manager's channels know no resources.",
        )
        allow(
            role,
            "Release",
            ["ssm:GetParameter"],
            [
                self._arn("ssm", f"parameter/dataweave/{name}/release/{c}")
                for c in ("blue", "green")
            ],
        )
        artifacts = f"arn:aws:s3:::{self.bucket('artifacts')}"
        allow(
            role,
            "Artifacts",
            ["s3:GetObject"],
            [f"{artifacts}/releases/*"],
            because="Releases are named by hashes; which one, the parameter says.",
        )
        allow(
            role,
            "Logs",
            ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            [self._arn("logs", f"log-group:/dataweave/{name}/workers:*")],
            because="A stream for each machine, in one group.",
        )
        allow(
            role,
            "OwnTermination",
            ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"],
            [
                self._arn("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{group}")
                for group in groups
            ],
            because="A group's ARN has a random part before its name.",
        )
        allow(
            role,
            "SharedFiles",
            ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
            [self._data.files.file_system_arn],
            conditions={
                "StringEquals": {
                    "elasticfilesystem:AccessPointArn": self._data.mount.access_point_arn
                }
            },
        )

    def execution(self, role: iam.Role) -> None:
        """What ECS does to start a flow's container."""
        name = self._site.name
        allow(
            role,
            "SignInToImages",
            ["ecr:GetAuthorizationToken"],
            ["*"],
            because="Signing in to ECR knows no resources; pulling is held to one repository.",
        )
        allow(
            role,
            "Images",
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:GetDownloadUrlForLayer",
                "ecr:BatchGetImage",
            ],
            [self._data.images.repository_arn],
        )
        allow(
            role,
            "Logs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [self._arn("logs", f"log-group:/dataweave/{name}/flows:*")],
            because="A stream for each run, in one group.",
        )
        allow(
            role,
            "MachineToken",
            ["secretsmanager:GetSecretValue"],
            [self._data.secrets["machine-token"].secret_arn],
        )
        allow(role, "Key", ["kms:Decrypt"], [self._key])

    def watches(self, role: iam.IRole) -> None:
        """What the watch does: a probe of the storage, the canaries' records, its heartbeat."""
        made = cast(iam.Role, role)
        lake = f"arn:aws:s3:::{self.bucket('lake')}"
        allow(
            made,
            "Heartbeat",
            ["cloudwatch:PutMetricData"],
            ["*"],
            because="PutMetricData knows no resources; the condition holds it to one namespace.",
            conditions={"StringEquals": {"cloudwatch:namespace": WATCH_NAMESPACE}},
        )
        allow(made, "FindRecords", ["s3:ListBucket"], [lake])
        allow(
            made,
            "ReadRecords",
            ["s3:GetObject"],
            [f"{lake}/{folder}/*" for folder in ("_canary", "_census", "_watch")],
            because="A record for each canary's run, in folders that hold nothing else.",
        )
        allow(
            made,
            "Probe",
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            [f"{lake}/_watch/*"],
            because="The probe is written beside its old one; the folder is the watch's.",
        )
        allow(made, "Key", ["kms:Decrypt", "kms:GenerateDataKey"], [self._key])

    def settles(self, role: iam.IRole) -> None:
        """What the reconcilers do: hearts and censuses, their turns and notes, notices, tasks."""
        made = cast(iam.Role, role)
        lake = f"arn:aws:s3:::{self.bucket('lake')}"
        written = ("_hearts", "_census", "_reconciler", "_reconciler_turns", "_notices/outbox")
        allow(made, "FindSigns", ["s3:ListBucket"], [lake])
        allow(
            made,
            "Signs",
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            [f"{lake}/{folder}/*" for folder in written],
            because="An object for each run, machine and decision, in folders of these alone.",
        )
        allow(made, "Key", ["kms:Decrypt", "kms:GenerateDataKey"], [self._key])
        cluster = self._arn("ecs", f"cluster/{self._site.named('cluster')}")
        allow(
            made,
            "FindTasks",
            ["ecs:ListTasks"],
            ["*"],
            because="Listing tasks is held to the environment's cluster by the condition.",
            conditions={"ArnEquals": {"ecs:cluster": cluster}},
        )
        allow(
            made,
            "SettleTasks",
            ["ecs:DescribeTasks", "ecs:StopTask"],
            [self._arn("ecs", f"task/{self._site.named('cluster')}/*")],
            because="Tasks get their names as they start; the cluster is the environment's.",
        )

    def launches(self, role: iam.Role, task: iam.Role, execution: iam.Role) -> None:
        """What the ECS worker, a process on a coordinate machine, does to run a flow as a task."""
        cluster = self._arn("ecs", f"cluster/{self._site.named('cluster')}")
        here = {"ArnEquals": {"ecs:cluster": cluster}}
        allow(
            role,
            "RunTasks",
            ["ecs:RunTask"],
            [self._arn("ecs", "task-definition/dataweave-flow:*")],
            because="Every revision of the one definition that flows have.",
            conditions=here,
        )
        allow(
            role,
            "FollowTasks",
            ["ecs:DescribeTasks", "ecs:StopTask", "ecs:TagResource"],
            [self._arn("ecs", f"task/{self._site.named('cluster')}/*")],
            because="Tasks get their names as they start; the cluster is the environment's.",
        )
        allow(
            role,
            "Definitions",
            ["ecs:DescribeTaskDefinition"],
            ["*"],
            because="Describing definitions knows no resources and changes nothing.",
        )
        allow(role, "Cluster", ["ecs:DescribeClusters"], [cluster])
        allow(
            role,
            "GiveTasksTheirRoles",
            ["iam:PassRole"],
            [task.role_arn, execution.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        )
