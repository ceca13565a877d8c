"""What each stack is there for, read from the templates."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from canary.reconciler.__main__ import SETTLED
from canary.reconciler.signs import CENSUS
from canary.reconciler.turn import FOLDER as TURNS
from canary.watch import settings as watch_settings
from canary.watch.heartbeat import Pulse
from infra.autoscaler.config import Config
from infra.autoscaler.forecast import Forecast
from infra.autoscaler.handler import metric_line
from infra.autoscaler.observation import Observation
from infra.autoscaler.policy import State, decide
from infra.autoscaler.settings import Settings
from infra.stacks import cost
from infra.stacks.environments import SITES, SiteError, load
from infra.stacks.inspection import Template, read
from sdk.deployments import COLOUR
from sdk.notices.outbox import OUTBOX
from sdk.running.heart import FOLDER as HEARTS
from tests.infra.stacks.conftest import ROOT, packed

KINDS = ("coordinate", "work")


def of(templates: list[Template], kind: str, environment: str = "prod") -> list[Mapping[str, Any]]:
    return [
        properties
        for template in templates
        if template.environment == environment
        for _, _, properties in template.resources(kind)
    ]


def test_network(templates: list[Template]) -> None:
    subnets = of(templates, "AWS::EC2::Subnet")
    layers = sorted(
        next(tag["Value"] for tag in one["Tags"] if tag["Key"] == "aws-cdk:subnet-name")
        for one in subnets
    )
    assert layers == ["isolated"] * 3 + ["private"] * 3 + ["public"] * 3
    assert not any(one.get("MapPublicIpOnLaunch") for one in subnets)
    assert {one["AvailabilityZone"] for one in subnets} == set(SITES[2].zones)
    assert len(of(templates, "AWS::EC2::NatGateway")) == 3
    assert len(of(templates, "AWS::EC2::FlowLog")) == 1
    endpoints = json.dumps(of(templates, "AWS::EC2::VPCEndpoint"))
    for service in ("s3", "dynamodb", "secretsmanager", "ecr.dkr", "logs", "autoscaling", "ssm"):
        assert f".{service}" in endpoints, service


def test_data(templates: list[Template]) -> None:
    [database] = of(templates, "AWS::RDS::DBInstance")
    assert database["MultiAZ"] and database["StorageEncrypted"] and database["DeletionProtection"]
    assert database["BackupRetentionPeriod"] == 35
    for bucket in of(templates, "AWS::S3::Bucket"):
        assert all(bucket["PublicAccessBlockConfiguration"].values()), bucket["BucketName"]
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    [files] = of(templates, "AWS::EFS::FileSystem")
    assert {"TransitionToIA": "AFTER_7_DAYS"} in files["LifecyclePolicies"]
    for table in of(templates, "AWS::DynamoDB::Table"):
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    [workgroup] = of(templates, "AWS::Athena::WorkGroup")
    assert workgroup["WorkGroupConfiguration"]["EnforceWorkGroupConfiguration"]
    [repository] = of(templates, "AWS::ECR::Repository")
    assert repository["ImageTagMutability"] == "IMMUTABLE"


def test_doors(templates: list[Template]) -> None:
    schemes = [one["Scheme"] for one in of(templates, "AWS::ElasticLoadBalancingV2::LoadBalancer")]
    assert sorted(schemes) == ["internal", "internet-facing"]
    listeners = of(templates, "AWS::ElasticLoadBalancingV2::Listener")
    assert sorted(one["Port"] for one in listeners) == [443, 443, 4200, 4201]
    assert all(one["Protocol"] == "HTTPS" and "TLS13" in one["SslPolicy"] for one in listeners)
    signed_in = [[action["Type"] for action in one["DefaultActions"]] for one in listeners]
    assert sorted(signed_in) == [["authenticate-cognito", "forward"], *[["forward"]] * 3]
    [pool] = of(templates, "AWS::Cognito::UserPool")
    assert pool["MfaConfiguration"] == "ON"
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"]
    [firewall] = of(templates, "AWS::WAFv2::WebACL")
    assert "RateBasedStatement" in json.dumps(firewall)


def containers(templates: list[Template]) -> Iterator[Mapping[str, Any]]:
    for definition in of(templates, "AWS::ECS::TaskDefinition"):
        yield from definition["ContainerDefinitions"]


def test_controller(templates: list[Template]) -> None:
    names = {one["Name"] for one in containers(templates)}
    assert names == {"server", "nginx", "watch", "reconciler", "release-driver"}
    for container in containers(templates):
        assert container["ReadonlyRootFilesystem"] and container["User"] == "10001"
        assert container["StopTimeout"] >= 60
        assert container["LogConfiguration"]["LogDriver"] == "awslogs"
    by_name = {one["ServiceName"]: one for one in of(templates, "AWS::ECS::Service")}
    server = by_name["dataweave-prod-server"]
    assert server["DeploymentController"] == {"Type": "CODE_DEPLOY"}
    # CodeDeploy can move a service of one target group only.
    assert len(server["LoadBalancers"]) == 1
    assert len(by_name["dataweave-prod-doors"]["LoadBalancers"]) == 2


def test_no_secret_stands_in_a_template(templates: list[Template]) -> None:
    for container in containers(templates):
        given = {one["Name"] for one in container.get("Environment", ())}
        assert not {name for name in given if re.search("KEY|TOKEN|PASSWORD|SECRET", name)}
        # The driver asks Secrets Manager itself: it outlives a change of the password.
        assert container.get("Secrets") or container["Name"] == "release-driver", container["Name"]
    text = json.dumps([template.body for template in templates])
    assert '"SecretString"' not in text and 'MasterUserPassword": "' not in text


def test_workers(templates: list[Template]) -> None:
    groups = {
        one["AutoScalingGroupName"]: one
        for one in of(templates, "AWS::AutoScaling::AutoScalingGroup")
    }
    assert set(groups) == {f"dataweave-prod-{k}-{c}" for k in KINDS for c in ("blue", "green")}
    for name, group in groups.items():
        assert group["NewInstancesProtectedFromScaleIn"], name
        assert group["MaxSize"] != "0" or name.endswith("green")
    hooks = of(templates, "AWS::AutoScaling::LifecycleHook")
    assert len(hooks) == 8
    for hook in hooks:
        launching = hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_LAUNCHING"
        # A machine that does not come is given up; one whose agent is gone is let go.
        assert hook["DefaultResult"] == ("ABANDON" if launching else "CONTINUE")
        assert hook["LifecycleHookName"] == ("boot" if launching else "drain")
    pools = of(templates, "AWS::AutoScaling::WarmPool")
    assert len(pools) == 2 and all(pool["PoolState"] == "Stopped" for pool in pools)
    # A pool of one size: the difference to a larger capacity would stand warm as well.
    assert all(pool["MinSize"] == pool["MaxGroupPreparedCapacity"] for pool in pools)
    for template in of(templates, "AWS::EC2::LaunchTemplate"):
        options = template["LaunchTemplateData"]["MetadataOptions"]
        assert options["InstanceMetadataTags"] == "enabled"


def user_data(templates: list[Template]) -> Iterator[str]:
    for template in of(templates, "AWS::EC2::LaunchTemplate"):
        value = template["LaunchTemplateData"]["UserData"]["Fn::Base64"]
        parts = [value] if isinstance(value, str) else value["Fn::Join"][1]
        yield "".join(part if isinstance(part, str) else "fs-1" for part in parts)


def test_a_machine_boots_by_a_script_that_a_shell_can_read(templates: list[Template]) -> None:
    unit = (ROOT / "infra" / "worker" / "dataweave-worker.service").read_text()
    wanted = set(re.findall(r"\$\{?([A-Z_]+)\}?", unit))
    scripts = list(user_data(templates))
    assert len(scripts) == 4
    for script in scripts:
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        given = set(re.findall(r"^([A-Z_]+)=", script, re.M))
        assert wanted <= given
        assert len(script.encode()) < 16384  # EC2's limit


def test_a_colours_machines_serve_the_queues_that_releases_name(templates: list[Template]) -> None:
    declared = yaml.safe_load((ROOT / "work_pools" / "ec2.yaml").read_text())["queues"]
    fleets = Settings.from_environment(autoscaler(templates)["Environment"]["Variables"]).fleets
    sized = {fleet.group: list(fleet.queues) for fleet in fleets}
    served: dict[str, list[str]] = {}
    for script in user_data(templates):
        given = dict(re.findall(r"^([A-Z_]+)=(.*)$", script, re.M))
        served[given["GROUP"]] = re.findall(r"--queue (\S+)", given["QUEUES"])
        # What a run starts goes to the queues of its worker's colour (sdk.deployments).
        assert given["GROUP"].endswith(f"-{given[COLOUR]}")
        assert all(queue.endswith(f"-{given[COLOUR]}") for queue in served[given["GROUP"]])
    assert served == sized
    for colour in ("blue", "green"):
        own = [queue for group in served for queue in served[group] if group.endswith(colour)]
        assert sorted(own) == sorted(f"{queue}-{colour}" for queue in declared)


def autoscaler(templates: list[Template], environment: str = "prod") -> Mapping[str, Any]:
    [function] = [
        one
        for one in of(templates, "AWS::Lambda::Function", environment)
        if one["FunctionName"].endswith("-autoscaler")
    ]
    return function


def test_scaling(templates: list[Template]) -> None:
    for site in SITES:
        function = autoscaler(templates, site.name)
        variables = function["Environment"]["Variables"]
        # The function's own reading of what the stack gives it.
        settings = Settings.from_environment(variables)
        groups = {
            one["AutoScalingGroupName"]
            for one in of(templates, "AWS::AutoScaling::AutoScalingGroup", site.name)
        }
        assert {fleet.group for fleet in settings.fleets} == groups
        [rule] = [
            one
            for one in of(templates, "AWS::Events::Rule", site.name)
            if one["Name"] == function["FunctionName"]
        ]
        assert rule["ScheduleExpression"] == "rate(1 minute)"
        assert settings.rounds * settings.pause <= 60
        assert function["Timeout"] > (settings.rounds - 1) * settings.pause + 30
    silent = [
        alarm["AlarmName"]
        for alarm in of(templates, "AWS::CloudWatch::Alarm")
        if alarm["TreatMissingData"] == "breaching"
    ]
    assert {"dataweave-prod-autoscaler-silent", "dataweave-prod-watch-silent"} <= set(silent)


def test_the_watch_can_start_and_its_alarm_hears_it(
    templates: list[Template], tmp_path: Path, moto_metrics: Any
) -> None:
    [watch] = [one for one in containers(templates) if one["Name"] == "watch"]
    given = {one["Name"]: one["Value"] for one in watch["Environment"]}
    config = tmp_path / "watch.yaml"
    config.write_text(given["WATCH_CONFIG"])
    settings = watch_settings.read(config)
    secrets = {one["Name"]: "https://hooks.example/x" for one in watch["Secrets"]}
    assert settings.webhook(secrets) and settings.key(secrets)
    assert settings.storage in {
        f"s3://{one['BucketName']}" for one in of(templates, "AWS::S3::Bucket")
    }
    Pulse(settings.heartbeat, moto_metrics).beat(0)
    [alarm] = [
        one
        for one in of(templates, "AWS::CloudWatch::Alarm")
        if one["AlarmName"] == "dataweave-prod-watch-silent"
    ]
    beaten = moto_metrics.list_metrics(
        Namespace=alarm["Namespace"], MetricName=alarm["MetricName"]
    )["Metrics"]
    assert [one["Dimensions"] for one in beaten] == [alarm["Dimensions"]]


def test_the_reconcilers_can_start_and_take_turns(templates: list[Template]) -> None:
    [container] = [one for one in containers(templates) if one["Name"] == "reconciler"]
    given = {one["Name"]: one["Value"] for one in container["Environment"]}
    assert {"PREFECT_API_URL", "DATAWEAVE_STORAGE", "DATAWEAVE_ENVIRONMENT"} <= set(given)
    assert {one["Name"] for one in container["Secrets"]} == {"PREFECT_API_KEY"}
    assert given["DATAWEAVE_STORAGE"] in {
        f"s3://{one['BucketName']}" for one in of(templates, "AWS::S3::Bucket")
    }
    by_name = {one["ServiceName"]: one for one in of(templates, "AWS::ECS::Service")}
    assert by_name["dataweave-prod-reconciler"]["DesiredCount"] == 2
    # Every folder that it writes is one that its role may write.
    policies = json.dumps(list(of(templates, "AWS::IAM::Policy")))
    for folder in (HEARTS, CENSUS, TURNS, SETTLED, OUTBOX):
        assert f"/{folder}/*" in policies


def test_every_machine_takes_its_census(templates: list[Template]) -> None:
    unit = (ROOT / "infra" / "worker" / "dataweave-census.service").read_text()
    assert "python -m canary.reconciler.census" in unit
    for script in user_data(templates):
        assert "dataweave-{worker,census}.service" in script
        assert "systemctl enable dataweave-worker dataweave-census" in script


def test_the_alarms_on_waiting_runs_hear_the_autoscaler(templates: list[Template]) -> None:
    function = autoscaler(templates)
    fleets = Settings.from_environment(function["Environment"]["Variables"]).fleets
    decision = decide(Observation(now=1.0, measured_at=1.0), Forecast(), State(), Config())
    lines = [
        json.loads(metric_line(decision, fleet.config.name, 0.0, [], dry_run=False))
        for fleet in fleets
    ]
    heard = {
        (line["_aws"]["CloudWatchMetrics"][0]["Namespace"], metric["Name"], line["fleet"])
        for line in lines
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
    wanted = {
        (one["Namespace"], one["MetricName"], one["Dimensions"][0]["Value"])
        for one in of(templates, "AWS::CloudWatch::Alarm")
        if one["AlarmName"].endswith("-waits")
    }
    # Whichever colour works: a release moves the runs from one to the other.
    assert {fleet for _, _, fleet in wanted} == {fleet.config.name for fleet in fleets}
    assert wanted <= heard


def test_release(templates: list[Template]) -> None:
    [group] = of(templates, "AWS::CodeDeploy::DeploymentGroup")
    assert group["AutoRollbackConfiguration"]["Enabled"]
    assert len(group["AutoRollbackConfiguration"]["Events"]) == 3
    pair = group["LoadBalancerInfo"]["TargetGroupPairInfoList"][0]
    assert len(pair["TargetGroups"]) == 2 and "TestTrafficRoute" in pair
    alarms = {one["AlarmName"] for one in of(templates, "AWS::CloudWatch::Alarm")}
    guards = {one["Name"] for one in group["AlarmConfiguration"]["Alarms"]}
    assert guards and guards <= alarms
    for colour in ("blue", "green"):
        assert f"dataweave-prod-server-unhealthy-{colour}" in guards
    names = {one["Name"] for one in of(templates, "AWS::SSM::Parameter")}
    assert names == {"/dataweave/prod/release/blue", "/dataweave/prod/release/green"}


def test_the_cost_is_counted_from_the_templates(templates: list[Template]) -> None:
    price = cost.prices()
    totals = {}
    for site in SITES:
        lines = cost.table(site, templates, price)
        totals[site.name] = sum(line.dollars for line in lines)
        assert totals[site.name] < site.budget
        counted = {line.what: line for line in lines if not line.assumed}
        assert counted["NAT gateways"].count == site.nat_gateways
        gateways = site.nat_gateways * price["nat_gateway_hour"] * price["hours_a_month"]
        assert counted["NAT gateways"].dollars == pytest.approx(gateways)
    assert totals["dev"] < totals["staging"] < totals["prod"]


def test_the_cost_that_is_written_down_is_the_cost(templates: list[Template]) -> None:
    price = cost.prices()
    tables = {site.name: cost.table(site, templates, price) for site in SITES}
    assert cost.markdown(tables) in (ROOT / "docs" / "infra.md").read_text()


def test_a_deployers_own_values(tmp_path: Path) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text("prod: {account: '444444444444', people: [192.0.2.0/24]}\n")
    sites = load(path)
    assert [site.account for site in sites] == ["111111111111", "222222222222", "444444444444"]
    assert sites[2].people == ("192.0.2.0/24",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("production: {}", "no environment production"),
        ("prod: {colour: red}", "no field colour"),
        ("prod: {account: '12'}", "twelve digits"),
        ("prod: {cidr: 10.64.0.0/16}", "used by two"),
        ("prod: {cidr: 10.64.0.0/20}", "must be a /16"),
        ("prod: {zones: [eu-central-1a]}", "two or more"),
        ("prod: {zones: [us-east-1a, us-east-1b]}", "must lie in eu-central-1"),
        ("[prod]", "must be a mapping"),
    ],
)
def test_a_wrong_description_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(text)
    with pytest.raises(SiteError, match=words):
        load(path)


def test_the_same_code_gives_the_same_templates(package: Path, hooks: Path) -> None:
    """The package's hash decides whether the function is deployed again."""
    for folder, module in (
        (package, "infra.autoscaler.package"),
        (hooks, "infra.release.aws.package"),
    ):
        again = packed(module, folder.parent / "again")
        first, second = (
            {path.relative_to(one): path.read_bytes() for path in one.rglob("*") if path.is_file()}
            for one in (folder, again)
        )
        assert first and first == second


def test_nothing_is_read_where_nothing_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read(tmp_path) == []
    assert cost.main([str(tmp_path)]) == 2
    assert "make synth" in capsys.readouterr().err
