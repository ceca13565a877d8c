"""Fleets by colour: the release's name in Systems Manager, and the bounds of auto-scaling groups.

A machine boots the release that its colour's parameter names. A colour that is not at work has a
maximum of 0; it comes up with the bounds of the other, as many machines and a warm pool like the
other's. Stopping is to take maximum and warm pool away: machines end through their termination
hook, when the last run has ended. A warm machine has booted a release already, and would run it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.release.aws.account import Account
from infra.release.model import Colour, Version
from infra.release.parts import Unanswered
from infra.release.seen import Look
from infra.release.store import ReleaseProblemError

IN_SERVICE = "InService"
ENDING = "PendingDelete"
NOTHING_YET = "none"
"""What a colour's parameter says before the first release, see `infra.stacks.release`."""


class GroupFleet:
    """An environment's fleets.

    Args:
        account: names.
        autoscaling: boto3's client.
        ssm: boto3's client.
    """

    def __init__(self, account: Account, autoscaling: Any, ssm: Any) -> None:
        self._account, self._autoscaling, self._ssm = account, autoscaling, ssm

    def look(self, colour: Colour, version: Version) -> tuple[Look, str]:
        """Say whether each group of a colour has a machine in service that booted a version."""
        try:
            named = self._named(colour)
            groups = self._groups(colour)
        except (ClientError, BotoCoreError) as error:
            raise Unanswered(str(error)) from None
        if named != version.digest or any(not group["MaxSize"] for group in groups):
            return Look.ABSENT, f"{colour} machines boot {named[:12]}"
        told = []
        for group in groups:
            ready = sum(one["LifecycleState"] == IN_SERVICE for one in group["Instances"])
            if ready < max(1, group["DesiredCapacity"]):
                told.append(f"{group['AutoScalingGroupName']}: {ready} of "
                            f"{group['DesiredCapacity']}")  # fmt: skip
        return (Look.WAITING, "; ".join(told)) if told else (Look.DONE, "")

    def start(self, colour: Colour, version: Version) -> None:
        """Name the release, then open the groups.

        Raises:
            ReleaseProblemError: machines of another version are still there.
        """
        groups = self._groups(colour)
        named = self._named(colour)
        if named != version.digest:
            left = [one["InstanceId"] for group in groups for one in group["Instances"]]
            if left:
                raise ReleaseProblemError(f"{colour} still has machines: {', '.join(left)}")
            warm = [group["AutoScalingGroupName"] for group in groups if self._warm(group)]
            # Before the first release a machine boots nothing, and none stays.
            if warm and named != NOTHING_YET:
                raise ReleaseProblemError(f"{colour} still has warm machines: {', '.join(warm)}")
            self._ssm.put_parameter(
                Name=self._account.parameters[colour], Value=version.digest, Overwrite=True
            )
        others = self._groups(colour.other)
        for group, other in zip(groups, others, strict=True):
            if group["MaxSize"]:
                continue
            # Before the group is open: a driver that is killed in between does both again.
            if (like := self._warm(other)) and not self._warm(group):
                self._autoscaling.put_warm_pool(
                    AutoScalingGroupName=group["AutoScalingGroupName"], **like
                )
            most = other["MaxSize"] or 1
            wanted = min(most, max(1, other["DesiredCapacity"]))
            self._autoscaling.update_auto_scaling_group(
                AutoScalingGroupName=group["AutoScalingGroupName"],
                MinSize=min(other["MinSize"], wanted),
                MaxSize=most,
                DesiredCapacity=wanted,
            )

    def gone(self, colour: Colour) -> Look:
        """Say whether a colour has no machine left."""
        try:
            groups = self._groups(colour)
        except (ClientError, BotoCoreError) as error:
            raise Unanswered(str(error)) from None
        if any(group["MaxSize"] for group in groups):
            return Look.ABSENT
        ending = any(group["Instances"] or self._warm(group) for group in groups)
        return Look.WAITING if ending else Look.DONE

    def stop(self, colour: Colour) -> None:
        """Close the groups: machines drain and end."""
        for name in self._account.groups[colour]:
            self._autoscaling.update_auto_scaling_group(
                AutoScalingGroupName=name, MinSize=0, MaxSize=0, DesiredCapacity=0
            )
        for group in self._groups(colour):
            pool = group.get("WarmPoolConfiguration")
            if pool and pool.get("Status") != ENDING:
                self._autoscaling.delete_warm_pool(
                    AutoScalingGroupName=group["AutoScalingGroupName"], ForceDelete=True
                )

    @staticmethod
    def _warm(group: Mapping[str, Any]) -> dict[str, Any]:
        """Return a group's warm pool as it is asked for; empty for none."""
        names = ("MinSize", "MaxGroupPreparedCapacity", "PoolState", "InstanceReusePolicy")
        pool = group.get("WarmPoolConfiguration") or {}
        return {name: pool[name] for name in names if pool.get(name) is not None}

    def _named(self, colour: Colour) -> str:
        found = self._ssm.get_parameter(Name=self._account.parameters[colour])
        return str(found["Parameter"]["Value"])

    def _groups(self, colour: Colour) -> list[dict[str, Any]]:
        names = self._account.groups[colour]
        found = self._autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=names)
        groups = {one["AutoScalingGroupName"]: one for one in found["AutoScalingGroups"]}
        missing = [name for name in names if name not in groups]
        if missing:
            raise ReleaseProblemError(f"there is no auto-scaling group {', '.join(missing)}")
        return [groups[name] for name in names]
