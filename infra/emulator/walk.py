"""Resource by resource: each is a small stack of its own on the emulator's CloudFormation.

So each has an outcome of its own: a stack of all of them is created or not, and says neither which
resource was refused nor which was passed over. What CloudFormation does not know there is created
by the service's own request, where `direct` has one; and whatever was created is read back through
its service, where `reading` knows how.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from infra.emulator.account import Account
from infra.emulator.assembly import Stack
from infra.emulator.direct import DIRECT
from infra.emulator.intrinsics import Known, resolve
from infra.emulator.reading import READ

How = Literal["template", "request", "refused", "unknown"]

ERRORS: Final = (ClientError, BotoCoreError, ResponseParserError)
"""What a request may end with; the last is a page of HTML where the emulator itself has failed."""

PASSED_OVER: Final = ("AWS::CDK::Metadata",)
"""Types that create nothing anywhere."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a resource.

    Attributes:
        environment: whose.
        stack: its stack's name.
        logical: its logical id.
        type: its type.
        how: created from its ``template`` or by a ``request``; ``refused`` with an error;
            ``unknown`` to the emulator.
        read: whether its service showed it afterwards; None where nobody asked.
        reason: why it was not created or not found.
        assumed: references for which there was but a stand-in.
        missing: attributes that the templates ask for and the emulator does not have.
    """

    environment: str
    stack: str
    logical: str
    type: str
    how: How
    read: bool | None = None
    reason: str = ""
    assumed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def created(self) -> bool:
        """Whether the emulator has it."""
        return self.how in ("template", "request")


def walk(environment: str, stacks: list[Stack], url: str) -> Iterator[Outcome]:
    """Create the resources of an environment; yield what became of each.

    Args:
        environment: its name.
        stacks: its stacks, in order.
        url: the emulator's.
    """
    account = Account(url, stacks[0].account, stacks[0].region)
    account.bootstrap(sorted(_assets(stacks)))
    exports: dict[str, Any] = {}
    unsure: set[str] = set()
    for stack in stacks:
        known = Known(_pseudo(stack, account), exports, unsure)
        asked = stack.asked()
        for logical in stack.ordered():
            resource = stack.body["Resources"][logical]
            if resource["Type"] in PASSED_OVER:
                continue
            known.assumed.clear()
            properties = resolve(resource.get("Properties", {}), known)
            assumed = tuple(sorted(known.assumed))
            if "HostedZoneId" in properties:
                properties["HostedZoneId"] = account.zone(properties["Name"])
            made = _create(account, stack, logical, resource["Type"], properties)
            if isinstance(made, _Made):
                known.ids[logical] = made.id
                given = {key: value for key, value in made.attributes.items() if value}
                known.attributes |= {(logical, key): value for key, value in given.items()}
                missing = tuple(sorted(asked.get(logical, set()) - set(given)))
                read, reason = _read(account, resource["Type"], made.id, properties)
                fate = _Fate(made.how, read, reason, missing)
            else:
                fate = _Fate(made[0], None, made[1])
            yield Outcome(
                environment, stack.name, logical, resource["Type"], fate.how, fate.read,
                fate.reason, assumed, fate.missing,
            )  # fmt: skip
        for output in stack.body.get("Outputs", {}).values():
            if "Export" in output:
                known.assumed.clear()
                name = output["Export"]["Name"]
                exports[name] = resolve(output["Value"], known)
                if known.assumed:
                    unsure.add(name)


@dataclass(frozen=True, slots=True)
class _Made:
    how: Literal["template", "request"]
    id: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Fate:
    how: How
    read: bool | None
    reason: str
    missing: tuple[str, ...] = ()


def _create(
    account: Account, stack: Stack, logical: str, type: str, properties: Mapping[str, Any]
) -> _Made | tuple[How, str]:
    """Create a resource: from its template, else by its service's request."""
    refusal: tuple[How, str]
    try:
        made = _from_template(account, stack, logical, type, properties)
        if made is not None:
            return made
        refusal = "unknown", "the emulator's CloudFormation does not know the type"
    except ERRORS as error:
        refusal = "refused", said(error)
    if type not in DIRECT:
        return refusal
    try:
        id, attributes = DIRECT[type](account, properties)
    except ERRORS as error:
        return "refused", said(error)
    return _Made("request", id, attributes)


def _from_template(
    account: Account, stack: Stack, logical: str, type: str, properties: Mapping[str, Any]
) -> _Made | None:
    body = {"Resources": {logical: {"Type": type, "Properties": properties}}}
    name = f"{stack.name}-{logical}"
    formation = account.client("cloudformation")
    formation.create_stack(StackName=name, TemplateBody=json.dumps(body))
    found = formation.describe_stack_resources(StackName=name)["StackResources"]
    if not found or not found[0].get("PhysicalResourceId"):
        return None
    attributes = _attributes(account, stack, logical, body)
    return _Made("template", found[0]["PhysicalResourceId"], attributes)


def _attributes(
    account: Account, stack: Stack, logical: str, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Ask for each attribute by an output of its own: one that is not there fails the others."""
    formation = account.client("cloudformation")
    found: dict[str, Any] = {}
    for attribute in sorted(stack.asked().get(logical, ())):
        output = {"asked": {"Value": {"Fn::GetAtt": [logical, attribute]}}}
        name = f"{stack.name}-{logical}"
        try:
            formation.update_stack(
                StackName=name, TemplateBody=json.dumps({**body, "Outputs": output})
            )
            outputs = formation.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
        except ERRORS:
            continue
        if outputs and outputs[0].get("OutputValue") not in (None, "", "None"):
            found[attribute] = outputs[0]["OutputValue"]
    return found


def _read(
    account: Account, type: str, id: str, properties: Mapping[str, Any]
) -> tuple[bool | None, str]:
    if type not in READ:
        return None, ""
    try:
        return (True, "") if READ[type](account, id, properties) else (False, "not shown")
    except ERRORS as error:
        return False, said(error)


def _pseudo(stack: Stack, account: Account) -> dict[str, Any]:
    given: dict[str, Any] = {
        "AWS::AccountId": stack.account,
        "AWS::Region": stack.region,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackName": stack.name,
        "AWS::StackId": stack.name,
        "AWS::NoValue": None,
    }
    for name, parameter in stack.body.get("Parameters", {}).items():
        image = "EC2::Image::Id" in parameter["Type"]
        given[name] = account.image() if image else parameter.get("Default", "")
    return given


def _assets(stacks: list[Stack]) -> Iterator[str]:
    for stack in stacks:
        for resource in stack.body["Resources"].values():
            key = resource.get("Properties", {}).get("Code", {})
            if isinstance(key, Mapping) and "S3Key" in key:
                yield str(key["S3Key"])


def said(error: Exception) -> str:
    """Return an error as one line."""
    if isinstance(error, ResponseParserError):
        return "the emulator itself fails at it (500)"
    return " ".join(str(error).split())[:200]
