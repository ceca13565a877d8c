"""What the emulator's CloudFormation does not know, by the request of its service.

Only what the service on the emulator does understand. Each maker takes the resource's resolved
properties, sends the request that CloudFormation would, and returns the physical id and the
attributes that templates ask for. What a service takes in other words than CloudFormation is said
here; fields that only CloudFormation knows are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.emulator.account import Account
from infra.emulator.direct_calls import CALLS, Made, Properties, tags, words

Maker = Callable[[Account, Properties], Made]


def _key(account: Account, given: Properties) -> Made:
    made = account.client("kms").create_key(
        Description=given.get("Description", ""),
        Policy=json.dumps(given["KeyPolicy"]),
        Tags=tags(given, "TagKey", "TagValue"),
    )["KeyMetadata"]
    return made["KeyId"], {"Arn": made["Arn"]}


def _rule(account: Account, given: Properties, direction: str) -> Made:
    """Add a rule to a security group; its id is made up, as the emulator may show none."""
    permission: dict[str, Any] = {"IpProtocol": given["IpProtocol"]}
    permission |= {key: given[key] for key in ("FromPort", "ToPort") if key in given}
    other = given.get("SourceSecurityGroupId") or given.get("DestinationSecurityGroupId")
    listed = given.get("DestinationPrefixListId")
    if other:
        permission["UserIdGroupPairs"] = [{"GroupId": other}]
    elif listed:
        permission["PrefixListIds"] = [{"PrefixListId": listed}]
    else:
        permission["IpRanges"] = [{"CidrIp": given["CidrIp"]}]
    call = getattr(account.client("ec2"), f"authorize_security_group_{direction}")
    try:
        call(GroupId=given["GroupId"], IpPermissions=[permission])
    except ClientError as error:
        # CloudFormation on the emulator makes some rules and shows no id for them.
        if error.response["Error"]["Code"] != "InvalidPermission.Duplicate":
            raise
    return f"{given['GroupId']}|{json.dumps(permission, sort_keys=True)}", {}


def _secret(account: Account, given: Properties) -> Made:
    secrets = account.client("secretsmanager")
    value = secrets.get_random_password(PasswordLength=30)["RandomPassword"]
    generate = given.get("GenerateSecretString", {})
    if "SecretStringTemplate" in generate:
        template = json.loads(generate["SecretStringTemplate"])
        value = json.dumps(template | {generate["GenerateStringKey"]: value})
    made = secrets.create_secret(
        Name=given["Name"],
        Description=given.get("Description", ""),
        KmsKeyId=given.get("KmsKeyId", ""),
        SecretString=value,
        Tags=tags(given),
    )
    return made["ARN"], {}


def _attachment(account: Account, given: Properties) -> Made:
    """Add the database's address to its secret, which is what the attachment does."""
    secrets = account.client("secretsmanager")
    databases = account.client("rds").describe_db_instances(DBInstanceIdentifier=given["TargetId"])
    address = databases["DBInstances"][0]["Endpoint"]
    value = json.loads(secrets.get_secret_value(SecretId=given["SecretId"])["SecretString"])
    value |= {"host": address["Address"], "port": address["Port"]}
    secrets.put_secret_value(SecretId=given["SecretId"], SecretString=json.dumps(value))
    return given["SecretId"], {}


