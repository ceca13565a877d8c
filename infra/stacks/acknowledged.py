"""Findings that are accepted, each with its reason, at the construct that has it.

A reason says why the thing is right as it is, not that somebody has seen it. Permissions are given
by `allow` alone: it refuses a wildcard that comes without a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_iam as iam
from constructs import IConstruct


def accept(construct: IConstruct, reason: str, *rules: str) -> None:
    """Accept rules of ``AwsSolutions`` at a construct and what is in it.

    Args:
        construct: that has the finding.
        reason: why it is right.
        rules: without the pack's name, such as ``S1`` or ``IAM5[Resource::*]``.
    """
    for rule in rules:
        Validations.of(construct).acknowledge(
            Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason)
        )


def allow(
    role: iam.Role,
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    *,
    because: str = "",
    conditions: Mapping[str, Any] | None = None,
) -> None:
    """Give a role a permission.

    Args:
        role: who may.
        sid: name of the statement.
        actions: what.
        resources: on what, as ARNs.
        because: why a wildcard among them is right.
        conditions: under which.

    Raises:
        ValueError: there is a wildcard and no reason for it.
    """
    wild = [f"IAM5[Action::{action}]" for action in actions if "*" in action]
    wild += [f"IAM5[Resource::{resource}]" for resource in resources if "*" in resource]
    if wild and not because:
        raise ValueError(f"{sid}: {', '.join(wild)}: say why")
    role.add_to_policy(
        iam.PolicyStatement(
            sid=sid, actions=list(actions), resources=list(resources), conditions=conditions
        )
    )
    accept(role, because, *wild)
