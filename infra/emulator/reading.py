"""Whether a service shows what was created: asked of the service, not of CloudFormation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from infra.emulator.account import Account

Reader = Callable[[Account, str, Mapping[str, Any]], bool]


def _reader(service: str, operation: str, key: str, *, listed: bool = False) -> Reader:
    """Ask for one by its id; an error, or a list without it, is that it is not there."""

    def read(account: Account, id: str, _: Mapping[str, Any]) -> bool:
        answer = getattr(account.client(service), operation)(**{key: [id] if listed else id})
        lists = [value for value in answer.values() if isinstance(value, list)]
        return not lists or any(lists)

    return read


def _hook(account: Account, id: str, given: Mapping[str, Any]) -> bool:
    answer = account.client("autoscaling").describe_lifecycle_hooks(
        AutoScalingGroupName=given["AutoScalingGroupName"], LifecycleHookNames=[id]
    )
    return bool(answer["LifecycleHooks"])


def _service(account: Account, id: str, given: Mapping[str, Any]) -> bool:
    answer = account.client("ecs").describe_services(cluster=given["Cluster"], services=[id])
    return bool(answer["services"])


def _logs(account: Account, id: str, given: Mapping[str, Any]) -> bool:
    groups = account.client("logs").describe_log_groups(logGroupNamePrefix=id)["logGroups"]
    return any(group.get("retentionInDays") == given["RetentionInDays"] for group in groups)


READ: Final[Mapping[str, Reader]] = {
    "AWS::Athena::WorkGroup": _reader("athena", "get_work_group", "WorkGroup"),
    "AWS::AutoScaling::AutoScalingGroup": _reader(
        "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroupNames", listed=True
    ),
    "AWS::AutoScaling::LifecycleHook": _hook,
    "AWS::Backup::BackupVault": _reader("backup", "describe_backup_vault", "BackupVaultName"),
    "AWS::CertificateManager::Certificate": _reader(
        "acm", "describe_certificate", "CertificateArn"
    ),
    "AWS::CloudWatch::Alarm": _reader("cloudwatch", "describe_alarms", "AlarmNames", listed=True),
    "AWS::CodeDeploy::Application": _reader("codedeploy", "get_application", "applicationName"),
    "AWS::Cognito::UserPool": _reader("cognito-idp", "describe_user_pool", "UserPoolId"),
    "AWS::DynamoDB::Table": _reader("dynamodb", "describe_table", "TableName"),
    "AWS::EC2::LaunchTemplate": _reader(
        "ec2", "describe_launch_templates", "LaunchTemplateIds", listed=True
    ),
    "AWS::EC2::NatGateway": _reader("ec2", "describe_nat_gateways", "NatGatewayIds", listed=True),
    "AWS::EC2::SecurityGroup": _reader("ec2", "describe_security_groups", "GroupIds", listed=True),
    "AWS::EC2::Subnet": _reader("ec2", "describe_subnets", "SubnetIds", listed=True),
    "AWS::EC2::VPC": _reader("ec2", "describe_vpcs", "VpcIds", listed=True),
    "AWS::EC2::VPCEndpoint": _reader(
        "ec2", "describe_vpc_endpoints", "VpcEndpointIds", listed=True
    ),
    "AWS::ECR::Repository": _reader("ecr", "describe_repositories", "repositoryNames", listed=True),
    "AWS::ECS::Cluster": _reader("ecs", "describe_clusters", "clusters", listed=True),
    "AWS::ECS::Service": _service,
    "AWS::ECS::TaskDefinition": _reader("ecs", "describe_task_definition", "taskDefinition"),
    "AWS::EFS::AccessPoint": _reader("efs", "describe_access_points", "AccessPointId"),
    "AWS::EFS::FileSystem": _reader("efs", "describe_file_systems", "FileSystemId"),
    "AWS::ElasticLoadBalancingV2::Listener": _reader(
        "elbv2", "describe_listeners", "ListenerArns", listed=True
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _reader(
        "elbv2", "describe_load_balancers", "LoadBalancerArns", listed=True
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": _reader(
        "elbv2", "describe_target_groups", "TargetGroupArns", listed=True
    ),
    "AWS::Events::Rule": _reader("events", "describe_rule", "Name"),
    "AWS::IAM::InstanceProfile": _reader("iam", "get_instance_profile", "InstanceProfileName"),
    "AWS::IAM::Role": _reader("iam", "get_role", "RoleName"),
    "AWS::KMS::Key": _reader("kms", "describe_key", "KeyId"),
    "AWS::Lambda::Function": _reader("lambda", "get_function", "FunctionName"),
    "AWS::Logs::LogGroup": _logs,
    "AWS::RDS::DBInstance": _reader("rds", "describe_db_instances", "DBInstanceIdentifier"),
    "AWS::S3::Bucket": _reader("s3", "get_bucket_encryption", "Bucket"),
    "AWS::S3::BucketPolicy": _reader("s3", "get_bucket_policy", "Bucket"),
    "AWS::SNS::Topic": _reader("sns", "get_topic_attributes", "TopicArn"),
    "AWS::SQS::Queue": _reader("sqs", "get_queue_attributes", "QueueUrl"),
    "AWS::SSM::Parameter": _reader("ssm", "get_parameter", "Name"),
    "AWS::SecretsManager::Secret": _reader("secretsmanager", "describe_secret", "SecretId"),
}
"""How a type is asked for."""
