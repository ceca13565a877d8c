"""The AWS side: what the group looks like, and the requests that carry a decision out.

Every request is safe to repeat: capacity is set to a number, a tag to a value, and a second
termination of an instance changes nothing. They are independent of one another, so that one that
fails is reported and the rest still go; what did not happen will be seen to be missing by the next
decision. Capacity is lowered only by ending a named, empty machine, never by asking for less: then
Auto Scaling would choose which one, and it cannot see which are busy.

A machine is cordoned by a tag that its agent reads from the instance metadata, since Prefect 2
cannot pause one worker. The group's own scale-in protection belongs on
(``NewInstancesProtectedFromScaleIn``) and its AZ rebalancing off, or it ends machines by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.autoscaler.policy import Decision

CORDON_TAG: Final = "worker-cordon"
"""Read by the drain agent; instance metadata allows no slash or space in a key."""

DESCRIBED_AT_ONCE: Final = 100
"""Instances per DescribeInstances request; larger answers are slow and may be paged."""


class FleetError(Exception):
    """The group cannot be read; nothing can be decided."""


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance of the group.

    Attributes:
        id: its id.
        lifecycle: Auto Scaling's state of it, such as ``InService``.
        launched_at: seconds since the epoch.
        cordoned: whether the tag is set.
    """

    id: str
    lifecycle: str
    launched_at: float
    cordoned: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The group's bounds, capacity and instances."""

    minimum: int
    maximum: int
    desired: int
    machines: tuple[Machine, ...]


class Fleet:
    """One Auto Scaling group.

    Args:
        autoscaling: boto3 client of Auto Scaling; botocore makes its methods at run time.
        ec2: boto3 client of EC2.
        group: the group's name.
    """

    def __init__(self, autoscaling: Any, ec2: Any, group: str) -> None:
        self._autoscaling, self._ec2, self._group = autoscaling, ec2, group

    def read(self) -> Group:
        """Read the group.

        Raises:
            FleetError: it does not exist, or cannot be read.
        """
        try:
            answer = self._autoscaling.describe_auto_scaling_groups(
                AutoScalingGroupNames=[self._group]
            )
            if not answer["AutoScalingGroups"]:
                raise FleetError(f"no Auto Scaling group {self._group}; check the fleet's settings")
            group = answer["AutoScalingGroups"][0]
            states = {one["InstanceId"]: one["LifecycleState"] for one in group["Instances"]}
            machines = self._describe(states)
        except (ClientError, BotoCoreError) as error:
            raise FleetError(f"{self._group} cannot be read: {error}") from error
        return Group(group["MinSize"], group["MaxSize"], group["DesiredCapacity"], machines)

    def act(self, decision: Decision) -> list[str]:
        """Carry a decision out; return what failed, a line each.

        Args:
            decision: what to do.
        """
        failures: list[str] = []

        def attempt(what: str, request: Callable[[], object]) -> None:
            try:
                request()
            except (ClientError, BotoCoreError) as error:
                failures.append(f"{what}: {error}")

        if decision.uncordon:
            attempt("take back", lambda: self._tag(decision.uncordon, "no"))
        if decision.desired is not None:
            attempt(f"set capacity to {decision.desired}", lambda: self._set(decision.desired))
        if decision.cordon:
            attempt("cordon", lambda: self._tag(decision.cordon, "yes"))
        for instance in decision.terminate:
            attempt(f"end {instance}", lambda one=instance: self._end(one, True))  # type: ignore[misc]
        for instance in decision.replace:
            attempt(f"replace {instance}", lambda one=instance: self._end(one, False))  # type: ignore[misc]
        return failures

    def _set(self, capacity: int | None) -> None:
        assert capacity is not None
        self._autoscaling.set_desired_capacity(
            AutoScalingGroupName=self._group, DesiredCapacity=capacity, HonorCooldown=False
        )

    def _end(self, instance: str, decrement: bool) -> None:
        self._autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=instance, ShouldDecrementDesiredCapacity=decrement
        )

    def _tag(self, instances: Sequence[str], value: str) -> None:
        self._ec2.create_tags(Resources=list(instances), Tags=[{"Key": CORDON_TAG, "Value": value}])

    def _describe(self, states: dict[str, str]) -> tuple[Machine, ...]:
        ids = sorted(states)
        found: list[Machine] = []
        for start in range(0, len(ids), DESCRIBED_AT_ONCE):
            answer = self._ec2.describe_instances(
                InstanceIds=ids[start : start + DESCRIBED_AT_ONCE]
            )
            for reservation in answer["Reservations"]:
                for one in reservation["Instances"]:
                    tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}
                    found.append(
                        Machine(
                            one["InstanceId"],
                            states[one["InstanceId"]],
                            one["LaunchTime"].timestamp(),
                            tags.get(CORDON_TAG) == "yes",
                        )
                    )
        return tuple(found)
