"""Checks of our own on the synthesised templates: who may what, and who stands where.

Pure: templates in, findings out, one line each; no finding is the promise. The tests hold every
check against a template that breaks it, too. What the general tools look for is not repeated here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

EVERYWHERE: Final = frozenset(
    {
        # These know no resources; each is held by a condition or only describes.
        "autoscaling:DescribeAutoScalingGroups",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutMetricData",
        "ec2:DescribeInstances",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ecr:GetAuthorizationToken",
        "ecs:DescribeTaskDefinition",
        "ecs:ListTasks",
        "ecs:RegisterTaskDefinition",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetGroups",
        # Lambda's interfaces in the VPC, Session Manager's channels.
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    }
)
"""Actions that may be allowed on every resource."""

ENCRYPTED: Final[Mapping[str, str]] = {
    "AWS::DynamoDB::Table": "SSESpecification.KMSMasterKeyId",
    "AWS::ECR::Repository": "EncryptionConfiguration.KmsKey",
    "AWS::EFS::FileSystem": "KmsKeyId",
    "AWS::Lambda::Function": "KmsKeyArn",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::RDS::DBInstance": "KmsKeyId",
    "AWS::S3::Bucket": "BucketEncryption.ServerSideEncryptionConfiguration",
    "AWS::SecretsManager::Secret": "KmsKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::SQS::Queue": "KmsMasterKeyId",
}
"""Where a type says with which key it is encrypted."""

RETAINED: Final[Mapping[str, str]] = {
    "AWS::Logs::LogGroup": "RetentionInDays",
    "AWS::RDS::DBInstance": "BackupRetentionPeriod",
    "AWS::S3::Bucket": "LifecycleConfiguration.Rules",
    "AWS::SQS::Queue": "MessageRetentionPeriod",
}
"""Where a type says for how long it keeps."""

LOGGED: Final[Mapping[str, str]] = {
    "AWS::ECS::Cluster": "Configuration.ExecuteCommandConfiguration.LogConfiguration",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "LoadBalancerAttributes",
    "AWS::Lambda::Function": "LoggingConfig.LogGroup",
    "AWS::RDS::DBInstance": "EnableCloudwatchLogsExports",
    "AWS::S3::Bucket": "LoggingConfiguration",
}
"""Where a type says where its logs go; the bucket of access logs is the end of them."""

UNTAGGED: Final = re.compile(
    r"Policy|Permission|Attachment|Association|Route$|Gateway.*Attachment|MountTarget|Listener$"
    r"|SecurityGroup(In|E)gress|Alias$|RecordSet|LifecycleHook|WarmPool|::Budget$|UserPool"
    r"|InstanceProfile|ScheduledAction|Database$|CapacityProvider|Subscription|BackupSelection"
    r"|ResourcePolicy|Metadata|Certificate$|VPCEndpoint$|EventInvokeConfig|BackupPlan|BackupVault"
    r"|AccessPoint|FileSystem|LaunchTemplate|Glue|Deployment|SecretTargetAttachment|Parameter$"
)
"""Types without a plain list of tags under ``Tags``."""


@dataclass(frozen=True, slots=True)
class Template:
    """A synthesised template.

    Attributes:
        environment: whose.
        stack: its stack, such as ``network``.
        body: the template.
    """

    environment: str
    stack: str
    body: Mapping[str, Any]

    def resources(self, *types: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Yield logical id, type and properties of the resources of some types, or of all."""
        for id, resource in self.body["Resources"].items():
            if not types or resource["Type"] in types:
                yield id, resource["Type"], resource.get("Properties", {})

    def where(self, id: str) -> str:
        """Name a resource for a finding."""
        return f"{self.environment}/{self.stack}/{id}"


def read(out: Path) -> list[Template]:
    """Read the templates of a cloud assembly.

    Args:
        out: its folder.
    """
    found = []
    for manifest in sorted(out.glob("assembly-*/manifest.json")):
        environment = manifest.parent.name.removeprefix("assembly-")
        for artifact in json.loads(manifest.read_text(encoding="utf-8"))["artifacts"].values():
            if artifact["type"] != "aws:cloudformation:stack":
                continue
            path = manifest.parent / artifact["properties"]["templateFile"]
            stack = artifact["properties"]["stackName"].removeprefix(f"dataweave-{environment}-")
            found.append(Template(environment, stack, json.loads(path.read_text(encoding="utf-8"))))
    return found