def _database(account: Account, given: Properties) -> Made:
    own = {"DBInstanceIdentifier", "AllocatedStorage", "MaxAllocatedStorage", "Port"}
    numbers = {key: int(given[key]) for key in own & set(given) if key != "DBInstanceIdentifier"}
    taken = (
        "DBInstanceIdentifier", "DBInstanceClass", "Engine", "EngineVersion", "DBName", "MultiAZ",
        "StorageEncrypted", "KmsKeyId", "StorageType", "DBSubnetGroupName", "DBParameterGroupName",
        "DeletionProtection", "PubliclyAccessible", "CopyTagsToSnapshot", "BackupRetentionPeriod",
        "EnableIAMDatabaseAuthentication",
    )  # fmt: skip
    made = account.client("rds").create_db_instance(
        **{key: given[key] for key in taken if key in given},
        **numbers,
        MasterUsername="emulated",
        MasterUserPassword="emulated-and-nowhere-else",
        VpcSecurityGroupIds=given.get("VPCSecurityGroups", []),
        Tags=tags(given),
    )["DBInstance"]
    endpoint = made["Endpoint"]
    return made["DBInstanceIdentifier"], {
        "Endpoint.Address": endpoint["Address"],
        "Endpoint.Port": str(endpoint["Port"]),
        "DBInstanceArn": made["DBInstanceArn"],
        "DbiResourceId": made.get("DbiResourceId"),
    }


def _pool(account: Account, given: Properties) -> Made:
    request = {key: value for key, value in given.items() if key not in ("UserPoolTags",)}
    request["PoolName"] = request.pop("UserPoolName")
    request.pop("EnabledMfas", None)
    for only_ours in ("UserPoolTier", "UserPoolAddOns"):
        request.pop(only_ours, None)
    made = account.client("cognito-idp").create_user_pool(**request)["UserPool"]
    return made["Id"], {"Arn": made["Arn"], "UserPoolId": made["Id"]}


def _firewall(account: Account, given: Properties) -> Made:
    made = account.client("wafv2").create_web_acl(**{**given, "Tags": tags(given)})["Summary"]
    return f"{made['Name']}|{made['Id']}|{given['Scope']}", {"Arn": made["ARN"], "Id": made["Id"]}


def _alarm(account: Account, given: Properties) -> Made:
    cloudwatch = account.client("cloudwatch")
    cloudwatch.put_metric_alarm(**{**given, "Tags": tags(given)})
    name = given["AlarmName"]
    found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return name, {"Arn": found[0]["AlarmArn"]}


def _parameter(account: Account, given: Properties) -> Made:
    request = {key: value for key, value in given.items() if key != "Tags"}
    # CloudFormation on the emulator makes it and then fails at its tags.
    account.client("ssm").put_parameter(**request, Overwrite=True)
    account.client("ssm").add_tags_to_resource(
        ResourceType="Parameter", ResourceId=given["Name"], Tags=tags(given)
    )
    return given["Name"], {"Value": given["Value"]}


def _group_deployment(account: Account, given: Properties) -> Made:
    request = words(
        {key: value for key, value in given.items() if key not in ("Tags", "ECSServices")}
    )
    request["ecsServices"] = [words(one) for one in given["ECSServices"]]
    made = account.client("codedeploy").create_deployment_group(**request)
    return made["deploymentGroupId"], {}


def _budget(account: Account, given: Properties) -> Made:
    budget: Mapping[str, Any] = given["Budget"]
    limit = {**budget["BudgetLimit"], "Amount": str(budget["BudgetLimit"]["Amount"])}
    account.client("budgets").create_budget(
        AccountId=account.number,
        Budget={**budget, "BudgetLimit": limit},
        NotificationsWithSubscribers=given.get("NotificationsWithSubscribers", []),
    )
    return budget["BudgetName"], {}


DIRECT: Final[Mapping[str, Maker]] = {
    **CALLS,
    "AWS::Budgets::Budget": _budget,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CodeDeploy::DeploymentGroup": _group_deployment,
    "AWS::Cognito::UserPool": _pool,
    "AWS::EC2::SecurityGroupEgress": lambda account, given: _rule(account, given, "egress"),
    "AWS::EC2::SecurityGroupIngress": lambda account, given: _rule(account, given, "ingress"),
    "AWS::KMS::Key": _key,
    "AWS::RDS::DBInstance": _database,
    "AWS::SSM::Parameter": _parameter,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::SecretsManager::SecretTargetAttachment": _attachment,
    "AWS::WAFv2::WebACL": _firewall,
}
"""How a type is made, where its template alone is not enough."""
