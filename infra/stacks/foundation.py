"""The network and the key: what every other stack of an environment stands on.

Three layers of subnets: *public* holds the load balancer and the NAT gateways and nothing else,
*private* whatever runs, *isolated* the database and the file system, without a way out. AWS's own
services are reached through endpoints inside the VPC.

All security groups are made here, with all their rules in one table: who talks to whom can be read
in one place, and no two stacks refer to each other.
"""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.stacks.acknowledged import accept
from infra.stacks.environments import Site

WEB: Final = 443
PEOPLE: Final = 8080
"""nginx, people's pages and flow logs."""

MACHINES: Final = 8081
"""nginx, the API for machines, which it asks for their token."""

SERVER: Final = 4200
"""Prefect's server, and the listener before it; the next port is the test listener's."""

POSTGRES: Final = 5432
NFS: Final = 2049
DASK: Final = (1024, 65535)
"""Dask's schedulers and workers choose their ports."""

GROUPS: Final = (
    "people",
    "internal",
    "doors",
    "server",
    "watch",
    "workers",
    "autoscaler",
    "release",
    "hooks",
    "database",
    "files",
)

RULES: Final = (
    ("people", "doors", PEOPLE, "people's balancer to nginx"),
    ("internal", "doors", MACHINES, "machines' balancer to nginx"),
    ("doors", "internal", (SERVER, SERVER + 1), "nginx to the server, running or next"),
    ("internal", "server", SERVER, "balancer to the server"),
    ("workers", "internal", WEB, "workers to the API"),
    ("autoscaler", "internal", WEB, "autoscaler to the API"),
    ("watch", "internal", WEB, "watch to the API as machines see it"),
    ("release", "internal", WEB, "release driver to the API"),
    ("release", "internal", SERVER + 1, "release driver to the next server"),
    ("release", "database", POSTGRES, "release driver's migrations"),
    ("server", "database", POSTGRES, "server to its database"),
    ("doors", "files", NFS, "file server to the logs"),
    ("workers", "files", NFS, "workers to the logs"),
    ("workers", "workers", DASK, "Dask among tasks and machines"),
)
"""From, to, port or ports, and what for."""

ENDPOINTS: Final = {
    "secrets": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "monitoring": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING,
    "images": ec2.InterfaceVpcEndpointAwsService.ECR,
    "layers": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "autoscaling": ec2.InterfaceVpcEndpointAwsService.AUTOSCALING,
    "sessions": ec2.InterfaceVpcEndpointAwsService.SSM,
    "sessions-messages": ec2.InterfaceVpcEndpointAwsService.SSM_MESSAGES,
    "keys": ec2.InterfaceVpcEndpointAwsService.KMS,
}
"""What machines call all day, at a price by zone and hour; the rest goes through NAT gateways."""