def privileges(template: Template) -> list[str]:
    """Find permissions that reach further than the list allows."""
    found = []
    for id, _, properties in template.resources("AWS::IAM::Policy", "AWS::IAM::Role"):
        documents = [properties.get("PolicyDocument"), *_inline(properties)]
        for document in filter(None, documents):
            for statement in document["Statement"]:
                found += [f"{template.where(id)}: {what}" for what in _excess(statement)]
    return found


def _inline(properties: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [policy["PolicyDocument"] for policy in properties.get("Policies", ())]


def _excess(statement: Mapping[str, Any]) -> Iterator[str]:
    if statement["Effect"] != "Allow":
        return
    actions, resources = _list(statement["Action"]), _list(statement["Resource"])
    for action in actions:
        if "*" in action:
            yield f"allows {action}"
    if "*" in resources:
        for action in sorted(set(actions) - EVERYWHERE):
            yield f"allows {action} on everything"
    if any(action.startswith("iam:") and action != "iam:PassRole" for action in actions):
        yield "allows changes of IAM"
    passed = "iam:PassedToService" in json.dumps(statement.get("Condition", {}))
    if "iam:PassRole" in actions and not passed:
        yield "allows iam:PassRole to any service"


def doors(template: Template) -> list[str]:
    """Find what is open to the world, beside people's door at 443."""
    found = []
    groups = {"AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"}
    for id, kind, properties in template.resources(*groups):
        rules = (
            properties.get("SecurityGroupIngress", [])
            if kind == "AWS::EC2::SecurityGroup"
            else [properties]
        )
        for rule in rules:
            world = rule.get("CidrIp") == "0.0.0.0/0" or rule.get("CidrIpv6") == "::/0"
            people = properties.get("GroupName", "").endswith("-people")
            if world and not (people and rule.get("FromPort") == rule.get("ToPort") == 443):
                found.append(f"{template.where(id)}: open to the world at {rule.get('FromPort')}")
    for id, _, properties in template.resources("AWS::RDS::DBInstance"):
        if properties.get("PubliclyAccessible"):
            found.append(f"{template.where(id)}: a database with a public address")
    for id, _, properties in template.resources("AWS::EC2::LaunchTemplate"):
        data = properties["LaunchTemplateData"]
        if "KeyName" in data:
            found.append(f"{template.where(id)}: a machine that SSH opens")
        if data.get("MetadataOptions", {}).get("HttpTokens") != "required":
            found.append(f"{template.where(id)}: metadata without a token")
    return found


def places(template: Template) -> list[str]:
    """Find what does not stand in its layer of subnets."""
    layers = {
        "AWS::AutoScaling::AutoScalingGroup": ("VPCZoneIdentifier", "private"),
        "AWS::ECS::Service": ("NetworkConfiguration", "private"),
        "AWS::Lambda::Function": ("VpcConfig", "private"),
        "AWS::EFS::MountTarget": ("SubnetId", "isolated"),
        "AWS::RDS::DBSubnetGroup": ("SubnetIds", "isolated"),
    }
    found = []
    for id, kind, properties in template.resources():
        if kind == "AWS::ElasticLoadBalancingV2::LoadBalancer":
            public = properties.get("Scheme") == "internet-facing"
            if public and not str(properties.get("Name", "")).endswith("-people"):
                found.append(f"{template.where(id)}: a second door to the world")
            where, layer = "Subnets", "public" if public else "private"
        elif kind in layers:
            where, layer = layers[kind]
        else:
            continue
        subnets = set(
            re.findall(r"vpc(public|private|isolated)Subnet", json.dumps(properties.get(where)))
        )
        if subnets != {layer}:
            found.append(f"{template.where(id)}: stands in {sorted(subnets)}, not in {layer}")
        if _at(properties, "NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp") == "ENABLED":
            found.append(f"{template.where(id)}: has a public address")
    return found


def care(template: Template) -> list[str]:
    """Find what is not tagged, not encrypted, not kept for a time, or not logged."""
    found = []
    for id, kind, properties in template.resources():
        if not kind.startswith("AWS::CDK") and not UNTAGGED.search(kind):
            tags = properties.get("Tags", ())
            keys = {tag.get("Key") for tag in tags if isinstance(tag, dict)} | (
                set(tags) if isinstance(tags, dict) else set()
            )
            if "dataweave:environment" not in keys:
                found.append(f"{template.where(id)}: {kind} has no tag of its environment")
        for table, words in ((ENCRYPTED, "key"), (RETAINED, "retention"), (LOGGED, "log")):
            if kind in table and not _at(properties, table[kind]):
                if words == "log" and "-access-" in str(properties.get("BucketName")):
                    continue
                found.append(f"{template.where(id)}: {kind} has no {words}")
    return found


def zones(template: Template) -> list[str]:
    """Find zones that synthesis invented."""
    return [
        f"{template.environment}/{template.stack}: {found}"
        for found in sorted(set(re.findall(r"dummy\w*", json.dumps(template.body))))
    ]


def shared(templates: Sequence[Template]) -> list[str]:
    """Find what two environments have in common, or what one knows of another.

    Every physical name says whose it is and is nobody else's, and so are accounts, addresses,
    exports and hosted zones; and no template mentions another environment's.
    """
    owners: dict[str, set[str]] = {}
    found = []
    for template in templates:
        for where, name in _identities(template):
            owners.setdefault(name, set()).add(template.environment)
            if where and not re.search(rf"\b{template.environment}(\b|_)", name.replace("_", "-")):
                found.append(f"{where}: {name} does not say whose it is")
    found += [
        f"{name}: {', '.join(sorted(who))}" for name, who in sorted(owners.items()) if len(who) > 1
    ]
    for template in templates:
        text = json.dumps(template.body)
        for name, who in owners.items():
            if template.environment not in who and name in text:
                found.append(f"{template.environment}/{template.stack}: mentions {name}")
    return found


IDENTITIES: Final[Mapping[str, str]] = {
    "AWS::Athena::WorkGroup": "Name",
    "AWS::AutoScaling::AutoScalingGroup": "AutoScalingGroupName",
    "AWS::Backup::BackupPlan": "BackupPlan.BackupPlanName",
    "AWS::Backup::BackupVault": "BackupVaultName",
    "AWS::Budgets::Budget": "Budget.BudgetName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CodeDeploy::Application": "ApplicationName",
    "AWS::CodeDeploy::DeploymentGroup": "DeploymentGroupName",
    "AWS::Cognito::UserPool": "UserPoolName",
    "AWS::Cognito::UserPoolDomain": "Domain",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::EC2::LaunchTemplate": "LaunchTemplateName",
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ECS::Service": "ServiceName",
    "AWS::ECS::TaskDefinition": "Family",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Name",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::Glue::Database": "DatabaseInput.Name",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Logs::ResourcePolicy": "PolicyName",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::WAFv2::WebACL": "Name",
}
"""Where a type says its physical name; one without would get a name of CloudFormation's."""


SERVICES: Final = frozenset({"054676820928"})
"""Accounts of AWS itself: load balancers of eu-central-1 deliver their logs from this one."""


def _identities(template: Template) -> Iterator[tuple[str, str]]:
    """Yield what must be an environment's own; with its place if it is a name."""
    for output in template.body.get("Outputs", {}).values():
        if "Export" in output:
            yield "", str(output["Export"]["Name"])
    for id, kind, properties in template.resources():
        name = _at(properties, IDENTITIES[kind]) if kind in IDENTITIES else None
        if kind in IDENTITIES and not isinstance(name, str):
            yield template.where(id), f"{kind} without a name"
        elif isinstance(name, str):
            yield template.where(id), name
        if kind == "AWS::Route53::RecordSet":
            yield "", f"{properties['Name']}"
            yield "", f"{properties['HostedZoneId']}"
        if kind in ("AWS::EC2::VPC", "AWS::EC2::Subnet"):
            yield "", str(properties["CidrBlock"])
    for account in set(re.findall(r"\b\d{12}\b", json.dumps(template.body))) - SERVICES:
        yield "", account


def _at(properties: Mapping[str, Any], path: str) -> Any:
    value: Any = properties
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
