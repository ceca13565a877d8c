"""The templates' resources created on a moto server over HTTP, dev's of the three environments."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from infra.emulator.account import Account, server
from infra.emulator.assembly import AssemblyError, environments
from infra.emulator.intrinsics import Known, UnknownFunctionError, resolve
from infra.emulator.report import page
from infra.emulator.walk import Outcome, walk

PSEUDO = {"AWS::Region": "eu-central-1", "AWS::AccountId": "1" * 12, "AWS::NoValue": None}


@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
def test_what_the_emulator_knows_is_created_and_the_rest_is_listed(assembly: Path) -> None:
    stacks = environments(assembly)["dev"]
    assert stacks[0].name == "dataweave-dev-network"
    with server() as url:
        outcomes = list(walk("dev", stacks, url))
        account = Account(url, stacks[0].account, stacks[0].region)
        tables = account.client("dynamodb").list_tables()["TableNames"]
        others = Account(url, "9" * 12, stacks[0].region)
        assert others.client("dynamodb").list_tables()["TableNames"] == []
    declared = sum(
        resource["Type"] != "AWS::CDK::Metadata"
        for stack in stacks
        for resource in stack.body["Resources"].values()
    )
    assert len(outcomes) == declared
    how = Counter(outcome.how for outcome in outcomes)
    # Nothing is created and not shown; what is not created says why.
    assert [o for o in outcomes if o.created and o.read is False] == []
    assert all(outcome.reason for outcome in outcomes if not outcome.created)
    assert how["template"] + how["request"] > 0.95 * declared, [
        outcome for outcome in outcomes if not outcome.created
    ]
    assert len(tables) == sum(o.type == "AWS::DynamoDB::Table" for o in outcomes)
    assert all(name.startswith("dataweave-dev-") for name in tables)
    written = page(outcomes, "moto")
    assert all(outcome.type in written for outcome in outcomes)


def test_what_is_absent_is_on_the_page_with_its_reason() -> None:
    made = Outcome("dev", "s", "a", "AWS::S3::Bucket", "template", True)
    absent = Outcome("dev", "s", "b", "AWS::X::Y", "refused", None, "it | does not")
    written = page([made, absent], "moto 5")
    assert "| AWS::X::Y | 1 | it / does not |" in written
    assert "| dev | 2 | 1 | 0 | 1 | 1 | 0 |" in written
    assert "Everything is there." in page([made], "moto 5")


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "bucket"}, "b-1"),
        ({"Fn::GetAtt": ["bucket", "Arn"]}, "arn:b-1"),
        ({"Fn::Join": ["-", ["a", {"Ref": "bucket"}]]}, "a-b-1"),
        ({"Fn::Select": [1, {"Fn::Split": ["-", {"Ref": "bucket"}]}]}, "1"),
        ({"Fn::ImportValue": "there"}, "value"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}]}, {"b": [1]}),
    ],
)
def test_functions_are_resolved(value: Any, resolved: Any) -> None:
    known = Known(PSEUDO, {"there": "value"}, ids={"bucket": "b-1"})
    known.attributes[("bucket", "Arn")] = "arn:b-1"
    assert resolve(value, known) == resolved
    assert known.assumed == set()


def test_a_stand_in_is_noted_and_looks_like_what_it_stands_for() -> None:
    known = Known(PSEUDO, {"shaky": "x"}, unsure={"shaky"})
    assert resolve({"Fn::GetAtt": ["key", "Arn"]}, known).startswith("arn:aws:")
    resolve({"Fn::ImportValue": "shaky"}, known)
    assert known.assumed == {"key.Arn", "shaky"}


def test_a_function_that_nobody_resolves_is_an_error() -> None:
    with pytest.raises(UnknownFunctionError, match="Fn::Cidr"):
        resolve({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, Known(PSEUDO, {}))


def test_no_templates_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AssemblyError, match="make synth"):
        environments(tmp_path)