class Foundation(cdk.Stack):
    """VPC, endpoints, security groups, and the environment's key.

    Attributes:
        site: the environment.
        key: encrypts everything that the environment keeps.
        vpc: its network.
        groups: security groups by name, see `GROUPS`.
    """

    def __init__(self, scope: Construct, site: Site, env: cdk.Environment) -> None:
        super().__init__(scope, "network", env=env, stack_name=site.named("network"))
        self.site = site
        self.key = self._key()
        self.vpc = ec2.Vpc(
            self,
            "vpc",
            vpc_name=site.named("vpc"),
            ip_addresses=ec2.IpAddresses.cidr(site.cidr),
            availability_zones=list(site.zones),
            nat_gateways=site.nat_gateways,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    cidr_mask=24,
                    map_public_ip_on_launch=False,
                ),
                ec2.SubnetConfiguration(
                    name="private",
                    subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS,
                    cidr_mask=19,
                ),
                ec2.SubnetConfiguration(
                    name="isolated",
                    subnet_type=ec2.SubnetType.PRIVATE_ISOLATED,
                    cidr_mask=24,
                ),
            ],
        )
        self.vpc.add_flow_log(
            "flows",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(
                log_group(self, "flow-log", site.named("vpc-flows"), site, self.key)
            ),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
        self.groups = {name: self._group(name) for name in GROUPS}
        for source, target, port, why in RULES:
            self._allow(source, target, port, why)
        self._doors()
        self._endpoints()
        subnets = self.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
        for name, value in {
            "EcsVpc": self.vpc.vpc_id,
            "EcsSubnets": ",".join(subnets.subnet_ids),
            "EcsSecurityGroups": self.groups["workers"].security_group_id,
        }.items():
            cdk.CfnOutput(self, name, value=value, description="For work_pools")

    def _key(self) -> kms.Key:
        key = kms.Key(
            self,
            "key",
            alias=f"alias/{self.site.named('data')}",
            description=f"Everything that the {self.site.name} environment keeps",
            enable_key_rotation=True,
            removal_policy=kept(self.site),
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LogsOfThisAccount",
                principals=[iam.ServicePrincipal(f"logs.{self.site.region}.amazonaws.com")],
                actions=["kms:Encrypt*", "kms:Decrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
                resources=["*"],
                conditions={
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": (
                            f"arn:aws:logs:{self.site.region}:{self.site.account}:log-group:*"
                        )
                    }
                },
            )
        )
        # Alarms and budgets publish to an encrypted topic, buckets and rules to encrypted queues.
        for service in ("cloudwatch", "events", "budgets", "codestar-notifications"):
            key.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=f"Notices{service.title().replace('-', '')}",
                    principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                    actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                    resources=["*"],
                    conditions={"StringEquals": {"aws:SourceAccount": self.site.account}},
                )
            )
        # Auto Scaling launches machines with encrypted disks through its service-linked role.
        role = (
            f"arn:aws:iam::{self.site.account}:role/aws-service-role/autoscaling.amazonaws.com/"
            "AWSServiceRoleForAutoScaling"
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="DisksOfMachines",
                principals=[iam.ArnPrincipal(role)],
                actions=[
                    "kms:Encrypt",
                    "kms:Decrypt",
                    "kms:ReEncrypt*",
                    "kms:GenerateDataKey*",
                    "kms:DescribeKey",
                ],
                resources=["*"],
            )
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="DisksOfMachinesGrant",
                principals=[iam.ArnPrincipal(role)],
                actions=["kms:CreateGrant"],
                resources=["*"],
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            )
        )
        return key

    def _group(self, name: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            f"group-{name}",
            vpc=self.vpc,
            security_group_name=self.site.named(name),
            description=f"{name} of {self.site.name}",
            # What may go out is named below; the default is everything.
            allow_all_outbound=False,
        )

    def _allow(self, source: str, target: str, port: int | tuple[int, int], why: str) -> None:
        ports = ec2.Port.tcp(port) if isinstance(port, int) else ec2.Port.tcp_range(*port)
        self.groups[target].add_ingress_rule(self.groups[source], ports, why)
        self.groups[source].add_egress_rule(self.groups[target], ports, why)

    def _doors(self) -> None:
        people = self.groups["people"]
        for cidr in self.site.people or ("0.0.0.0/0",):
            people.add_ingress_rule(ec2.Peer.ipv4(cidr), ec2.Port.tcp(WEB), "people's browsers")
        if not self.site.people:
            accept(
                people,
                "People sign in from anywhere: TLS, Cognito with a second factor and a firewall "
                "with a rate limit stand at this door. A site narrows it with `people`.",
                "EC23",
            )
        world = ec2.Peer.any_ipv4()
        out = ec2.Port.tcp(WEB)
        people.add_egress_rule(world, out, "the sign-in's token endpoint")
        for name in ("doors", "server", "watch", "workers", "autoscaler", "release", "hooks"):
            self.groups[name].add_egress_rule(world, out, "AWS, Slack, Jira, images")
        # Price files and shops stand on plain HTTP and SFTP, too.
        self.groups["workers"].add_egress_rule(world, ec2.Port.tcp(80), "sites that are captured")
        self.groups["workers"].add_egress_rule(world, ec2.Port.tcp(22), "customers' SFTP servers")

    def _endpoints(self) -> None:
        self.vpc.add_gateway_endpoint("endpoint-s3", service=ec2.GatewayVpcEndpointAwsService.S3)
        self.vpc.add_gateway_endpoint(
            "endpoint-dynamodb", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB
        )
        group = ec2.SecurityGroup(
            self,
            "group-endpoints",
            vpc=self.vpc,
            security_group_name=self.site.named("endpoints"),
            description=f"AWS services inside the network of {self.site.name}",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(
            ec2.Peer.ipv4(self.site.cidr), ec2.Port.tcp(WEB), "from inside the network"
        )
        for name, service in ENDPOINTS.items():
            self.vpc.add_interface_endpoint(
                f"endpoint-{name}",
                service=service,
                open=False,
                security_groups=[group],
                subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            )


def kept(site: Site) -> cdk.RemovalPolicy:
    """Return what becomes of data when its stack is deleted."""
    return cdk.RemovalPolicy.RETAIN if site.keep else cdk.RemovalPolicy.DESTROY


def log_group(scope: Construct, id: str, name: str, site: Site, key: kms.IKey) -> logs.LogGroup:
    """Make an encrypted log group with the environment's retention."""
    days = {
        30: logs.RetentionDays.ONE_MONTH,
        90: logs.RetentionDays.THREE_MONTHS,
        365: logs.RetentionDays.ONE_YEAR,
    }
    return logs.LogGroup(
        scope,
        id,
        log_group_name=f"/dataweave/{site.name}/{name.removeprefix(site.named(''))}",
        retention=days[site.log_days],
        encryption_key=key,
        removal_policy=kept(site),
    )
