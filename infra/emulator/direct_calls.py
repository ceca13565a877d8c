"""Makers of types whose request takes the template's own words, nearly."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from infra.emulator.account import Account

Properties = Mapping[str, Any]
Made = tuple[str, dict[str, Any]]


def tags(given: Properties, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Return a resource's tags as its service takes them; templates have a list or a mapping."""
    found = given.get("Tags", [])
    pairs = found.items() if isinstance(found, Mapping) else ((t["Key"], t["Value"]) for t in found)
    return [{key: str(name), value: str(said)} for name, said in pairs]


def words(value: Any) -> Any:
    """Return a value with its keys in lower camel case, which some services speak."""
    if isinstance(value, list):
        return [words(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    return {key[0].lower() + key[1:]: words(one) for key, one in value.items()}


def _call(
    service: str,
    operation: str,
    request: Callable[[Properties], dict[str, Any]],
    made: Callable[[Properties, Mapping[str, Any]], Made],
) -> Callable[[Account, Properties], Made]:
    def maker(account: Account, given: Properties) -> Made:
        answer = getattr(account.client(service), operation)(**request(given))
        return made(given, answer)

    return maker


def _named(key: str) -> Callable[[Properties, Mapping[str, Any]], Made]:
    return lambda given, _: (str(given[key]), {})


def _without(*left_out: str) -> Callable[[Properties], dict[str, Any]]:
    return lambda given: {key: value for key, value in given.items() if key not in left_out}


def _with_tags(given: Properties) -> dict[str, Any]:
    return {**given, "Tags": tags(given)}


def _owned(root: Mapping[str, Any]) -> dict[str, Any]:
    """Return an access point's root with its owner in numbers, where templates have text."""
    owner = (
        {
            key: int(value) if key.startswith("Owner") else value
            for key, value in root["CreationInfo"].items()
        }
        if "CreationInfo" in root
        else None
    )
    return {**root, "CreationInfo": owner} if owner else dict(root)


def _policy(given: Properties) -> str:
    return json.dumps(given["PolicyDocument"])


CALLS: Final[Mapping[str, Callable[[Account, Properties], Made]]] = {
    "AWS::Athena::WorkGroup": _call(
        "athena", "create_work_group",
        lambda given: {
            "Name": given["Name"], "Configuration": given["WorkGroupConfiguration"],
            "Tags": tags(given),
        },
        _named("Name"),
    ),
    "AWS::AutoScaling::LifecycleHook": _call(
        "autoscaling", "put_lifecycle_hook", dict, _named("LifecycleHookName")
    ),
    "AWS::AutoScaling::WarmPool": _call(
        "autoscaling", "put_warm_pool", dict, _named("AutoScalingGroupName")
    ),
    "AWS::Backup::BackupPlan": _call(
        "backup", "create_backup_plan",
        lambda given: {
            "BackupPlan": {
                "BackupPlanName": given["BackupPlan"]["BackupPlanName"],
                "Rules": [
                    {
                        "RuleName": rule["RuleName"],
                        "TargetBackupVaultName": rule["TargetBackupVault"],
                        "ScheduleExpression": rule["ScheduleExpression"],
                        "Lifecycle": rule.get("Lifecycle", {}),
                    }
                    for rule in given["BackupPlan"]["BackupPlanRule"]
                ],
            }
        },
        lambda _, answer: (answer["BackupPlanId"], {"BackupPlanId": answer["BackupPlanId"]}),
    ),
    "AWS::Backup::BackupVault": _call(
        "backup", "create_backup_vault",
        lambda given: {
            "BackupVaultName": given["BackupVaultName"],
            "EncryptionKeyArn": given["EncryptionKeyArn"],
        },
        lambda given, answer: (given["BackupVaultName"], {
            "BackupVaultArn": answer["BackupVaultArn"],
            "BackupVaultName": given["BackupVaultName"],
        }),
    ),
    "AWS::CertificateManager::Certificate": _call(
        "acm", "request_certificate",
        lambda given: {
            key: given[key]
            for key in ("DomainName", "SubjectAlternativeNames", "ValidationMethod")
            if key in given
        },
        lambda _, answer: (answer["CertificateArn"], {}),
    ),
    "AWS::CodeDeploy::Application": _call(
        "codedeploy", "create_application",
        lambda given: {
            "applicationName": given["ApplicationName"],
            "computePlatform": given["ComputePlatform"],
        },
        _named("ApplicationName"),
    ),
    "AWS::Cognito::UserPoolClient": _call(
        "cognito-idp", "create_user_pool_client",
        lambda given: {"ClientName": "balancer", **given},
        lambda _, answer: (answer["UserPoolClient"]["ClientId"], {}),
    ),
    "AWS::Cognito::UserPoolDomain": _call(
        "cognito-idp", "create_user_pool_domain", dict, _named("Domain")
    ),
    "AWS::EFS::AccessPoint": _call(
        "efs", "create_access_point",
        lambda given: {
            "ClientToken": given["FileSystemId"], "FileSystemId": given["FileSystemId"],
            "PosixUser": {key: int(value) for key, value in given["PosixUser"].items()},
            "RootDirectory": _owned(given["RootDirectory"]),
            "Tags": [
                {"Key": tag["Key"], "Value": tag["Value"]}
                for tag in given.get("AccessPointTags", [])
            ],
        },
        lambda _, answer: (answer["AccessPointId"], {"Arn": answer["AccessPointArn"]}),
    ),
    "AWS::ECS::ClusterCapacityProviderAssociations": _call(
        "ecs", "put_cluster_capacity_providers",
        lambda given: {
            "cluster": given["Cluster"], "capacityProviders": given["CapacityProviders"],
            "defaultCapacityProviderStrategy": words(given["DefaultCapacityProviderStrategy"]),
        },
        _named("Cluster"),
    ),
    "AWS::Glue::Database": _call(
        "glue", "create_database",
        lambda given: {"DatabaseInput": given["DatabaseInput"]},
        lambda given, _: (given["DatabaseInput"]["Name"], {}),
    ),
    "AWS::KMS::Alias": _call("kms", "create_alias", dict, _named("AliasName")),
    "AWS::Lambda::EventInvokeConfig": _call(
        "lambda", "put_function_event_invoke_config",
        _without("Qualifier"),
        _named("FunctionName"),
    ),
    "AWS::Lambda::Permission": _call(
        "lambda", "add_permission",
        lambda given: {"StatementId": "rule", **given},
        _named("FunctionName"),
    ),
    "AWS::RDS::DBParameterGroup": _call(
        "rds", "create_db_parameter_group",
        lambda given: {
            "DBParameterGroupName": given.get("DBParameterGroupName", "parameters"),
            "DBParameterGroupFamily": given["Family"], "Description": given["Description"],
            "Tags": tags(given),
        },
        lambda given, _: (str(given.get("DBParameterGroupName", "parameters")), {}),
    ),
    "AWS::RDS::DBSubnetGroup": _call(
        "rds", "create_db_subnet_group",
        lambda given: {
            "DBSubnetGroupName": given.get("DBSubnetGroupName", "subnets"),
            "DBSubnetGroupDescription": given["DBSubnetGroupDescription"],
            "SubnetIds": given["SubnetIds"], "Tags": tags(given),
        },
        lambda given, _: (str(given.get("DBSubnetGroupName", "subnets")), {}),
    ),
    "AWS::S3::BucketPolicy": _call(
        "s3", "put_bucket_policy",
        lambda given: {"Bucket": given["Bucket"], "Policy": _policy(given)},
        _named("Bucket"),
    ),
    "AWS::SNS::Subscription": _call(
        "sns", "subscribe", dict, lambda _, answer: (answer["SubscriptionArn"], {})
    ),
    "AWS::SNS::TopicPolicy": _call(
        "sns", "set_topic_attributes",
        lambda given: {
            "TopicArn": given["Topics"][0], "AttributeName": "Policy",
            "AttributeValue": _policy(given),
        },
        lambda given, _: (given["Topics"][0], {}),
    ),
    "AWS::SQS::QueuePolicy": _call(
        "sqs", "set_queue_attributes",
        lambda given: {"QueueUrl": given["Queues"][0], "Attributes": {"Policy": _policy(given)}},
        lambda given, _: (given["Queues"][0], {}),
    ),
    "AWS::WAFv2::WebACLAssociation": _call(
        "wafv2", "associate_web_acl",
        lambda given: {"WebACLArn": given["WebACLArn"], "ResourceArn": given["ResourceArn"]},
        _named("ResourceArn"),
    ),
}  # fmt: skip
"""How a type is made by one request."""
