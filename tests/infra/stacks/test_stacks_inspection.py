"""Our own checks: silent on the real templates, loud on each thing that they are there for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from infra.stacks.inspection import (
    Template,
    care,
    doors,
    places,
    privileges,
    shared,
    zones,
)

ENVIRONMENTS = ("dev", "staging", "prod")
STACKS = ("network", "data", "doors", "controller", "workers", "scaling", "release")


def test_there_are_seven_stacks_in_each_of_three_environments(templates: list[Template]) -> None:
    found = {(one.environment, one.stack) for one in templates}
    assert found == {(name, stack) for name in ENVIRONMENTS for stack in STACKS}


@pytest.mark.parametrize("check", [privileges, doors, places, care, zones])
def test_a_check_finds_nothing(
    templates: list[Template], check: Callable[[Template], list[str]]
) -> None:
    assert [finding for template in templates for finding in check(template)] == []


def test_the_environments_share_nothing(templates: list[Template]) -> None:
    assert shared(templates) == []


def broken(
    templates: list[Template], stack: str, kind: str, change: Callable[[dict[str, Any]], None]
) -> Template:
    """Return dev's template of a stack with its first resource of a type changed."""
    [template] = [t for t in templates if (t.environment, t.stack) == ("dev", stack)]
    body = copy.deepcopy(template.body)
    change(next(one["Properties"] for one in body["Resources"].values() if one["Type"] == kind))
    return Template("dev", stack, body)


def statement(**values: Any) -> Callable[[dict[str, Any]], None]:
    made = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"} | values
    return lambda properties: properties["PolicyDocument"]["Statement"].append(made)


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(properties: dict[str, Any]) -> None:
        *way, last = path.split(".")
        for name in way:
            properties = properties[int(name) if name.isdigit() else name]
        if value is None:
            del properties[last]
        else:
            properties[last] = value

    return change


BUCKET, LOG, ROLE = "AWS::S3::Bucket", "AWS::Logs::LogGroup", "AWS::IAM::Policy"
GROUP, FLEET, MACHINE = (
    "AWS::EC2::SecurityGroup",
    "AWS::AutoScaling::AutoScalingGroup",
    "AWS::EC2::LaunchTemplate",
)
PUBLIC = [{"Fn::ImportValue": "dataweave-dev-network:ExportsOutputRefvpcpublicSubnet1Subnet2"}]
WORLD = {"CidrIp": "0.0.0.0/0", "FromPort": 22, "ToPort": 22, "IpProtocol": "tcp"}


@pytest.mark.parametrize(
    ("check", "stack", "kind", "change", "words"),
    [
        (privileges, "workers", ROLE, statement(Action="s3:*"), "allows s3:*"),
        (privileges, "workers", ROLE, statement(Resource="*"), "s3:GetObject on everything"),
        (privileges, "scaling", ROLE, statement(Action="iam:CreateUser"), "changes of IAM"),
        (privileges, "release", ROLE, statement(Action=["iam:PassRole"]), "to any service"),
        (doors, "network", GROUP, put("SecurityGroupIngress", [WORLD]), "at 22"),
        (doors, "network", "AWS::EC2::SecurityGroupIngress", put("CidrIp", "0.0.0.0/0"), "open to"),
        (doors, "data", "AWS::RDS::DBInstance", put("PubliclyAccessible", True), "public address"),
        (doors, "workers", MACHINE, put("LaunchTemplateData.KeyName", "mine"), "SSH"),
        (doors, "workers", MACHINE, put("LaunchTemplateData.MetadataOptions", {}), "a token"),
        (places, "workers", FLEET, put("VPCZoneIdentifier", PUBLIC), "not in private"),
        (places, "controller", "AWS::ECS::Service",
         put("NetworkConfiguration.AwsvpcConfiguration.Subnets", PUBLIC), "not in private"),
        (places, "scaling", "AWS::Lambda::Function", put("VpcConfig", None), "not in private"),
        (places, "data", "AWS::RDS::DBSubnetGroup", put("SubnetIds", PUBLIC), "not in isolated"),
        (care, "data", BUCKET, put("Tags", []), "no tag"),
        (care, "data", BUCKET, put("BucketEncryption", None), "no key"),
        (care, "controller", LOG, put("KmsKeyId", None), "no key"),
        (care, "controller", LOG, put("RetentionInDays", None), "no retention"),
        (care, "doors", "AWS::ElasticLoadBalancingV2::LoadBalancer",
         put("LoadBalancerAttributes", None), "no log"),
        (zones, "network", "AWS::EC2::Subnet", put("AvailabilityZone", "dummy1a"), "dummy1a"),
    ],
)  # fmt: skip
def test_a_check_sees_what_it_is_there_for(
    templates: list[Template],
    check: Callable[[Template], list[str]],
    stack: str,
    kind: str,
    change: Callable[[dict[str, Any]], None],
    words: str,
) -> None:
    findings = check(broken(templates, stack, kind, change))
    assert any(words in finding for finding in findings), findings


@pytest.mark.parametrize(
    ("stack", "kind", "change", "words"),
    [
        ("data", BUCKET, put("BucketName", "dataweave-lake"), "does not say whose"),
        ("data", BUCKET, put("BucketName", None), "without a name"),
        ("data", "AWS::DynamoDB::Table", put("TableName", "dataweave-prod-notices"), "dev, prod"),
        ("network", "AWS::EC2::VPC", put("CidrBlock", "10.66.0.0/16"), "dev, prod"),
        ("workers", ROLE, statement(Resource="arn:aws:s3:::dataweave-prod-lake-333333333333/*"),
         "mentions dataweave-prod-lake"),
    ],
)  # fmt: skip
def test_what_two_environments_share_is_seen(
    templates: list[Template],
    stack: str,
    kind: str,
    change: Callable[[dict[str, Any]], None],
    words: str,
) -> None:
    changed = broken(templates, stack, kind, change)
    others = [t for t in templates if (t.environment, t.stack) != ("dev", stack)]
    findings = shared([*others, changed])
    assert any(words in finding for finding in findings), findings
