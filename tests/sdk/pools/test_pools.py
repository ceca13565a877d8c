"""Work pools as data: what is declared, and what is wrong with what is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from blocks.registration.problems import DeclarationError
from sdk.pools.declarations import ENVIRONMENTS, FOLDER, Pool, read
from sdk.pools.plan import There, plan

GIVEN = {
    "ECS_CLUSTER": "arn:aws:ecs:eu-west-1:1:cluster/flows",
    "ECS_TASK_DEFINITION": "arn:aws:ecs:eu-west-1:1:task-definition/flow:7",
    "ECS_SUBNETS": "subnet-1,subnet-2",
    "ECS_SECURITY_GROUPS": "sg-1",
    "DATAWEAVE_STORAGE": "s3://data",
}


def pools(environment: str) -> dict[str, Pool]:
    return {pool.name: pool for pool in read(environment, GIVEN).pools}


def test_each_environment_has_its_pools_and_the_variables_name_them() -> None:
    assert set(pools("development")) == {"local", "warm"}
    assert set(pools("production")) == {"ec2", "ecs", "warm"}
    for environment in ENVIRONMENTS:
        declared = read(environment, GIVEN)
        assert set(declared.variables) == {"work_pool", "heavy_pool"}
        assert set(declared.variables.values()) <= {pool.name for pool in declared.pools}


def test_values_come_from_the_environment_and_missing_ones_are_named() -> None:
    properties = pools("production")["ecs"].template["variables"]["properties"]
    assert properties["task_definition_arn"]["default"] == GIVEN["ECS_TASK_DEFINITION"]
    network = properties["network"]["default"]
    assert network["subnets"] == ["subnet-1", "subnet-2"]
    assert properties["env"]["default"]["DATAWEAVE_ENVIRONMENT"] == "production"
    with pytest.raises(DeclarationError) as caught:
        read("production", {})
    text = str(caught.value)
    for name in GIVEN:
        assert f"{name} is not set" in text
    assert "ecs.yaml, base_job_template.variables.properties.cluster" in text


def test_no_secret_and_no_setting_of_a_worker_goes_into_a_container() -> None:
    default = pools("production")["ecs"].template["variables"]["properties"]["env"]["default"]
    for name in ("PREFECT_API_KEY", "PREFECT_HOME", "PREFECT_API_DATABASE_CONNECTION_URL",
                 "PREFECT_WORKER_QUERY_SECONDS", "PREFECT_PROFILES_PATH"):  # fmt: skip
        assert default[name] is None


def test_limits_differ_by_environment() -> None:
    def limits(environment: str) -> dict[str, int | None]:
        return {queue.name: queue.limit for queue in pools(environment)["ec2"].queues}

    assert limits("staging")["work"] == 16
    assert limits("production")["work"] == 96


def test_what_is_wrong_is_told_all_at_once(tmp_path: Path) -> None:
    text = (FOLDER / "local.yaml").read_text()
    found = yaml.safe_load(text)
    found["queues"]["work"]["priority"] = found["queues"]["backfill"]["priority"]
    del found["queues"]["realtime"]
    (tmp_path / "twice.yaml").write_text(yaml.safe_dump(found))
    (tmp_path / "broken.yaml").write_text("type: [")
    (tmp_path / "odd.yaml").write_text("type: kubernetes\n")
    (tmp_path / "variables.yaml").write_text("development: {work_pool: nowhere}\n")
    with pytest.raises(DeclarationError) as caught:
        read("development", {}, tmp_path)
    problems = {(problem.where, problem.field) for problem in caught.value.problems}
    assert {("twice.yaml", "queues"), ("broken.yaml", ""), ("odd.yaml", "type"),
            ("odd.yaml", "queues"), ("variables.yaml", "work_pool")} <= problems  # fmt: skip
    with pytest.raises(DeclarationError, match="is no environment"):
        read("nowhere", {})


def test_a_pool_of_another_type_is_not_overwritten() -> None:
    declared = read("development", {})
    there = There({"local": {"type": "docker"}}, {}, {})
    [step] = [step for step in plan(declared, there) if step.change.name == "pool local"]
    assert step.method == ""
    assert "docker → process" in str(step.change)
